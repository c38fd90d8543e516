"""The command `status`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..terminal.console import describe
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags

if TYPE_CHECKING:
    pass


@reporting_errors
@with_flag_groups
def status(
    *,
    folder: Annotated[Path, typer.Argument(help="Folder or file that a long run writes, or its run folder.")],
    result: ResultFlags,
) -> None:
    """Show how far a long run is.

    Example: syndr-curate status distorted/
    """
    from ..checks.run_status import status_of

    found = status_of(folder)
    result.print(found, describe(found))
