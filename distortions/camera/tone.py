"""Tone: what a phone does to the range of brightness."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ..numerics.coded_image import CodedImage
from ..numerics.compiled import MatrixRow, compiled
from ..numerics.filters import correlate_separable
from ..numerics.kernels import gaussian_half_kernel
from ..numerics.lab import linear_to_srgb
from ..numerics.random_draws import checked
from .light import LUMINANCE, linear_light

TONE_NUMBERS = 3  # flattening, exposure, colorfulness
FLATTENING = (0.3, 0.6)  # of large areas' range, at full strength
DETAIL = 1.9  # what local contrast is multiplied by, at full strength
EXPOSURE = (-1.2, 0.8)  # natural logarithm
COLORFULNESS = (-0.5, 0.6)
DARKEST = 1e-4  # luminance below which nothing is distinguished
# Large areas are judged on a small copy: its shorter side, and the deviation of its blur, in its pixels.
SMALL_SIDE = 64
AREA_SIGMA = 4.0


def tone_mapping(image: CodedImage, strength: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compress the range of large areas, lift detail, bend the curve and change colorfulness (type 105).

    Args:
        image: The image.
        strength: 0 leaves the picture as it is, 1 is everything at once; between, logarithms of luminance are mixed.
        draws: Three uniforms in [0, 1): flattening, exposure, colorfulness.

    Returns:
        The mapped image, H x W x 3, float64.

    Source: global curve of Reinhard et al., Photographic tone reproduction for digital images, ACM TOG 21 (2002),
    equation 4, with white at 2; local contrast as a base and a detail layer of the logarithm of luminance (Durand,
    Dorsey, SIGGRAPH 2002) with a Gaussian base, whose halos are what phones show.
    """
    shares = checked(draws, (TONE_NUMBERS,), "tone_mapping", "flattening, exposure and colorfulness")
    ranges = (FLATTENING, EXPOSURE, COLORFULNESS)
    flattening, exposure, colorfulness = (
        low + share * (high - low) for share, (low, high) in zip(shares.tolist(), ranges, strict=True)
    )
    light = linear_light(image)
    logarithm = np.empty(image.codes.shape[:2])
    _log_luminance(light.codes, light.table, LUMINANCE, logarithm)
    out = light.dense()
    base = _large_areas(logarithm)
    _map(out, logarithm, base, (flattening, exposure, strength))
    linear_to_srgb(out)
    _push_colors(out.reshape(-1, 3), 1.0 + strength * colorfulness, LUMINANCE)
    return out


def draw_tone_mapping(_strength: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw three uniforms in [0, 1): flattening, exposure, colorfulness."""
    return rng.random(TONE_NUMBERS)


def _large_areas(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blur a plane by a sixteenth of its shorter side."""
    height, width = plane.shape
    shrink = min(1.0, SMALL_SIDE / min(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float64)
    sigma = AREA_SIGMA * min(size) / SMALL_SIDE
    blurred = correlate_separable(np.ascontiguousarray(small)[:, :, np.newaxis], gaussian_half_kernel(sigma))[:, :, 0]
    return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.float64)


@compiled
def _log_luminance(
    codes: NDArray[np.uint8], table: NDArray[np.float64], weights: MatrixRow, out: NDArray[np.float64]
) -> None:
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            red, green, blue = table[codes[y, x, 0]], table[codes[y, x, 1]], table[codes[y, x, 2]]
            luminance = weights[0] * red + weights[1] * green + weights[2] * blue
            out[y, x] = math.log(max(luminance, DARKEST))


@compiled
def _map(
    light: NDArray[np.float64], logarithm: NDArray[np.float64], base: NDArray[np.float64], amounts: MatrixRow
) -> None:
    flattening, exposure, strength = amounts
    for y in range(light.shape[0]):
        for x in range(light.shape[1]):
            before, area = logarithm[y, x], base[y, x]
            lit = math.exp((1.0 - flattening) * area + DETAIL * (before - area) + exposure)
            curved = lit * (1.0 + lit / 4.0) / (1.0 + lit)
            # luminance^(1 - strength) curved^strength, over luminance
            ratio = math.exp(strength * (math.log(curved) - before))
            for c in range(3):
                light[y, x, c] = min(ratio * light[y, x, c], 1.0)


@compiled
def _push_colors(samples: NDArray[np.float64], factor: float, weights: MatrixRow) -> None:
    for i in range(samples.shape[0]):
        gray = weights[0] * samples[i, 0] + weights[1] * samples[i, 1] + weights[2] * samples[i, 2]
        for c in range(3):
            samples[i, c] = min(max(gray + factor * (samples[i, c] - gray), 0.0), 1.0)
