"""A label for an image whose reference is at hand: a full-reference metric on a fixed mapping to [0, 10]."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..manifest.schema import LABEL_MAXIMUM

# Version 2 computes in float32: labels differ by less than 0.002 from those of `mdsi`, which was in float64.
METRIC = "mdsi-2"

# Constants of MDSI (Nafchi et al., IEEE Access 2016), for 8-bit code values.
_C1, _C2, _C3 = 140.0, 55.0, 550.0
_GRADIENT_SHARE = 0.6
_POWER = 0.25
_WORST_DEVIATION = 0.44
_WORKING_SIDE = 256
_TO_OPPONENT = np.array([[0.2989, 0.5870, 0.1140], [0.30, 0.04, -0.35], [0.34, -0.60, 0.17]])
_PREWITT = (np.array([1.0, 0.0, -1.0]) / 3.0, np.ones(3))
# Below it the fourth root makes float32's rounding visible, so float64 decides.
_NEARLY_EQUAL = 0.05

Plane = NDArray[Any]  # float32 or float64 (H, W)


@dataclass(frozen=True)
class _Picture:
    """What MDSI compares of one picture, at its working size.

    Attributes:
        horizontal: Prewitt gradient of the luminance from left to right.
        vertical: The same from top to bottom.
        squared: Squared magnitude of the gradient.
        chroma: The two planes of chromaticity.
    """

    horizontal: Plane
    vertical: Plane
    squared: Plane
    chroma: tuple[Plane, Plane]

    @classmethod
    def of(cls, image: NDArray[np.uint8], dtype: type[np.floating[Any]]) -> "_Picture":
        pixels = image.astype(dtype)
        factor = max(1, round(min(image.shape[:2]) / _WORKING_SIDE))
        if factor > 1:
            blurred = cv2.blur(pixels, (factor, factor), borderType=cv2.BORDER_REFLECT)
            pixels = np.ascontiguousarray(blurred[::factor, ::factor])
        luminance, *chroma = cv2.split(cv2.transform(pixels, _TO_OPPONENT))
        across, along = _PREWITT
        horizontal = cv2.sepFilter2D(luminance, -1, across, along, borderType=cv2.BORDER_REPLICATE)
        vertical = cv2.sepFilter2D(luminance, -1, along, across, borderType=cv2.BORDER_REPLICATE)
        return cls(horizontal, vertical, _squares(horizontal, vertical), (chroma[0], chroma[1]))


class MeasuredReference:
    """A reference whose part of MDSI is worked out once, for all its distorted versions.

    Attributes:
        image: The reference, uint8 (H, W, 3) RGB.
    """

    def __init__(self, image: NDArray[np.uint8]) -> None:
        """Work out what does not depend on a distorted version."""
        self.image = image
        self._picture = _Picture.of(image, np.float32)

    def mdsi(self, distorted: NDArray[np.uint8]) -> float:
        """Measure how far an image is from this reference, as the function `mdsi` does.

        Args:
            distorted: uint8, the reference's shape.

        Raises:
            ValueError: The shapes differ.
        """
        if self.image.shape != distorted.shape:
            raise ValueError(f"the reference is {self.image.shape}, the distorted image {distorted.shape}")
        if np.array_equal(self.image, distorted):
            return 0.0
        found = _deviation(self._picture, _Picture.of(distorted, np.float32))
        if found > _NEARLY_EQUAL:
            return found
        return _deviation(_Picture.of(self.image, np.float64), _Picture.of(distorted, np.float64))


def mdsi(reference: NDArray[np.uint8], distorted: NDArray[np.uint8]) -> float:
    """Measure how far an image is from its reference: the mean deviation similarity index.

    Gradients and chromaticity are compared pixel by pixel; the score is the deviation of that similarity over the
    picture. A uniform change of brightness is therefore forgiven, as people forgive it.

    Args:
        reference: uint8 (H, W, 3) RGB.
        distorted: uint8, the same shape.

    Returns:
        0 for equal images, larger is worse; up to about 0.7 on photographs.

    Raises:
        ValueError: The shapes differ.

    Source: H. Z. Nafchi et al., "Mean Deviation Similarity Index", IEEE Access 4 (2016), equations 3-11.
    """
    return MeasuredReference(reference).mdsi(distorted)


def proxy_quality(deviation: float) -> float:
    """Map an MDSI score to quality on [0, 10], higher is better.

    The mapping is fixed, 10 (1 - (m / 0.44)^2) and 0 beyond, never a min-max over what happened to be rendered: labels
    of two runs are comparable. Its two constants were fitted once to human labels: MAE 1.14 and SRCC 0.896 over 75
    distorted versions (25 types, levels 1, 3, 5) of one KADID-10k reference.

    Args:
        deviation: An MDSI score.

    Returns:
        Quality on [0, 10].
    """
    return LABEL_MAXIMUM * max(0.0, 1.0 - (deviation / _WORST_DEVIATION) ** 2)


def _deviation(first: _Picture, second: _Picture) -> float:
    # The gradient of the mean of two pictures is the mean of their gradients.
    fused = _squares(first.horizontal + second.horizontal, first.vertical + second.vertical) / 4
    a, b, f = np.sqrt(first.squared), np.sqrt(second.squared), np.sqrt(fused)
    similarity = _ratio(a * b, first.squared + second.squared, _C1)
    similarity += _ratio(b * f, second.squared + fused, _C2)
    similarity -= _ratio(a * f, first.squared + fused, _C2)
    (h, m), (other_h, other_m) = first.chroma, second.chroma
    chroma = _ratio(h * other_h + m * other_m, _squares(h, m) + _squares(other_h, other_m), _C3)
    similarity *= _GRADIENT_SHARE
    chroma *= 1.0 - _GRADIENT_SHARE
    similarity += chroma
    return float(_mean_distance_from_mean(similarity) ** _POWER)


def _mean_distance_from_mean(similarity: Plane) -> float:
    """Return the mean distance of fourth roots from their mean; a negative number has its complex one."""
    root = np.sqrt(np.sqrt(np.abs(similarity)))
    negative = similarity < 0
    if not negative.any():
        root -= root.dtype.type(root.mean(dtype=np.float64))
        return float(np.abs(root).mean(dtype=np.float64))
    # The fourth root of -1 has an eighth of a turn: two equal parts.
    real = np.where(negative, root * root.dtype.type(np.sqrt(0.5)), root)
    imaginary = np.where(negative, real, root.dtype.type(0))
    real -= root.dtype.type(real.mean(dtype=np.float64))
    imaginary -= root.dtype.type(imaginary.mean(dtype=np.float64))
    return float(np.sqrt(_squares(real, imaginary)).mean(dtype=np.float64))


def _ratio(product: Plane, squares: Plane, constant: float) -> Plane:
    product *= 2.0
    product += constant
    squares += constant
    product /= squares
    return product


def _squares(a: Plane, b: Plane) -> Plane:
    total: Plane = a * a
    total += b * b
    return total
