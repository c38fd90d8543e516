"""Blur: Gaussian, lens (disk) and motion (line)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .numerics.coded_image import CodedImage
from .numerics.filters import correlate, correlate_quadrant, correlate_separable
from .numerics.kernels import disk_quadrant, gaussian_half_kernel, motion_kernel
from .numerics.random_draws import checked

LAST_ANGLE = 180


def gaussian_blur(image: CodedImage, sigma: float) -> CodedImage | NDArray[np.float64]:
    """Blur every channel with a Gaussian of ``sigma`` pixels (type 1)."""
    half_kernel = gaussian_half_kernel(sigma)
    if not half_kernel[1:].any():
        return image
    return correlate_separable(image.codes, half_kernel, image.line())


def lens_blur(image: CodedImage, radius: float) -> NDArray[np.float64]:
    """Blur every channel with a disk of ``radius`` pixels (type 2)."""
    return correlate_quadrant(image.codes, disk_quadrant(int(radius)), image.line())


def motion_blur(image: CodedImage, length: float, draws: NDArray[np.float64]) -> CodedImage | NDArray[np.float64]:
    """Blur every channel along a line of ``length`` pixels (type 3).

    Args:
        image: The image.
        length: Length of the line in pixels.
        draws: One number: the angle in whole degrees, 0 to 180.

    Returns:
        The blurred image; a length of 1 is the identity.
    """
    angle = float(checked(draws, (1,), "motion_blur", "the angle in degrees")[0])
    if length == 1:
        return image
    return correlate(image, motion_kernel(int(length), angle))


def draw_motion_blur(_length: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the angle: one whole number, uniform over 0 to 180 degrees, both ends included."""
    return rng.integers(0, LAST_ANGLE, endpoint=True, size=1).astype(np.float64)
