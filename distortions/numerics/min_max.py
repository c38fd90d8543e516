"""The generator's common frame: min-max stretch on entry and on exit, and rounding to 8 bit."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .coded_image import CODES, CodedImage
from .compiled import compiled

# Rounding noise of a result that is constant by its formula must not be stretched to full contrast. Eight-bit input
# through any of the formulas leaves real differences many orders of magnitude above this.
CONSTANT_RANGE = 1e-12
FULL = 255.0


def map_min_max(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """Stretch values linearly to [0, 1], with one minimum and maximum for the whole array.

    Args:
        x: Any shape, any floating dtype. NaN is left out of the minimum and maximum and stays NaN.

    Returns:
        The stretched values, float64; a constant array comes back unchanged.
    """
    values = np.asarray(x, dtype=np.float64)
    low, high = _range(values)
    if not high - low > CONSTANT_RANGE:
        return values.copy()
    return (values - low) / (high - low)


def entry(codes: NDArray[np.uint8], *, stretch: bool) -> CodedImage:
    """Give every code its value in [0, 1].

    Args:
        codes: H x W x 3, uint8, not constant if ``stretch``.
        stretch: Whether the darkest sample becomes 0 and the brightest 1; else code / 255.

    Returns:
        The coded image; it shares memory with ``codes``.
    """
    scale = np.arange(CODES, dtype=np.float64)
    low, high = (int(codes.min()), int(codes.max())) if stretch else (0, CODES - 1)
    return CodedImage(codes, (scale - low) / (high - low))


def leave(result: CodedImage | NDArray[np.float64], *, stretch: bool) -> NDArray[np.uint8]:
    """Stretch a distorted image and round it to 8 bit, half away from zero.

    Args:
        result: H x W x 3 values; NaN becomes black.
        stretch: Whether to stretch to [0, 1]; else values are clipped to it.

    Returns:
        H x W x 3, uint8.
    """
    if isinstance(result, CodedImage):
        low, high = _range(result.table[result.counts() > 0])
        table = _stretched(result.table, low, high) if stretch else eight_bit(result.table)
        return np.asarray(cv2.LUT(result.codes, table), dtype=np.uint8)
    if not stretch:
        return eight_bit(result)
    low, high = _range(result)
    return _stretched(result, low, high)


def eight_bit(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Round values of any shape to 8 bit, half away from zero, clipping to [0, 1]; NaN becomes 0."""
    return _rounded(values, 0.0, 1.0)


def rounded_codes(image: CodedImage) -> NDArray[np.uint8]:
    """Return a coded image rounded to 8 bit, H x W x 3, uint8."""
    return np.asarray(cv2.LUT(image.codes, eight_bit(image.table)), dtype=np.uint8)


def _range(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if not np.isnan(low):
        return low, high
    numbers = values[~np.isnan(values)]
    return (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)


def _stretched(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.uint8]:
    return _rounded(values, low, high - low) if high - low > CONSTANT_RANGE else eight_bit(values)


def _rounded(values: NDArray[np.float64], low: float, span: float) -> NDArray[np.uint8]:
    out = np.empty(values.shape, np.uint8)
    _scale_and_round(np.ascontiguousarray(values).reshape(-1), low, span, out.reshape(-1))
    return out


@compiled
def _scale_and_round(values: NDArray[np.float64], low: float, span: float, out: NDArray[np.uint8]) -> None:
    for i in range(values.size):
        scaled = (values[i] - low) / span
        # Written so that NaN fails the comparison and ends at 0.
        inside = min(scaled, 1.0) if scaled > 0.0 else 0.0
        out[i] = np.uint8(np.int32(FULL * inside + 0.5))
