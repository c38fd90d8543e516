"""Threads of this process: ordered work on items, and work on tiles that share the cores."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TypeAlias, TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ..whole_numbers import whole_number

Item = TypeVar("Item")
Result = TypeVar("Result")
Task = TypeVar("Task")
Progress: TypeAlias = Callable[[int, int], None]

IN_FLIGHT_PER_WORKER = 4
SPAN_ROWS = 4096  # rows that a thread takes at a time in a pass over all rows


def cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> Iterator[Result]:
    """Apply a function to items on threads, and give the results in the items' order.

    OpenCV, numba, zlib and numpy's large operations release the interpreter lock. At most a few items per worker
    are in flight, so that memory does not grow with their number.

    Args:
        function: Called once per item. What it raises is raised here, at that item's turn.
        items: Read lazily.
        workers: Number of threads; 1 works in the caller's own, None uses every core.

    Yields:
        The results, in order.
    """
    workers = whole_number("workers", workers or cores(), least=1)
    if workers == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(workers)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= workers * IN_FLIGHT_PER_WORKER:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def one_core_per_product() -> Iterator[None]:
    """Let each thread run its matrix products alone, instead of every product on all cores.

    Products of tiles are too small to split: measured on two busy cores, one product of 512x128 by 128x512 on
    two threads ran at 4 GFLOP/s, two products on one thread each at 97 GFLOP/s each.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def each_task(tasks: Iterable[Task], work: Callable[[Task], None], workers: int | None = None) -> None:
    """Run `work` on every task, in order of arrival, on as many threads as there are cores.

    The first error, an interrupt among them, stops all threads after their current task and is raised here.

    Args:
        tasks: Tasks; read lazily, one at a time.
        work: Called once per task, from several threads at once.
        workers: Threads; default one per core.
    """
    count = cores() if workers is None else workers
    if count == 1:
        for task in tasks:
            work(task)
        return
    queue, lock = iter(tasks), Lock()
    stopped = False

    def run_tasks() -> None:
        nonlocal stopped
        try:
            while not stopped:
                with lock:
                    task = next(queue, _EMPTY)
                if isinstance(task, _Empty):
                    return
                work(task)
        finally:
            stopped = True  # an error, or nothing left: either way no thread needs another task

    with ThreadPoolExecutor(count) as pool:
        running = [pool.submit(run_tasks) for _ in range(count)]
        try:
            for thread in running:
                thread.result()
        finally:
            stopped = True


def each_span(rows: int, work: Callable[[int, int], None]) -> None:
    """Run `work(start, stop)` over spans that cover `rows` rows, on all cores."""
    spans = [(start, min(start + SPAN_ROWS, rows)) for start in range(0, rows, SPAN_ROWS)]
    each_task(spans, lambda span: work(*span), workers=min(cores(), len(spans)) or 1)


class _Empty:
    """What an exhausted queue gives."""


_EMPTY = _Empty()
