"""The commands and flags of long runs: `status`, `merge`, and what `encode`, `distort` and `upsample` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import CurateError
from ..terminal import options as opt
from ..terminal.console import describe, make_reporter, print_result
from ..terminal.exit_codes import finish, reporting_errors

if TYPE_CHECKING:
    from ..runs.options import LongRun


def long_run(
    *,
    executor: opt.ExecutorFlag,
    ray_address: str | None,
    workers: int | None,
    shard: str | None,
    rows_per_shard: int | None,
    overwrite: bool,
    retry_failed: bool,
    num_gpus: float = 0,
) -> "LongRun":
    """Turn the flags of a long run into how it is carried out; on Ray, a shard takes `num_gpus` for itself.

    Raises:
        CurateError: They do not go together, or the executor is not to be had.
    """
    from ..runs.executors import make_executor
    from ..runs.options import LongRun, parse_share
    from ..runs.shards import Mode

    if overwrite and retry_failed:
        raise CurateError("--overwrite starts anew, --retry-failed goes on: give one of them")
    if overwrite and shard is not None:
        raise CurateError("--overwrite with --shard: each share would start the run anew; remove its run folder first")
    if shard is not None and executor is not opt.ExecutorFlag.local:
        raise CurateError("--shard is for one machine's share; a Ray cluster shares the work out itself")
    mode = Mode(overwrite, retry_failed, None if shard is None else parse_share(shard))
    who = make_executor(executor.value, workers=workers, ray_address=ray_address, num_gpus=num_gpus)
    return LongRun(mode, who, rows_per_shard)


@reporting_errors
def status(
    folder: Annotated[Path, typer.Argument(help="Folder or file that a long run writes, or its run folder.")],
    json: opt.Json = False,
    quiet: opt.Quiet = False,  # noqa: ARG001
) -> None:
    """Show how far a long run is.

    Example: syndr-curate status distorted/
    """
    from ..checks.run_status import status_of

    found = status_of(folder)
    print_result(found, describe(found), as_json=json)


@reporting_errors
def merge(
    folder: Annotated[Path, typer.Argument(help="Folder or file that a long run writes, or its run folder.")],
    strict: opt.Strict = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Join the parts of a run that was done in shares (--shard).

    Example: syndr-curate merge distorted/
    """
    from ..checks.run_status import run_merge

    finish(run_merge(folder, make_reporter(quiet=quiet)), as_json=json, strict=strict)
