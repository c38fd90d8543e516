"""White balance: a wrong guess of the color of the light."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..numerics.coded_image import CodedImage
from ..numerics.compiled import compiled
from ..numerics.lab import linear_to_srgb, srgb_to_linear
from ..numerics.random_draws import checked


def white_balance_error(image: CodedImage, stops: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply the linear light of red and blue by wrong gains, and clip (type 104).

    Args:
        image: The image.
        stops: Size of the error: the root of the sum of squares of the errors of red and blue, in factors of two.
        draws: One uniform in [0, 1): its direction, as a share of the full circle of (red, blue).

    Returns:
        The tinted image, H x W x 3, float64.

    Source: von Kries gains, as cameras apply them.
    """
    angle = 2 * math.pi * float(checked(draws, (1,), "white_balance_error", "the direction of the error")[0])
    gains = np.exp2(stops * np.array([math.cos(angle), 0.0, math.sin(angle)]))
    tables = linear_to_srgb(srgb_to_linear(image.table)[:, np.newaxis] * gains)
    out = np.empty(image.codes.shape)
    _look_up(image.codes.reshape(-1, 3), tables, out.reshape(-1, 3))
    return out


def draw_white_balance_error(_stops: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw one uniform in [0, 1): the direction of the error."""
    return rng.random(1)


@compiled
def _look_up(codes: NDArray[np.uint8], tables: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for i in range(codes.shape[0]):
        for c in range(3):
            out[i, c] = tables[codes[i, c], c]
