"""A long run in shards: each is a pure function of the plan, and its part file is the mark that it is done."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import CurateError
from ..manifest.provenance import read_provenance
from ..storage.atomic import remove_temporaries
from ..storage.paths.regular_files import refuse_special
from .executors import Executor, InProcess
from .parts import count_not_ok, part_path, parts, read_part, read_progress, statuses_of, write_part
from .plan import Request, RunPlan, differences, failed_paths, make_plan, read_plan, resumed
from .progress import SILENT, Reporter
from .run_folder import (
    PLAN_FILE,
    empty_run_folder,
    has_no_run,
    refuse_foreign_files,
    remove_leftovers,
    remove_run_folder,
)
from .run_lock import RunLock, run_lock

_FEWEST_SHOWN = 5


@dataclass(frozen=True)
class Share:
    """Share `number` of `of` of a run's shards: those whose number leaves the remainder `number - 1`."""

    number: int
    of: int

    def shards(self, count: int) -> list[int]:
        """Return which of `count` shards are in it."""
        return list(range(self.number - 1, count, self.of))


@dataclass(frozen=True)
class Mode:
    """How a run is started or resumed.

    Attributes:
        overwrite: Start over and discard what is there.
        retry_failed: Do those rows again whose status is not `ok`.
        share: Do a share of the shards and leave the joining to `merge`; None does them all.
        replace_finished: Replace a result that was made with other settings, instead of refusing.
        replace_unfinished: Replace an unfinished run in the same way.
    """

    overwrite: bool = False
    retry_failed: bool = False
    share: Share | None = None
    replace_finished: bool = False
    replace_unfinished: bool = False

    def __post_init__(self) -> None:
        """Refuse a share that would start over a run on which other shares work.

        Raises:
            CurateError: It would.
        """
        if self.overwrite and self.share is not None:
            raise CurateError(
                "a share cannot start the run again, as the other shares are part of it: leave --overwrite out"
            )


@dataclass(frozen=True)
class Done:
    """The result of a shard: rows worked on, and how many of them failed."""

    rows: int
    failed: int


Join = Callable[[RunPlan, Iterator[pa.Table]], None]


def run_shard(plan: RunPlan, shard: int, known: pa.Table | None = None) -> pa.Table:
    """Do the work of one shard; a pure function of the plan and the files that it names.

    Args:
        plan: The run.
        shard: Number of the shard, from 0.
        known: An earlier part of this shard: rows with status `ok` in it stay as they are.

    Returns:
        The shard's rows, each with `status` and `error`.

    Raises:
        CurateError: The results cannot be written.
    """
    if plan.work is None:
        raise CurateError(f"{plan.folder} was opened for `status`, without its work; run its command to go on")
    return plan.work(plan.rows_of(shard), shard, known)


def complete_shard(plan: RunPlan, retry: bool, shard: int) -> Done:
    """Do the work of one shard and write its part file, whose presence says that it is done."""
    known = read_part(plan, shard) if retry and part_path(plan, shard).exists() else None
    part = run_shard(plan, shard, known)
    write_part(plan, shard, part)
    return Done(len(part) if known is None else count_not_ok(known), count_not_ok(part))


def carry_out(
    request: Request,
    join: Join,
    mode: Mode,
    *,
    executor: Executor | None = None,
    reporter: Reporter = SILENT,
    keep: bool = False,
) -> RunPlan:
    """Do the missing shards of a run, and join its parts when all are done.

    An interrupted run continues where it stopped; its result is byte-identical to that of an uninterrupted one. When
    every row is `ok`, the run folder is removed at the end; otherwise it stays for `retry_failed`.

    Args:
        request: What to do.
        join: Writes the result from all parts, in order.
        mode: How to start or resume it.
        executor: Carries it out; by default the calling process.
        reporter: Shows progress.
        keep: Leave the run folder to the caller, who needs the parts.

    Returns:
        The plan.

    Raises:
        CurateError: The folder holds another run, another run works in it, or results cannot be written.
    """
    refuse_special(request.final)
    refuse_foreign_files(request.folder)
    try:
        with run_lock(request.folder) as lock:
            if mode.share is None:
                lock.claim_run()
            else:
                lock.claim_planning()
            try:
                plan = _plan_of(request, mode, reporter)
            finally:
                if has_no_run(request.folder):
                    remove_run_folder(request.folder)
            if plan is None:
                return _finished_plan(request)
            todo = _shards_to_do(plan, mode, lock)
            _run_shards(plan, todo, mode, executor or InProcess(), reporter)
            if mode.share is None:
                _finish(plan, join, keep=keep)
        return plan
    finally:
        remove_leftovers(request.folder)


def merge(plan: RunPlan, join: Join) -> None:
    """Join the parts of a run that was done in shares.

    Raises:
        CurateError: Shards are missing, or another run works in the folder.
    """
    try:
        with run_lock(plan.folder) as lock:
            lock.claim_run()
            now = read_plan(plan.folder)  # the run may have come to its end, or started over, since it was looked at
            if now is not None:
                _finish(now, join)
            elif has_no_run(plan.folder):
                remove_run_folder(plan.folder)
    finally:
        remove_leftovers(plan.folder)


def _finish(plan: RunPlan, join: Join, *, keep: bool = False) -> None:
    """Write the result from all parts, and remove the run folder if every row is `ok`."""
    progress = read_progress(plan)
    if progress.missing:
        raise CurateError(f"{plan.folder}: {_list(progress.missing)} of {plan.shards} shards are not done")
    for path in plan.folder.glob(".*.tmp"):  # of killed processes; no other run works now
        path.unlink()
    remove_temporaries(plan.final)
    join(plan, parts(plan))
    if not keep and set(progress.statuses) <= {"ok"}:
        remove_run_folder(plan.folder)


def _plan_of(request: Request, mode: Mode, reporter: Reporter) -> RunPlan | None:
    """Make the plan or resume it; None if the result exists and nothing is left to do."""
    there = None if mode.overwrite else read_plan(request.folder)
    if there is not None:
        try:
            return _resumed_plan(there, request, mode, reporter)
        except CurateError:
            if not mode.replace_unfinished:
                raise
    if not mode.overwrite and request.final.exists():
        found = differences(_identity_of(request.final, request), request.identity)
        if not found:
            _refuse_lost_retry(request, mode)
            reporter.note(f"{request.final} is complete; nothing to do")
            return None
        if not mode.replace_finished:
            raise CurateError(
                f"{request.final} exists already and differs: {'; '.join(found)}; --overwrite replaces it"
            )
    # First the plan: killed in what follows, no run is there whose pixels are gone.
    (request.folder / PLAN_FILE).unlink(missing_ok=True)
    if request.forget is not None:
        request.forget()
    empty_run_folder(request.folder)
    return make_plan(request)


def _refuse_lost_retry(request: Request, mode: Mode) -> None:
    if not mode.retry_failed or mode.replace_finished:
        return
    with pq.ParquetFile(request.final) as file:
        failed = sum(count_not_ok(pa.Table.from_batches([b])) for b in file.iter_batches(columns=["status"]))
    if failed:
        raise CurateError(
            f"{failed} rows of {request.final} are not ok, but {request.folder}, which knows how to do them again, is "
            "gone: --overwrite starts over"
        )


def _resumed_plan(plan: RunPlan, request: Request, mode: Mode, reporter: Reporter) -> RunPlan:
    progress = read_progress(plan)

    def failed_files() -> set[str]:
        shards = ((plan.rows_of(shard), statuses_of(plan, shard)) for shard in range(plan.shards))
        return failed_paths(shards, request.path_columns)

    plan_now = resumed(plan, request, failed_files=failed_files if mode.retry_failed and not progress.missing else None)
    done = progress.shards - len(progress.missing)
    failed = sum(count for status, count in progress.statuses.items() if status != "ok")
    hint = f"; {failed} rows are not ok: --retry-failed does them again" if failed and not mode.retry_failed else ""
    reporter.note(f"going on with {request.folder}: {done} of {progress.shards} shards are done{hint}")
    return plan_now


def _identity_of(final: Path, request: Request) -> dict[str, object]:
    try:
        found = read_provenance(pq.read_schema(final))
    except (OSError, pa.ArrowException):
        found = {}
    return {key: value for key, value in found.items() if key not in request.facts}


def _finished_plan(request: Request) -> RunPlan:
    with pq.ParquetFile(request.final) as file:
        return RunPlan.of(request, rows=file.metadata.num_rows, digest="")


def _shards_to_do(plan: RunPlan, mode: Mode, lock: RunLock) -> list[int]:
    shards: Sequence[int] = range(plan.shards)
    if mode.share is not None:
        shards = mode.share.shards(plan.shards)
        lock.claim_shards(shards)
        lock.release_planning()
    missing = [shard for shard in shards if not part_path(plan, shard).exists()]
    if not mode.retry_failed:
        return missing
    gone = set(missing)
    return [s for s in shards if s in gone or not pc.all(pc.equal(statuses_of(plan, s), "ok")).as_py()]


def _run_shards(plan: RunPlan, todo: Sequence[int], mode: Mode, executor: Executor, reporter: Reporter) -> None:
    function = functools.partial(complete_shard, plan, mode.retry_failed)
    rows = sum(_rows_to_do(plan, shard) for shard in todo)
    with reporter.task(plan.stage, rows) as task:
        for _, done in executor.run(function, todo):
            task.advance(done.rows, failed=done.failed)


def _rows_to_do(plan: RunPlan, shard: int) -> int:
    if part_path(plan, shard).exists():
        return int(pc.sum(pc.not_equal(statuses_of(plan, shard), "ok")).as_py() or 0)
    return min(plan.rows_per_shard, plan.rows - shard * plan.rows_per_shard)


def _list(shards: Sequence[int]) -> str:
    shown = ", ".join(map(str, shards[:_FEWEST_SHOWN]))
    more = len(shards) - _FEWEST_SHOWN
    return f"{len(shards)} (number {shown}{f' and {more} more' if more > 0 else ''})"
