"""What the random types share: standard normals, and a check of the numbers that they are handed.

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
from .cubic_tables import Pieces, evaluate, tabulate

LEAST_EXPONENT = -54  # half of the smallest uniform above 0
LEAST = 2.0**LEAST_EXPONENT
MIDDLE = 0.5

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
    numbers = rng.random(shape)
    _invert(numbers.reshape(-1), _LOWER_QUANTILE)
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
    for i in range(uniforms.size):
        u = uniforms[i]
        # 1 - u is exact. The middle itself falls just outside the table; the next number below stands in for it.
        p = min(max(min(u, 1.0 - u), LEAST), MIDDLE - LEAST)
        quantile = evaluate(p, lower_quantile)
        uniforms[i] = quantile if u < MIDDLE else -quantile
