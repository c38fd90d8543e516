"""What happens inside a worker: one thread per library, and a result that survives the way back."""

from __future__ import annotations

import functools
import os
import pickle
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from ..errors import CurateError

Result = TypeVar("Result")

# What numerical libraries read when they are loaded; OPENCV_FOR_THREADS_NUM is OpenCV's, OMP_NUM_THREADS also Arrow's.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)


class WorkerTraceback(Exception):  # noqa: N818 - not raised: shown as the cause of what is
    """The traceback of an error in a worker."""

    def __str__(self) -> str:
        """Return the worker's traceback, under a line of its own."""
        return f"in a worker:\n{self.args[0]}"


@dataclass(frozen=True)
class Done(Generic[Result]):
    """A piece of work that is done.

    Attributes:
        index: Its number.
        result: What the function returned.
    """

    index: int
    result: Result


@dataclass(frozen=True)
class Failed:
    """A piece of work whose function raised.

    Attributes:
        index: Its number.
        error: What it raised, or where that cannot be pickled, an error with its words.
        trace: The worker's traceback.
    """

    index: int
    error: Exception
    trace: str


PieceResult: TypeAlias = Done[Result] | Failed


def attempt(function: Callable[[int], Result], index: int) -> PieceResult[Result]:
    """Carry out one piece of work; an error becomes a result that can be pickled."""
    try:
        return Done(index, function(index))
    except Exception as error:  # whatever it is, the caller raises it
        return failed(index, error)


def failed(index: int, error: Exception) -> Failed:
    """Describe an error so that it survives pickling with its message."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    try:
        same = str(pickle.loads(pickle.dumps(error))) == str(error)
    except Exception:  # an exception class may do anything when it is pickled or made again
        same = False
    if same:
        return Failed(index, error, trace)
    kind = CurateError if isinstance(error, CurateError) else RuntimeError
    return Failed(index, kind(str(error) if kind is CurateError else f"{type(error).__name__}: {error}"), trace)


def result_of(piece: PieceResult[Result]) -> tuple[int, Result]:
    """Return a piece's number and result, or raise here what the function raised there.

    Raises:
        CurateError: The function raised it, or a worker had no memory left.
        Exception: Anything else the function raised, with the worker's traceback as its cause.
    """
    if isinstance(piece, Done):
        return piece.index, piece.result
    if isinstance(piece.error, CurateError):
        raise piece.error
    if isinstance(piece.error, MemoryError):
        raise CurateError(
            f"a worker ran out of memory at piece {piece.index}: fewer workers need less; the same command resumes"
        ) from WorkerTraceback(piece.trace)
    raise piece.error from WorkerTraceback(piece.trace)


@functools.cache
def one_thread_per_library() -> None:
    """Make the numerical libraries of this process use one thread each, those to be loaded later included.

    A worker is one of as many processes as there are cores. Where every one of them ran its matrix products, filters
    and loops on all cores again, the square of the cores' number of threads would push each other off.
    """
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    threadpool_limits(limits=1)  # those that were loaded before: BLAS, OpenMP
    loaded = sys.modules
    if "cv2" in loaded:
        loaded["cv2"].setNumThreads(1)
    if "numba" in loaded:
        loaded["numba"].set_num_threads(1)
    if "pyarrow" in loaded:
        loaded["pyarrow"].set_cpu_count(1)
    if "torch" in loaded:
        loaded["torch"].set_num_threads(1)
