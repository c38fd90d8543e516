"""The command `demo`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags


@reporting_errors
@with_flag_groups
def demo(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder for all its files.")] = Path("manifests/demo"),
    all: Annotated[
        bool, typer.Option("--all", help="Also choose types for a target set (domains) and mix images (mix).")
    ] = False,
    seed: opt.Seed = 123,
    workers: opt.Workers = None,
    result: ResultFlags,
) -> None:
    """Run the whole pipeline on images it makes itself: no download, no weights.

    Example: syndr-curate demo --out manifests/demo
    """
    from ..demo.demo import run_demo

    steps = run_demo(out, everything=all, seed=seed, workers=workers, reporter=result.reporter)
    result.print(steps.as_json(), steps.as_text())
