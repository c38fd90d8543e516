"""Sharpness and contrast: unsharp mask on lightness, cubic tone curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .numerics.coded_image import CodedImage
from .numerics.filters import correlate_separable
from .numerics.kernels import gaussian_half_kernel
from .numerics.lab import lab_to_rgb, rgb_to_lab

SHARPEN_SIGMA = 3.0


def high_sharpen(image: CodedImage, amount: float) -> NDArray[np.float64]:
    """Add ``amount`` times the difference to a blurred copy to the lightness (type 24)."""
    lightness, chroma = rgb_to_lab(image)
    blurred = correlate_separable(lightness[:, :, np.newaxis], gaussian_half_kernel(SHARPEN_SIGMA))[:, :, 0]
    return lab_to_rgb(lightness + amount * (lightness - blurred), chroma)


def contrast_change(image: CodedImage, amount: float) -> CodedImage:
    """Bend the tones around the middle by ``amount`` (type 25); the identity would be -0.2, not 0."""
    return image.with_table(contrast_curve(image.table, amount))


def contrast_curve(x: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Return the contrast curve at x, clipped to [0, 1].

    The generator's spline through (0, 0), (0.3, 0.25 - amount / 4), (0.5, 0.5), (0.7, 0.75 + amount / 4) and (1, 1)
    has not-a-knot ends and points symmetric about the middle: it is a single odd cubic around 0.5.
    """
    linear = (0.218 + amount / 4) / 0.168
    cubic = 4 - 4 * linear
    u = x - 0.5
    return np.clip(0.5 + linear * u + cubic * u**3, 0.0, 1.0)
