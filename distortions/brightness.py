"""Brightness: brighten, darken and the so-called mean shift."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .numerics.coded_image import CodedImage
from .numerics.compiled import compiled
from .numerics.lab import map_lab

LIGHTEST = 100.0


def brighten(image: CodedImage, amount: float) -> NDArray[np.float64]:
    """Lift the middle tones by ``amount`` / 2: two thirds in RGB, one third in lightness (type 16)."""
    middle = 0.5 + amount / 2
    out = map_lab(image, lambda lab: (LIGHTEST * parabola(lab[0] / LIGHTEST, middle), lab[1]))
    _add_a_third(image.codes.reshape(-1), 2 * parabola(image.table, middle), out.reshape(-1))
    return out


def darken(image: CodedImage, amount: float) -> CodedImage:
    """Lower the middle tones by ``amount`` / 2 (type 17)."""
    return image.with_table(parabola(image.table, 0.5 - amount / 2))


def mean_shift(image: CodedImage, amount: float) -> CodedImage:
    """Add ``amount`` and clip (type 18); with the exit stretch this is a gain with clipping, not a shift."""
    return image.with_table(np.clip(image.table + amount, 0.0, 1.0))


def parabola(x: NDArray[np.float64], middle: float) -> NDArray[np.float64]:
    """Return the curve through (0, 0), (0.5, ``middle``) and (1, 1), clipped to [0, 1].

    The generator fits a not-a-knot spline to these three points, which is their parabola.

    Args:
        x: Any shape.
        middle: The value at 0.5.
    """
    return np.clip((2 - 4 * middle) * x * x + (4 * middle - 1) * x, 0.0, 1.0)


@compiled
def _add_a_third(codes: NDArray[np.uint8], twice: NDArray[np.float64], samples: NDArray[np.float64]) -> None:
    for i in range(samples.size):
        samples[i] = (samples[i] + twice[codes[i]]) / 3
