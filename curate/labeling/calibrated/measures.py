"""What is measured of a distorted picture beside its reference: one number for each kind of visible difference."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...rendering.mdsi import MeasuredReference

# Changes with every change of a number below: a map that was fitted to other measures means nothing.
MEASURES_VERSION = "calibrated-1"
MEASURES: tuple[str, ...] = (
    "error",  # log10 of the mean squared difference of luminance
    "chroma_error",  # the same of the two chromaticity planes of MDSI together
    "contrast_change",  # log ratio of the standard deviations of luminance
    "saturation_change",  # log ratio of the mean chroma
    "gradient_similarity",  # mean similarity of gradient magnitudes
    "quarter_gradient_similarity",  # the same at a quarter of the size
    "gradient_gain",  # log of the gradient magnitude that was added, as a share of the reference's
    "gradient_loss",  # log of the gradient magnitude that was lost, likewise
    "structure_low",  # 10th percentile of the contrast-structure term of SSIM: the worst places
    "quarter_structure",  # mean of that term at a quarter of the size
    "mdsi",  # mean deviation similarity index, which also gives proxy labels
)
MDSI = MEASURES.index("mdsi")

_WORKING_SIDE = 512
_TO_OPPONENT = np.array([[0.299, 0.587, 0.114], [0.30, 0.04, -0.35], [0.34, -0.60, 0.17]], np.float32)
_PREWITT = (np.array([1.0, 0.0, -1.0]) / 3.0, np.ones(3))
_GRADIENT_CONSTANT = 140.0  # of MDSI and GMSD, for 8-bit code values
_STRUCTURE_CONSTANT = 58.5  # (0.03 * 255)^2, of SSIM
_WINDOW, _WINDOW_SIGMA = (11, 11), 1.5  # of SSIM
_LOG_FLOOR = 0.1  # below rounding to 8 bits; keeps the logarithm of equal pictures finite

Plane = NDArray[Any]  # float32 (H, W)


@dataclass(frozen=True)
class _Scale:
    """One picture at one size: its luminance and its gradient magnitude."""

    luminance: Plane
    gradient: Plane

    @classmethod
    def of(cls, luminance: Plane) -> "_Scale":
        across, along = _PREWITT
        horizontal = cv2.sepFilter2D(luminance, -1, across, along, borderType=cv2.BORDER_REPLICATE)
        vertical = cv2.sepFilter2D(luminance, -1, along, across, borderType=cv2.BORDER_REPLICATE)
        return cls(luminance, np.sqrt(horizontal * horizontal + vertical * vertical))


@dataclass(frozen=True)
class _Picture:
    """What is compared of one picture: two scales of luminance, and its chromaticity."""

    full: _Scale
    quarter: _Scale
    chroma: tuple[Plane, Plane]

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> "_Picture":
        factor = max(1, round(min(image.shape[:2]) / _WORKING_SIDE))
        luminance, *chroma = cv2.split(cv2.transform(_shrink(image.astype(np.float32), factor), _TO_OPPONENT))
        return cls(_Scale.of(luminance), _Scale.of(_shrink(luminance, 4)), (chroma[0], chroma[1]))


class MeasuringReference:
    """A reference whose part of the measures is worked out once, for all its distorted versions."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        """Work out what does not depend on a distorted version.

        Args:
            image: What a viewer of the pristine picture sees, uint8 (H, W, 3) RGB.
        """
        self._picture = _Picture.of(image)
        self._mdsi = MeasuredReference(image)

    def measure(self, distorted: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Measure how a distorted picture differs from this reference.

        Args:
            distorted: uint8 (H, W, 3) RGB, the reference's shape. Pictures are averaged down to a shorter side of about
                512 pixels first.

        Returns:
            One number for each of `MEASURES`, all finite.

        Raises:
            ValueError: The shapes differ.
        """
        deviation = self._mdsi.mdsi(distorted)
        first, second = self._picture, _Picture.of(distorted)
        gained = second.full.gradient - first.full.gradient
        mean_gradient = _mean(first.full.gradient) + 1.0
        found = {
            "error": _log10(_mean_square(second.full.luminance - first.full.luminance)),
            "chroma_error": _log10(
                sum(_mean_square(b - a) for a, b in zip(first.chroma, second.chroma, strict=True)),
            ),
            "contrast_change": _log_ratio(_deviation(second.full.luminance), _deviation(first.full.luminance)),
            "saturation_change": _log_ratio(_saturation(second), _saturation(first)),
            "gradient_similarity": _gradient_similarity(first.full, second.full),
            "quarter_gradient_similarity": _gradient_similarity(first.quarter, second.quarter),
            "gradient_gain": np.log((_mean(np.maximum(gained, 0)) + _LOG_FLOOR) / mean_gradient),
            "gradient_loss": np.log((_mean(np.maximum(-gained, 0)) + _LOG_FLOOR) / mean_gradient),
            "structure_low": np.percentile(_structure(first.full.luminance, second.full.luminance), 10),
            "quarter_structure": _mean(_structure(first.quarter.luminance, second.quarter.luminance)),
            "mdsi": deviation,
        }
        return np.array([found[name] for name in MEASURES], np.float64)


def _shrink(pixels: NDArray[Any], factor: int) -> NDArray[Any]:
    if factor == 1:
        return pixels
    height, width = pixels.shape[:2]
    size = (max(1, width // factor), max(1, height // factor))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _gradient_similarity(first: _Scale, second: _Scale) -> float:
    a, b = first.gradient, second.gradient
    return _mean((2 * a * b + _GRADIENT_CONSTANT) / (a * a + b * b + _GRADIENT_CONSTANT))


def _structure(a: Plane, b: Plane) -> Plane:
    """Return the contrast-structure term of SSIM, pixel by pixel (Wang et al., 2004)."""
    mean_a, mean_b = _blur(a), _blur(b)
    variances = _blur(a * a) - mean_a * mean_a + _blur(b * b) - mean_b * mean_b
    covariance = _blur(a * b) - mean_a * mean_b
    similarity: Plane = (2 * covariance + _STRUCTURE_CONSTANT) / (variances + _STRUCTURE_CONSTANT)
    return similarity


def _blur(plane: Plane) -> Plane:
    blurred: Plane = cv2.GaussianBlur(plane, _WINDOW, _WINDOW_SIGMA)
    return blurred


def _saturation(picture: _Picture) -> float:
    h, m = picture.chroma
    return _mean(np.sqrt(h * h + m * m))


def _mean(plane: Plane) -> float:
    return float(plane.mean(dtype=np.float64))


def _mean_square(plane: Plane) -> float:
    return _mean(plane * plane)


def _deviation(plane: Plane) -> float:
    return float(plane.std(dtype=np.float64))


def _log10(value: float) -> float:
    return float(np.log10(value + _LOG_FLOOR))


def _log_ratio(value: float, reference: float) -> float:
    return float(np.log((value + 1.0) / (reference + 1.0)))
