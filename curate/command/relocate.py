"""The command `relocate`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.exit_codes import finish, reporting_errors


@reporting_errors
def relocate(
    manifest: Annotated[Path, typer.Argument(help="Manifest to rewrite in place.")],
    root: opt.RootOverrides = None,
    json: opt.Json = False,
    quiet: opt.Quiet = False,  # noqa: ARG001
) -> None:
    """Tell a manifest where its files are now, after a dataset has moved.

    Example: syndr-curate relocate manifests/train.parquet --root kadid10k=/data/KADID-10k
    """
    from ..manifest.roots import parse_roots, relocate_manifest

    finish(relocate_manifest(manifest, parse_roots(root or [])), as_json=json)
