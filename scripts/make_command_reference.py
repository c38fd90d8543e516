"""Write docs/commands.md from the command line itself; `--check` compares it with what is there."""

import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from syndr_curate.cli import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
# What an example needs before it runs as printed, in the words of tests/docs/.
NEEDS = {
    "demo": "slow",
    "encode": "photos",
    "distort": "photos; slow",
    "inspect": "the demo as manifests",
    "export": "the demo as manifests",
    "distortions": "",
}
ELSEWHERE = "inputs of your own"
INTRODUCTION = """# Commands

<!-- Made by scripts/make_command_reference.py; edit the help texts in curate/command/ instead. -->

Results go to stdout (`--json`: one JSON object and nothing else), progress and notes to stderr. Flags override
`syndr-curate.toml` in the current folder (a table per command, keys named like the flags with underscores), which
overrides the defaults; `--plugin` is a flag alone, as [it runs code](own-types.md). Exit status: 0 done, 1 `verify`
found something, 2 an error in one line, 3 rows were rejected under `--strict`, 130 interrupted, 141 the reader of
stdout left (`| head`). A full stdout is an error; a full or closed stderr loses the notes and changes no status; a
closed stdout is a result that nobody asked for. All commands take `-h`, `--help`.
"""
Command = Callable[..., None]


def reference() -> str:
    """Return the page."""
    found = list(commands(app))
    lines = [INTRODUCTION, "| command | does |", "| --- | --- |"]
    lines += [f"| [`{name}`](#{name.replace(' ', '-')}) | {escaped(summary_of(command))} |" for name, command in found]
    return "\n".join([*lines, *(section(name, command) for name, command in found)]) + "\n"


def commands(group: typer.Typer, prefix: str = "") -> Iterator[tuple[str, Command]]:
    """Give every command's full name and its function, in the order of `--help`."""
    for entry in group.registered_commands:
        if entry.callback is not None and not entry.hidden:
            yield prefix + (entry.name or entry.callback.__name__.replace("_", "-")), entry.callback
    for sub in group.registered_groups:
        if sub.typer_instance is not None:
            yield from commands(sub.typer_instance, f"{prefix}{sub.typer_instance.info.name} ")


def section(name: str, command: Command) -> str:
    """Return a command's section: what it does, its arguments and flags, an example."""
    description, _, example = (inspect.getdoc(command) or "").partition("Example: ")
    rows = [row(parameter, hint) for parameter, hint in parameters(command)]
    need = NEEDS.get(name, ELSEWHERE)
    return "\n".join(
        [
            f"\n## {name}\n",
            description.strip() + "\n",
            *([f"<!-- needs: {need} -->"] if need else []),
            f"```console\n$ {' '.join(example.split())}\n```\n",
            "| argument or flag | value | default | meaning |",
            "| --- | --- | --- | --- |",
            *rows,
        ]
    )


def parameters(command: Command) -> Iterator[tuple[inspect.Parameter, Any]]:
    """Give a command's parameters with their annotations."""
    hints = typing.get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        if hints[parameter.name] is not typer.Context:
            yield parameter, hints[parameter.name]


def row(parameter: inspect.Parameter, hint: Any) -> str:
    """Return one row of a command's table."""
    kind, *notes = typing.get_args(hint)
    info = next(note for note in notes if isinstance(note, typer.models.ParameterInfo))
    is_flag = isinstance(info, typer.models.OptionInfo)
    # Typer takes the first name in an annotation for a default, until it builds the command.
    given = [name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str)]
    names = given or [f"--{parameter.name.replace('_', '-')}"]
    shown = ", ".join(f"`{name}`" for name in names) if is_flag else f"`{parameter.name.upper()}`"
    return f"| {shown} | {value_of(kind)} | {default_of(parameter, info)} | {escaped(info.help or '')} |"


def value_of(kind: Any) -> str:
    """Say what a value looks like."""
    options = [option for option in typing.get_args(kind) if option is not types.NoneType]
    if typing.get_origin(kind) in (types.UnionType, typing.Union) and len(options) == 1:
        return value_of(options[0])
    if typing.get_origin(kind) is list:
        return f"{value_of(options[0])}, may be repeated"
    if typing.get_origin(kind) is typing.Literal:
        return ", ".join(f"`{name}`" for name in options)
    return {bool: "", Path: "path", str: "text", int: "whole number", float: "number"}[kind]


def default_of(parameter: inspect.Parameter, info: Any) -> str:
    """Say what holds without the flag."""
    if isinstance(info.show_default, str):
        return escaped(info.show_default)
    value = parameter.default
    if value is inspect.Parameter.empty:
        return "required"
    if value is None or isinstance(value, bool):
        return ""
    return f"`{value}`"


def summary_of(command: Command) -> str:
    """Return the first sentence of a command's help."""
    return (inspect.getdoc(command) or "").split("\n\n")[0].replace("\n", " ").rstrip(".")


def escaped(text: str) -> str:
    """Return text fit for a cell of a table: no bars, no tags."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()).replace("|", "\\|"))
    return "".join(p if p.startswith("`") else p.replace("<", "&lt;").replace("*", "\\*") for p in parts)


def main() -> None:
    """Write the page, or compare it."""
    page = reference()
    if "--check" in sys.argv[1:]:
        if PAGE.read_text(encoding="utf-8") != page:
            sys.exit("docs/commands.md is not what the commands say: run python scripts/make_command_reference.py")
        return
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
