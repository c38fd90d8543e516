"""The command `merge`."""

from ..terminal import options as opt
from ..terminal.exit_codes import reporting_errors
from ..terminal.flag_groups import with_flag_groups
from ..terminal.flags import StrictResultFlags


@reporting_errors
@with_flag_groups
def merge(
    *,
    folder: opt.RunFolder,
    result: StrictResultFlags,
) -> None:
    """Join the parts of a run that was done in shares (with --shard).

    Example: syndr-curate merge distorted/
    """
    from ..checks.run_status import run_merge

    result.finish(run_merge(folder, result.reporter))
