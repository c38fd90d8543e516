"""CIE Lab from sRGB and back (D65), fast enough to be no bottleneck.

Powers cost more than everything else in these conversions, so both come from short tables: the cube root is polished
to double precision by one Halley step, the sRGB curve is tabulated over the square root of its argument, where it is
nearly straight (error below 1e-8, that is 0.000003 of a code).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .picture import CodedImage

# The digits that reproduce the reference outputs best, out of those in circulation.
XYZ_FROM_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
SCALED_FROM_RGB = XYZ_FROM_RGB / WHITE_D65[:, np.newaxis]
RGB_FROM_SCALED = np.linalg.inv(SCALED_FROM_RGB)

# CIE 15: below this the cube root gives way to a line.
LINEAR_BELOW = (6 / 29) ** 3
LINEAR_SLOPE = (29 / 6) ** 2 / 3
LINEAR_OFFSET = 4 / 29
ROOT_LINEAR_BELOW = 6 / 29

# IEC 61966-2-1.
SRGB_LINEAR_BELOW = 0.0031308
SRGB_DECODE_LINEAR_BELOW = 0.04045
SRGB_SLOPE = 12.92
SRGB_SCALE = 1.055
SRGB_SHIFT = 0.055
SRGB_POWER = 2.4

ROOT_CELLS = 4096
ROOT_LARGEST = 1.1  # the scaled white of these matrix digits is 1.0000 to 1.0002
CURVE_CELLS = 8192

_ROOTS = np.cbrt(np.arange(ROOT_CELLS + 2) * (ROOT_LARGEST / ROOT_CELLS))
_CURVE = SRGB_SCALE * (np.arange(CURVE_CELLS + 2) / CURVE_CELLS) ** (2 / SRGB_POWER) - SRGB_SHIFT


def rgb_to_lab(image: CodedImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Convert an sRGB image in [0, 1] to CIE Lab.

    Args:
        image: The image; its table must lie in [0, 1].

    Returns:
        Lightness (H x W, 0 to 100) and the pair a, b (H x W x 2), float64.
    """
    height, width, _ = image.codes.shape
    lightness = np.empty((height, width))
    chroma = np.empty((height, width, 2))
    linear = srgb_to_linear(image.table)
    flat = image.codes.reshape(-1, 3)
    _to_lab(flat, linear, SCALED_FROM_RGB, _ROOTS, lightness.reshape(-1), chroma.reshape(-1, 2))
    return lightness, chroma


def lab_to_rgb(lightness: NDArray[np.float64], chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert CIE Lab to sRGB, clipped to [0, 1].

    Args:
        lightness: H x W, float64; any value.
        chroma: a and b, H x W x 2, float64; any value.

    Returns:
        H x W x 3, float64.
    """
    height, width = lightness.shape
    out = np.empty((height, width, 3))
    _from_lab(lightness.reshape(-1), chroma.reshape(-1, 2), RGB_FROM_SCALED, _CURVE, out.reshape(-1, 3))
    return out


def srgb_to_linear(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Undo the sRGB curve; any shape, values in [0, 1]."""
    power = ((np.maximum(x, SRGB_DECODE_LINEAR_BELOW) + SRGB_SHIFT) / SRGB_SCALE) ** SRGB_POWER
    return np.where(x <= SRGB_DECODE_LINEAR_BELOW, x / SRGB_SLOPE, power)


@compiled
def _root(t: float, roots: NDArray[np.float64]) -> float:
    if t <= LINEAR_BELOW:
        return LINEAR_SLOPE * t + LINEAR_OFFSET
    position = t * (ROOT_CELLS / ROOT_LARGEST)
    cell = int(position)
    guess = roots[cell] + (position - cell) * (roots[cell + 1] - roots[cell])
    cube = guess * guess * guess
    return guess * (cube + 2 * t) / (2 * cube + t)


@compiled
def _to_lab(
    codes: NDArray[np.uint8],
    linear: NDArray[np.float64],
    matrix: NDArray[np.float64],
    roots: NDArray[np.float64],
    lightness: NDArray[np.float64],
    chroma: NDArray[np.float64],
) -> None:
    for i in range(codes.shape[0]):
        red, green, blue = linear[codes[i, 0]], linear[codes[i, 1]], linear[codes[i, 2]]
        x = _root(matrix[0, 0] * red + matrix[0, 1] * green + matrix[0, 2] * blue, roots)
        y = _root(matrix[1, 0] * red + matrix[1, 1] * green + matrix[1, 2] * blue, roots)
        z = _root(matrix[2, 0] * red + matrix[2, 1] * green + matrix[2, 2] * blue, roots)
        lightness[i] = 116 * y - 16
        chroma[i, 0] = 500 * (x - y)
        chroma[i, 1] = 200 * (y - z)


@compiled
def _cubed(root: float) -> float:
    return root * root * root if root > ROOT_LINEAR_BELOW else (root - LINEAR_OFFSET) / LINEAR_SLOPE


@compiled
def _to_srgb(x: float, curve: NDArray[np.float64]) -> float:
    if x <= SRGB_LINEAR_BELOW:
        return max(SRGB_SLOPE * x, 0.0)
    if x >= 1.0:
        return 1.0
    position = np.sqrt(x) * CURVE_CELLS
    cell = int(position)
    return curve[cell] + (position - cell) * (curve[cell + 1] - curve[cell])


@compiled
def _from_lab(
    lightness: NDArray[np.float64],
    chroma: NDArray[np.float64],
    matrix: NDArray[np.float64],
    curve: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for i in range(lightness.size):
        root = (lightness[i] + 16) / 116
        x = _cubed(root + chroma[i, 0] / 500)
        y = _cubed(root)
        z = _cubed(root - chroma[i, 1] / 200)
        for c in range(3):
            out[i, c] = _to_srgb(matrix[c, 0] * x + matrix[c, 1] * y + matrix[c, 2] * z, curve)
