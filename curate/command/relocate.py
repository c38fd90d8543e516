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
    result: ResultFlags,
) -> None:
    """Tell a manifest where its files are now, after a dataset has moved.

    Example: syndr-curate relocate manifests/train.parquet --root kadid10k=/data/KADID-10k
    """
    from ..manifest.roots import parse_roots, relocate_manifest

    result.finish(relocate_manifest(manifest, parse_roots(root or [])))
