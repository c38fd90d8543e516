"""The planes of a picture that every domain feature starts from, each computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
_LUMA = (0.299, 0.587, 0.114)
_CHROMA_BLUE, _CHROMA_RED = 0.564, 0.713


@dataclass(frozen=True)
class Planes:
    """A patch in the forms that the features look at.

    Attributes:
        image: uint8 (H, W, 3) RGB.
    """

    image: NDArray[np.uint8]

    @cached_property
    def rgb(self) -> tuple[Plane, Plane, Plane]:
        """Red, green and blue, float32 (H, W) on [0, 255]."""
        red, green, blue = (self.image[..., channel].astype(np.float32) for channel in range(3))
        return red, green, blue

    @cached_property
    def luma(self) -> Plane:
        """Luma, float32 (H, W) on [0, 255]."""
        red, green, blue = self.rgb
        return np.asarray(_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue, np.float32)

    @cached_property
    def chroma(self) -> tuple[Plane, Plane]:
        """Blue and red chroma of full-range YCbCr around 0, float32 (H, W)."""
        blue = np.float32(_CHROMA_BLUE) * (self.rgb[2] - self.luma)
        red = np.float32(_CHROMA_RED) * (self.rgb[0] - self.luma)
        return blue, red

    def halved(self) -> Planes:
        """Return the patch at half its size, each pixel the mean of four."""
        height, width = self.image.shape[:2]
        half = cv2.resize(self.image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        return Planes(np.asarray(half, np.uint8))


def halve(plane: Plane) -> Plane:
    """Return a plane at half its size, each pixel the mean of four."""
    height, width = plane.shape
    return np.asarray(cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.float32)


def log_share(share: NDArray[np.floating] | float) -> NDArray[np.float32]:
    """Put shares of pixels on a logarithmic scale on which one pixel in ten thousand counts as none."""
    return np.asarray(np.log10(np.asarray(share, np.float32) + np.float32(1e-4)), np.float32)


def log_energy(value: NDArray[np.floating] | float, floor: float = 0.02) -> NDArray[np.float32]:
    """Put variances and magnitudes on a logarithmic scale that ends at `floor`."""
    return np.asarray(np.log(np.asarray(value, np.float32) + np.float32(floor)), np.float32)
