"""The command `relocate`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags


@reporting_errors
@with_flag_groups
def relocate(
    *,
    manifest: Annotated[Path, typer.Argument(help="Manifest to rewrite in place.")],
    root: opt.RootOverrides = None,
    provenance_from: Annotated[
        Path | None,
        typer.Option(
            "--provenance-from",
            help="For a manifest that lost its metadata in pandas, polars, DuckDB or HF datasets: take it from the "
            "manifest that its rows come from, after checking that their ids and recipes are found there.",
        ),
    ] = None,
    result: ResultFlags,
) -> None:
    """Write into a manifest where its files are now, after a dataset has moved, or restore lost metadata.

    Example: syndr-curate relocate manifests/train.parquet --root kadid10k=/data/KADID-10k
    """
    from ..manifest.relocate import relocate_manifest
    from ..manifest.roots import parse_roots

    result.finish(relocate_manifest(manifest, parse_roots(root or []), provenance_from=provenance_from))
