"""Refuse flags that would have no effect, so that nobody relies on one."""

from pathlib import Path

import typer

from ..errors import CurateError


def refuse_without_effect(context: typer.Context, why: str, *parameters: str) -> None:
    """Refuse flags that have no effect together with the others.

    What the settings file says is no request: it holds for every call of a command.

    Args:
        context: The call.
        why: When the flags have no effect, as the end of a sentence.
        parameters: Names of the command's parameters.

    Raises:
        CurateError: One of them was given on the command line; the message names the flags.
    """
    given = [name for name in parameters if _is_from_command_line(context, name)]
    if given:
        flags = ", ".join(_flag(context, name) for name in given)
        raise CurateError(f"{flags} {'has' if len(given) == 1 else 'have'} no effect {why}: leave it out")


def refuse_flags_of_the_other_input(context: typer.Context, images: Path) -> None:
    """Refuse flags of folders with a manifest or one image, and `--root` with a folder or an image.

    Args:
        context: The call.
        images: A folder, an image or a manifest (`.parquet`).

    Raises:
        CurateError: One of them was given.
    """
    if images.suffix == ".parquet":
        refuse_without_effect(context, "on a manifest, whose rows have their ids", "ids")
        refuse_without_effect(context, "on a manifest, which names its images", "follow_links")
    else:
        refuse_without_effect(context, "on a folder or an image, which is its own root", "root")
        if images.is_file():
            refuse_without_effect(context, "on one image", "follow_links")


def _is_from_command_line(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _flag(context: typer.Context, name: str) -> str:
    parameter = next(each for each in context.command.params if each.name == name)
    return parameter.opts[0]
