"""The command `inspect`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal import options as opt
from ..terminal.console import print_result
from ..terminal.exit_codes import reporting_errors


@reporting_errors
def inspect(
    manifest: Annotated[Path, typer.Argument(help="Manifest to look at.")],
    json: opt.Json = False,
    quiet: opt.Quiet = False,  # noqa: ARG001
) -> None:
    """Show what is in a manifest.

    Example: syndr-curate inspect manifests/train.parquet
    """
    from ..checks.inspect import as_text
    from ..checks.inspect import inspect as run_inspect

    facts = run_inspect(manifest)
    print_result(facts, as_text(facts), as_json=json)
