"""One typed entry to numba, so that compiled functions keep their signatures under strict typing.

Small matrices enter compiled loops as tuples: an array's elements would be read from memory again for every pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

P = ParamSpec("P")
R = TypeVar("R")
MatrixRow = tuple[float, float, float]
MatrixRows = tuple[MatrixRow, MatrixRow, MatrixRow]


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a numeric function for this machine and keep the machine code on disk, where there is a place for it.

    One thread, no fast-math: the result depends neither on the number of cores nor on reassociated sums. The
    interpreter lock is released, so that several pictures may be rendered side by side.

    Args:
        function: A function of arrays and numbers in the subset of Python that numba compiles.

    Returns:
        The compiled function under the same signature.
    """
    try:
        return cast("Callable[P, R]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError:  # neither the package folder nor the home folder is writable
        return cast("Callable[P, R]", numba.njit(nogil=True, error_model="numpy")(function))


def rows(matrix: NDArray[np.floating]) -> MatrixRows:
    """Return a 3 x 3 matrix as a tuple of its rows."""
    first, second, third = ((float(row[0]), float(row[1]), float(row[2])) for row in matrix)
    return first, second, third
