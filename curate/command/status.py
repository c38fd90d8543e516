"""The command `status`."""

from ..terminal import options as opt
from ..terminal.console import describe
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import ResultFlags


@reporting_errors
@with_flag_groups
def status(
    *,
    folder: opt.RunFolder,
    result: ResultFlags,
) -> None:
    """Show how far a long run is.

    Example: syndr-curate status distorted/
    """
    from ..checks.run_status import status_of

    found = status_of(folder)
    result.print(found, describe(found))
