"""The command `verify`."""

from pathlib import Path
from typing import Annotated

import typer

from ..checks.settings import VerifySettings
from ..terminal import options as opt
from ..terminal.exit_codes import EXIT_WRONG, reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import PixelFlags, ResultFlags


@reporting_errors
@with_flag_groups
def verify(
    *,
    manifest: Annotated[Path, typer.Argument(help="Manifest to check.")],
    sample: Annotated[
        int, typer.Option("--sample", min=0, help="Rows to render again and compare.")
    ] = VerifySettings.sample,
    pixels: PixelFlags,
    seed: opt.Seed = VerifySettings.seed,
    result: ResultFlags,
) -> None:
    """Check schema, ids, labels, files and pixels of a manifest; exit with 1 if it is wrong or nothing was checked.

    Example: syndr-curate verify manifests/train.parquet --root kadid10k=/data/KADID-10k
    """
    from ..checks.verify import verify as run_verify

    verdict = run_verify(
        manifest,
        sample=sample,
        seed=seed,
        **pixels.keywords,
        reporter=result.reporter,
    )
    result.print(verdict.as_json(), verdict.as_text())
    if verdict.problems:
        raise typer.Exit(EXIT_WRONG)
