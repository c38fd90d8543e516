"""What `encode`, `distort` and `upsample` share: the flags of a long run, and how it is carried out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from ..errors import CurateError
from . import options as opt
from .no_effect import refuse_without_effect

if TYPE_CHECKING:
    from ..runs.options import LongRun


@dataclass(frozen=True)
class ExecutorFlags:
    """Where a long run is carried out."""

    executor: opt.ExecutorOption = "local"
    ray_address: opt.RayAddress = None


@dataclass(frozen=True)
class ResumeFlags:
    """How a long run is cut into shards and resumed."""

    rows_per_shard: opt.RowsPerShard = None
    overwrite: opt.Overwrite = False
    retry_failed: opt.RetryFailed = False


def refuse_strict_share(context: typer.Context, shard: str | None) -> None:
    """Refuse `--strict` where only a share of the run is done, whose rows are counted only when they are merged.

    Raises:
        CurateError: Both were given.
    """
    if shard is not None:
        refuse_without_effect(context, "with --shard: give it to merge, which sees all rows", "strict")


def long_run(
    where: ExecutorFlags, resume: ResumeFlags, *, workers: int | None, shard: str | None = None, num_gpus: float = 0
) -> "LongRun":
    """Turn the flags of a long run into how it is carried out.

    Args:
        where: Where the work is done.
        resume: How it is cut and resumed.
        workers: How many workers; None uses every core.
        shard: This machine's share, `1/3` or `slurm`.
        num_gpus: On Ray, GPUs that a shard takes for itself.

    Raises:
        CurateError: The flags contradict each other, or the executor is not available.
    """
    from ..runs.executors import make_executor
    from ..runs.options import LongRun, parse_share
    from ..runs.shards import Mode

    if resume.overwrite and resume.retry_failed:
        raise CurateError("--overwrite starts over, --retry-failed goes on: give one of them")
    if resume.overwrite and shard is not None:
        raise CurateError("--overwrite with --shard: each share would start the run over; remove its run folder first")
    if shard is not None and where.executor != "local":
        raise CurateError("--shard is for one machine's share; a Ray cluster shares the work out itself")
    share = None if shard is None else parse_share(shard)
    mode = Mode(overwrite=resume.overwrite, retry_failed=resume.retry_failed, share=share)
    who = make_executor(where.executor, workers=workers, ray_address=where.ray_address, num_gpus=num_gpus)
    return LongRun(mode=mode, executor=who, rows_per_shard=resume.rows_per_shard)
