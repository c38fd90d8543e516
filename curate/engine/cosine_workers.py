"""Threads that share a job over tiles, one core each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TypeAlias, TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .workers import cores

Task = TypeVar("Task")
Progress: TypeAlias = Callable[[int, int], None]

SPAN_ROWS = 4096  # rows that a thread takes at a time in a pass over all rows


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

    def take_until_empty() -> None:
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
        running = [pool.submit(take_until_empty) for _ in range(count)]
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
