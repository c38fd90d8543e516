"""The command `verify`."""

from pathlib import Path
from typing import Annotated

import typer

from ..checks.settings import VerifySettings
from ..storage.limits import MAX_PIXELS
from ..terminal import options as opt
from ..terminal.console import make_reporter, print_result
from ..terminal.exit_codes import EXIT_WRONG, reporting_errors


@reporting_errors
def verify(
    manifest: Annotated[Path, typer.Argument(help="Manifest to check.")],
    sample: Annotated[
        int, typer.Option("--sample", min=0, help="Rows to render again and compare.")
    ] = VerifySettings.sample,
    root: opt.RootOverrides = None,
    max_pixels: opt.MaxPixels = MAX_PIXELS,
    workers: opt.Workers = None,
    seed: opt.Seed = VerifySettings.seed,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Check schema, ids, labels, files and pixels of a manifest; exit with 1 when something is wrong.

    Example: syndr-curate verify manifests/train.parquet --root kadid10k=/data/KADID-10k
    """
    from ..checks.verify import verify as run_verify
    from ..manifest.roots import parse_roots

    verdict = run_verify(
        manifest,
        sample=sample,
        roots=parse_roots(root or []),
        seed=seed,
        max_pixels=max_pixels,
        workers=workers,
        reporter=make_reporter(quiet=quiet),
    )
    print_result(verdict.as_json(), verdict.as_text(), as_json=json)
    if verdict.problems:
        raise typer.Exit(EXIT_WRONG)
