"""The command `testset`: manifests of labelled test sets, to measure a trained model on."""

from pathlib import Path
from typing import Annotated

import typer

from ..datasets.settings import TestSetName
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import StrictResultFlags


@reporting_errors
@with_flag_groups
def testset(
    *,
    name: Annotated[TestSetName, typer.Argument(help="Which set.")],
    root: Annotated[Path, typer.Option("--root", help="The set's folder, with its own label file in it.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Manifest to write.", show_default="manifests/<name>.parquet"),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option("--images", help="Folder of the images below --root.", show_default="the official one"),
    ] = None,
    result: StrictResultFlags,
) -> None:
    """Make a manifest of a labelled test set from its official layout and label file.

    Example: syndr-curate testset koniq10k --root KonIQ-10k --images 512x384 --out manifests/koniq10k.parquet
    """
    from ..datasets.test_set import run_test_set

    target = out or Path("manifests") / f"{name}.parquet"
    summary = run_test_set(name, root, target, images=images, reporter=result.reporter)
    result.finish(summary)
