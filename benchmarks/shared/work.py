"""Carry out what is left of a run, on several cores, within a limit of time."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import Any

# A core per process: threads that wait by spinning would take the cores that other processes work on.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
Task = tuple[Callable[..., None], tuple[Any, ...], dict[str, Any]]


def carry_out_all(
    tasks: Iterable[Task], *, workers: int, deadline: float | None = None, progress: Callable[[], None] | None = None
) -> bool:
    """Carry out tasks, each of which leaves one finished file behind.

    Args:
        tasks: Function, arguments, keyword arguments.
        workers: Processes; 1: this one.
        deadline: `time.monotonic()` after which no task is started any more.
        progress: Called after each.

    Returns:
        Whether all are done.
    """
    left = iter(tasks)
    if workers == 1:
        for function, arguments, named in left:
            if deadline is not None and time.monotonic() > deadline:
                return False
            function(*arguments, **named)
            if progress:
                progress()
        return True
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        running: set[Future[None]] = set()
        while True:
            late = deadline is not None and time.monotonic() > deadline
            free = 0 if late else workers - len(running)
            running |= {pool.submit(function, *arguments, **named) for function, arguments, named in islice(left, free)}
            if not running:
                return next(left, None) is None
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                if progress:
                    progress()
