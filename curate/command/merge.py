"""The command `merge`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import StrictResultFlags

if TYPE_CHECKING:
    pass


@reporting_errors
@with_flag_groups
def merge(
    *,
    folder: Annotated[Path, typer.Argument(help="Folder or file that a long run writes, or its run folder.")],
    result: StrictResultFlags,
) -> None:
    """Join the parts of a run that was done in shares (--shard).

    Example: syndr-curate merge distorted/
    """
    from ..checks.run_status import run_merge

    result.finish(run_merge(folder, result.reporter))
