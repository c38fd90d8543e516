"""The command line: parses flags, makes one call into the toolkit, prints the result."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from .curate.command.domains import app as domains
from .curate.command.long_runs import merge, status
from .curate.command.manifests import inspect, relocate, verify
from .curate.command.mix import mix
from .curate.command.pixels import distort, encode
from .curate.command.publish import export
from .curate.command.report import report
from .curate.command.reshape import downsample, label, select, upsample
from .curate.command.testset import testset
from .curate.terminal import options as opt
from .curate.terminal.config_file import read_settings
from .curate.terminal.console import make_reporter, print_result, table
from .curate.terminal.exit_codes import reporting_errors

app = typer.Typer(
    name="syndr-curate",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reshape synthetic image-quality data: a manifest goes in, a manifest comes out.",
)


def main() -> None:
    """Run the command line."""
    app()


def _show_version(value: bool) -> None:
    if value:
        from . import __version__

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
    context.default_map = read_settings(Path.cwd(), dict(_parameters(context.command)))


def _parameters(group: Any, family: str = "") -> Iterator[tuple[str, dict[str, bool]]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _parameters(command, f"{family}{name} ")
        else:
            repeatable = {p.name: bool(getattr(p, "multiple", False)) for p in command.params if p.name != "help"}
            yield f"{family}{name}", repeatable


@reporting_errors
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder of everything it makes.")] = Path("manifests/demo"),
    all: Annotated[
        bool, typer.Option("--all", help="Also choose types for a target set (domains) and mix images (mix).")
    ] = False,
    seed: opt.Seed = 123,
    workers: opt.Workers = None,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Run the whole pipeline on images it makes itself: no download, no weights.

    Example: syndr-curate demo --out manifests/demo
    """
    from .curate.demo.demo import run_demo

    steps = run_demo(out, everything=all, seed=seed, workers=workers, reporter=make_reporter(quiet=quiet))
    print_result(steps.as_json(), steps.as_text(), as_json=json)


@reporting_errors
def distortions(json: opt.Json = False, quiet: opt.Quiet = False) -> None:  # noqa: ARG001
    """Print the catalog: the 25 distortions of KADID-10k and their levels.

    Example: syndr-curate distortions
    """
    from .distortions.catalog import CATALOG

    entries = [
        {
            "id": entry.id,
            "name": entry.name,
            "family": entry.family,
            "levels": list(entry.parameters),
            "parameter": entry.parameter,
            "random": entry.random,
            "minimum_size": entry.minimum_size,
        }
        for entry in CATALOG
    ]
    rows: list[tuple[str, ...]] = [
        (str(e.id), e.name, e.family, " ".join(f"{p:g}" for p in e.parameters), e.parameter, "yes" if e.random else "")
        for e in CATALOG
    ]
    print_result(
        {"distortions": entries},
        table(("id", "name", "family", "levels 1-5", "parameter", "random"), rows),
        as_json=json,
    )


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
