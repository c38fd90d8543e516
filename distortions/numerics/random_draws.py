"""What the random types share: standard normals, and a check of the numbers that they get.

Normals are made by inversion: one uniform each, through the normal quantile.

Uniforms of a bit generator are the same in every numpy; its own normals are slower, and their algorithm is not
promised to stay.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..errors import DistortionError
from .compiled import compiled
from .cubic_tables import BLOCK, Pieces, evaluate, tabulate

LEAST_EXPONENT = -54  # half of the smallest uniform above 0
LEAST = 2.0**LEAST_EXPONENT
MIDDLE = 0.5

DRAWN_AT_ONCE = 16 * BLOCK  # uniforms; what is drawn is inverted before it leaves the second-level cache

_STANDARD = NormalDist()


def _quantile_slope(p: float) -> float:
    return math.sqrt(2 * math.pi) * math.exp(_STANDARD.inv_cdf(p) ** 2 / 2)


# The table covers the lower half, [2^-54, 1/2); precise to 1e-9 throughout, tails included.
_LOWER_QUANTILE = tabulate(_STANDARD.inv_cdf, _quantile_slope, LEAST_EXPONENT, -1)


def standard_normals(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Draw independent standard normals.

    Args:
        rng: The generator; it is advanced by one uniform per normal.
        shape: Shape of the result, filled in C order.

    Returns:
        Normals, float64, at most 8.3 in magnitude.
    """
    numbers = np.empty(shape)
    flat = numbers.reshape(-1)
    for start in range(0, flat.size, DRAWN_AT_ONCE):
        part = flat[start : start + DRAWN_AT_ONCE]
        rng.random(out=part)
        _invert(part, _LOWER_QUANTILE)
    return numbers


def checked(draws: NDArray[np.float64], shape: tuple[int, ...], name: str, meaning: str) -> NDArray[np.float64]:
    """Return draws in their expected shape.

    Args:
        draws: As many numbers as ``shape`` holds, in that shape or flat.
        shape: The shape the distortion works with.
        name: Name of the distortion, for the message.
        meaning: What the numbers are, for the message.

    Returns:
        The numbers, float64, C-contiguous, in ``shape``.

    Raises:
        DistortionError: If their shape is another one.
    """
    size = int(np.prod(shape))
    if draws.shape != shape and not (draws.ndim <= 1 and draws.size == size):
        message = f"draws of {name} must be {meaning}, of shape {shape}, not {draws.shape}: see draw() for the layout"
        raise DistortionError(message)
    return np.ascontiguousarray(draws, dtype=np.float64).reshape(shape)


@compiled
def _invert(uniforms: NDArray[np.float64], lower_quantile: Pieces) -> None:
    quantiles, scratch = np.empty(BLOCK), np.empty(BLOCK, np.uint64)
    for start in range(0, uniforms.size, BLOCK):
        part = uniforms[start : start + BLOCK]
        size = part.size
        for i in range(size):
            # 1 - u is exact. The middle itself falls just outside the table; the next number below stands in for it.
            quantiles[i] = min(max(min(part[i], 1.0 - part[i]), LEAST), MIDDLE - LEAST)
        evaluate(quantiles[:size], lower_quantile, scratch)
        for i in range(size):
            part[i] = quantiles[i] if part[i] < MIDDLE else -quantiles[i]
