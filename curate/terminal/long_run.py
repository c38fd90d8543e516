"""What `encode`, `distort` and `upsample` share: the flags of a long run, and how it is carried out."""

from typing import TYPE_CHECKING

from ..errors import CurateError
from . import options as opt

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
    mode = Mode(overwrite=overwrite, retry_failed=retry_failed, share=None if shard is None else parse_share(shard))
    who = make_executor(executor.value, workers=workers, ray_address=ray_address, num_gpus=num_gpus)
    return LongRun(mode=mode, executor=who, rows_per_shard=rows_per_shard)
