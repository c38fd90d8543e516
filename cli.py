"""The command line: parses flags, makes one call into the toolkit, prints the result."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from .curate.command.demo import demo
from .curate.command.distort import distort
from .curate.command.distortions import distortions
from .curate.command.domains import app as domains
from .curate.command.downsample import downsample
from .curate.command.encode import encode
from .curate.command.evaluate import evaluate
from .curate.command.export import export
from .curate.command.inspect import inspect
from .curate.command.join import join
from .curate.command.label import label
from .curate.command.merge import merge
from .curate.command.mix import mix
from .curate.command.relocate import relocate
from .curate.command.report import report
from .curate.command.select import select
from .curate.command.split import split
from .curate.command.status import status
from .curate.command.testset import testset
from .curate.command.upsample import upsample
from .curate.command.verify import verify
from .curate.errors import CurateError
from .curate.terminal.config_file import read_settings
from .curate.terminal.entry_points import ENTRY_POINTS
from .curate.terminal.exit_codes import reporting_errors
from .curate.terminal.plugins import with_plugins
from .curate.terminal.versions import version_report

app = typer.Typer(
    name="syndr-curate",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reshape synthetic image-quality data: a manifest goes in, a manifest comes out.",
    epilog="Where to begin, by what you have: syndr-curate, without arguments. To complete commands and flags with the "
    "Tab key: syndr-curate --install-completion, once, then open a new terminal (bash, zsh, fish, PowerShell).",
)


def main() -> None:
    """Run the command line."""
    app()


def _show_version(value: bool) -> None:
    if value:
        from . import __version__

        print(version_report(__version__))
        raise typer.Exit


@app.callback(invoke_without_command=True)
@reporting_errors
def _prepare(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print versions for a bug report.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        print(ENTRY_POINTS, end="")
        return
    try:
        here = Path.cwd()
    except FileNotFoundError as error:
        raise CurateError("the current folder is gone; change to one that exists") from error
    context.default_map = read_settings(here, dict(_parameters(context.command)))


def _parameters(group: Any, family: str = "") -> Iterator[tuple[str, dict[str, bool]]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _parameters(command, f"{family}{name} ")
        else:
            # An argument such as MANIFEST... takes several values too. A plug-in is run: only a flag may ask for it,
            # not a file that is in the folder.
            repeatable = {
                p.name: bool(getattr(p, "multiple", False)) or p.nargs == -1
                for p in command.params
                if p.name not in ("help", "plugin")
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
    join,
    mix,
    report,
    export,
    verify,
    inspect,
    relocate,
    status,
    merge,
    testset,
    split,
    evaluate,
    distortions,
):
    app.command()(with_plugins(_command))
app.add_typer(domains)
