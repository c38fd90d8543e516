"""Powers and quantiles from short tables: cubic pieces, 64 to every doubling of the argument.

The piece that holds a number is read off its bits, exponent and leading mantissa, so that precision is relative: the
same from the first doubling to the last. About 2 ns a value where the functions themselves take ten times as long.

Numbers are looked up by the block, in loops of one stage each: the compiler makes vector instructions of those, and not
of a loop that takes a number through all stages before it turns to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

PIECE_BITS = 6
PIECES = 1 << PIECE_BITS
# IEEE 754 double precision: 52 bits of mantissa below 11 of exponent, whose zero is stored as 1023.
REST_BITS = 52 - PIECE_BITS
REST_MASK = (1 << REST_BITS) - 1
REST_UNIT = 2.0**-REST_BITS
EXPONENT_ZERO = 1023

BLOCK = 1536  # numbers; a few arrays of so many stay in the first-level cache


class Pieces(NamedTuple):
    """A tabulated function.

    Attributes:
        coefficients: N x 4, float64: each piece as a cubic over [0, 1).
        first: Bits of the first piece, exponent and leading mantissa.
    """

    coefficients: NDArray[np.float64]
    first: int


def tabulate(
    function: Callable[[float], float], derivative: Callable[[float], float], lowest: int, highest: int
) -> Pieces:
    """Tabulate a smooth function by cubics that meet its values and slopes.

    Args:
        function: Defined on [2^lowest, 2^highest].
        derivative: Its derivative.
        lowest: Exponent of the lower end.
        highest: Exponent of the upper end, which itself is not covered.

    Returns:
        The table; between its nodes it is off by about 1e-9 of the function's fourth relative derivative.
    """
    mantissas = 1 + np.arange(PIECES) / PIECES
    nodes = np.append(np.ldexp(mantissas, np.arange(lowest, highest)[:, np.newaxis]), 2.0**highest)
    values = np.array([function(float(node)) for node in nodes])
    slopes = np.array([derivative(float(node)) for node in nodes])
    width, rise = np.diff(nodes), np.diff(values)
    start, end = slopes[:-1] * width, slopes[1:] * width
    cubics = np.stack([values[:-1], start, 3 * rise - 2 * start - end, start + end - 2 * rise], axis=1)
    return Pieces(np.ascontiguousarray(cubics), (EXPONENT_ZERO + lowest) << PIECE_BITS)


@compiled
def evaluate(numbers: NDArray[np.float64], pieces: Pieces, scratch: NDArray[np.uint64]) -> None:
    """Replace numbers by the tabulated function of them.

    Args:
        numbers: N numbers within the table, N <= ``BLOCK``; overwritten.
        pieces: The table.
        scratch: ``BLOCK`` numbers of any value; overwritten.
    """
    first, c = pieces.first, pieces.coefficients
    for i in range(numbers.size):
        bits = np.float64(numbers[i]).view(np.int64)
        # Unsigned, which spares every look-up the test for an index counted from the end.
        scratch[i] = np.uint64((bits >> REST_BITS) - first)
        numbers[i] = (bits & REST_MASK) * REST_UNIT
    for i in range(numbers.size):
        piece, t = scratch[i], numbers[i]
        numbers[i] = c[piece, 0] + t * (c[piece, 1] + t * (c[piece, 2] + t * c[piece, 3]))
