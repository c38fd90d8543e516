"""Machine-code loops: one typed door to numba for the cosine engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., object])


def compiled(function: Loop) -> Loop:
    """Compile a loop over arrays to machine code that runs without holding the interpreter's lock.

    The machine code is kept on disk where a folder for it can be written, so that only the very first run of an
    installation waits for the compiler. No fast-math: a sum is taken in the order in which it is written, whatever
    the processor, the tile or the thread.

    Args:
        function: A function of arrays and numbers, in the subset of Python that numba understands.

    Returns:
        The compiled function, with the same signature.
    """
    try:
        return cast(Loop, numba.njit(function, nogil=True, cache=True))
    except RuntimeError:  # numba found no folder that it may write its cache to
        return cast(Loop, numba.njit(function, nogil=True))
