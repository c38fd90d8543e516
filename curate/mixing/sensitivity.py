"""Where a distortion shows: the distortion-induced sensitivity map of DSMix."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled
from ...distortions.numerics.filters import correlate_separable
from ...distortions.numerics.kernels import gaussian_half_kernel
from ...distortions.numerics.lab import rgb_to_lab
from ...distortions.numerics.min_max import entry
from .settings import MixSettings

# 6e-5 of a Gaussian is beyond four standard deviations.
_REACH = 4.0
# Cell (8, 1) is the identity up to so many code values: rounding, not a visible change.
_ROUNDING = 1


@dataclass(frozen=True)
class SensitivityMap:
    """How an image's visible change is spread over its pixels.

    Attributes:
        values: (H, W) float64, at least 0, sum 1.
        mean_difference: Mean color difference over the picture (CIE 1976), before smoothing and normalizing: how
            visible the distortion is, which the map itself does not show.
        uniform: Whether the image equals its reference, so that there is no change to map and every pixel has the
            same share.
    """

    values: NDArray[np.float64]
    mean_difference: float
    uniform: bool


def sensitivity_map(
    distorted: NDArray[np.uint8], reference: NDArray[np.uint8], *, sigma: float = MixSettings.sigma
) -> SensitivityMap:
    """Map where a distorted image differs visibly from its reference.

    The paper's abstract does not fix the formula; this is the project's reading: the CIELAB color difference of each
    pixel (CIE 1976), smoothed by a Gaussian, divided by its sum. Beyond the border the smoothing continues with the
    picture's mirror image, which keeps the sum, so that a change at the border counts as much as one in the middle.

    Args:
        distorted: uint8 (H, W, 3) RGB.
        reference: uint8, the same shape: the reference after the generator's entry stretch (`stretch_uint8`).
        sigma: Standard deviation of the smoothing in pixels, 0 to 100; 0 leaves it out.

    Returns:
        The map. Where no sample differs by more than one code value, as in the identity cells of the catalog, it is
        uniform and says so.

    Raises:
        ValueError: The shapes differ.

    Source: Shi et al., "DSMix", ECCV 2024.
    """
    change = color_difference(distorted, reference)
    height, width = change.shape
    mean = float(change.mean())
    if cv2.absdiff(distorted, reference).max() <= _ROUNDING:
        return SensitivityMap(np.full((height, width), 1.0 / (height * width)), mean, uniform=True)
    smooth = _smoothed(change, sigma)
    return SensitivityMap(smooth / _sum(smooth), mean, uniform=False)


def color_difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Measure how different two images look, pixel by pixel.

    Args:
        first: uint8 (H, W, 3) sRGB.
        second: uint8, the same shape.

    Returns:
        (H, W) float64: the distance in CIELAB under D65, 0 for equal colors, 100 from black to white.

    Raises:
        ValueError: The shapes differ.

    Source: CIE 15, color difference of 1976.
    """
    if first.shape != second.shape:
        raise ValueError(f"the images to compare are {_size(first)} and {_size(second)} pixels")
    lightness_a, chroma_a = rgb_to_lab(entry(np.ascontiguousarray(first), stretch=False))
    lightness_b, chroma_b = rgb_to_lab(entry(np.ascontiguousarray(second), stretch=False))
    out = np.empty(lightness_a.shape)
    _distances(lightness_a, chroma_a, lightness_b, chroma_b, out)
    return out


def _smoothed(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    if sigma == 0:
        return values
    reach = math.ceil(_REACH * sigma)
    wide = np.pad(values, reach, mode="symmetric")
    smooth = correlate_separable(wide[..., np.newaxis], gaussian_half_kernel(sigma, reach))
    return np.ascontiguousarray(smooth[reach:-reach, reach:-reach, 0])


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]} x {image.shape[0]}"


@compiled
def _distances(
    lightness_a: NDArray[np.float64],
    chroma_a: NDArray[np.float64],
    lightness_b: NDArray[np.float64],
    chroma_b: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            lightness = lightness_a[y, x] - lightness_b[y, x]
            a = chroma_a[y, x, 0] - chroma_b[y, x, 0]
            b = chroma_a[y, x, 1] - chroma_b[y, x, 1]
            out[y, x] = np.sqrt(lightness * lightness + a * a + b * b)


@compiled
def _sum(values: NDArray[np.float64]) -> float:
    # Row by row: numpy's order of summation depends on the machine's vector width.
    total = 0.0
    for y in range(values.shape[0]):
        row = 0.0
        for x in range(values.shape[1]):
            row += values[y, x]
        total += row
    return total
