"""The Typer app: every command under its name."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import CurateError
from ..terminal.config_file import read_settings
from ..terminal.exit_codes import reporting_errors
from .demo import demo
from .distort import distort
from .distortions import distortions
from .domains import app as domains
from .downsample import downsample
from .encode import encode
from .export import export
from .inspect import inspect
from .label import label
from .merge import merge
from .mix import mix
from .relocate import relocate
from .report import report
from .select import select
from .status import status
from .testset import testset
from .upsample import upsample
from .verify import verify

app = typer.Typer(
    name="syndr-curate",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reshape synthetic image-quality data: a manifest goes in, a manifest comes out.",
)


def _show_version(value: bool) -> None:
    if value:
        from ... import __version__

        print(f"syndr-curate {__version__}")
        raise typer.Exit


@app.callback()
@reporting_errors
def _prepare(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    context.default_map = read_settings(_current_folder(), dict(_parameters(context.command)))


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        reason = error.strerror or error
        raise CurateError(f"the current folder cannot be used ({reason}): cd into one that is there") from error


def _parameters(group: Any, family: str = "") -> Iterator[tuple[str, dict[str, bool]]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _parameters(command, f"{family}{name} ")
        else:
            # An argument such as MANIFEST... takes several values too.
            repeatable = {
                p.name: bool(getattr(p, "multiple", False)) or p.nargs == -1 for p in command.params if p.name != "help"
            }
            yield f"{family}{name}", repeatable


for _command in (
    demo,
    encode,
    select,
    distort,
    label,
    upsample,
    downsample,
    mix,
    report,
    export,
    verify,
    inspect,
    relocate,
    status,
    merge,
    testset,
    distortions,
):
    app.command()(_command)
app.add_typer(domains)
