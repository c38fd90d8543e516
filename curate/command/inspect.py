"""The command `inspect`."""

from pathlib import Path
from typing import Annotated

import typer

from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags


@reporting_errors
@with_flag_groups
def inspect(
    *,
    manifest: Annotated[Path, typer.Argument(help="Manifest to look at.")],
    result: ResultFlags,
) -> None:
    """Show what is in a manifest.

    Example: syndr-curate inspect manifests/train.parquet
    """
    from ..checks.inspect import as_text
    from ..checks.inspect import inspect as run_inspect

    facts = run_inspect(manifest)
    result.print(facts, as_text(facts))
