"""A palette that keeps variance small within each colour, and Floyd-Steinberg dithering onto it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled


def minimum_variance_palette(codes: NDArray[np.uint8], number: int) -> NDArray[np.float64]:
    raise NotImplementedError


def dither(codes: NDArray[np.uint8], palette: NDArray[np.float64]) -> NDArray[np.float64]:
    raise NotImplementedError
