"""CIE Lab from sRGB and back (D65)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .coded_image import CodedImage
from .compiled import MatrixRows, compiled, rows
from .cubic_tables import Pieces, evaluate, tabulate

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
LINEAR_SLOPE_INVERSE = 1 / LINEAR_SLOPE
LINEAR_OFFSET = 4 / 29
ROOT_LINEAR_BELOW = 6 / 29

# IEC 61966-2-1.
SRGB_LINEAR_BELOW = 0.0031308
SRGB_DECODE_LINEAR_BELOW = 0.04045
SRGB_SLOPE = 12.92
SRGB_SCALE = 1.055
SRGB_SHIFT = 0.055
SRGB_POWER = 2.4

# The cube root is needed from LINEAR_BELOW up to the scaled white, 1.0000 to 1.0002 with these digits; the curve from
# SRGB_LINEAR_BELOW up to 1.
_ROOT = tabulate(lambda t: t ** (1 / 3), lambda t: t ** (-2 / 3) / 3, -7, 1)
_CURVE = tabulate(
    lambda x: SRGB_SCALE * x ** (1 / SRGB_POWER) - SRGB_SHIFT,
    lambda x: SRGB_SCALE / SRGB_POWER * x ** (1 / SRGB_POWER - 1),
    -9,
    0,
)
ROOT_TABLE_FROM = 2.0**-7
CURVE_TABLE_FROM = 2.0**-9
JUST_BELOW_ONE = 1 - 2.0**-53


def rgb_to_lab(image: CodedImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Convert an sRGB image in [0, 1] to CIE Lab.

    Args:
        image: The image; its table must lie in [0, 1].

    Returns:
        Lightness (H x W, 0 to 100) and the pair a, b (H x W x 2), float64.
    """
    height, width, _ = image.codes.shape
    linear = srgb_to_linear(image.table)
    lightness, chroma = np.empty((height, width)), np.empty((height, width, 2))
    flat = (lightness.reshape(-1), chroma.reshape(-1, 2))
    _to_lab(image.codes.reshape(-1, 3), linear, rows(SCALED_FROM_RGB), _ROOT, flat)
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
    _from_lab(lightness.reshape(-1), chroma.reshape(-1, 2), rows(RGB_FROM_SCALED), _CURVE, out.reshape(-1, 3))
    return out


def srgb_to_linear(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Undo the sRGB curve; any shape, values in [0, 1]."""
    power = ((np.maximum(x, SRGB_DECODE_LINEAR_BELOW) + SRGB_SHIFT) / SRGB_SCALE) ** SRGB_POWER
    return np.where(x <= SRGB_DECODE_LINEAR_BELOW, x / SRGB_SLOPE, power)


def linear_to_srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply the sRGB curve in place.

    Args:
        light: Linear light, float64, C-contiguous, any shape; clipped to [0, 1].

    Returns:
        The same array.
    """
    _apply_curve(light.reshape(-1), _CURVE)
    return light


@compiled
def _root(t: float, table: Pieces) -> float:
    line = LINEAR_SLOPE * t + LINEAR_OFFSET
    power = evaluate(max(t, ROOT_TABLE_FROM), table)
    return power if t > LINEAR_BELOW else line


@compiled
def _to_lab(
    codes: NDArray[np.uint8],
    linear: NDArray[np.float64],
    matrix: MatrixRows,
    table: Pieces,
    out: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    lightness, chroma = out
    to_x, to_y, to_z = matrix
    for i in range(codes.shape[0]):
        red, green, blue = linear[codes[i, 0]], linear[codes[i, 1]], linear[codes[i, 2]]
        x = _root(to_x[0] * red + to_x[1] * green + to_x[2] * blue, table)
        y = _root(to_y[0] * red + to_y[1] * green + to_y[2] * blue, table)
        z = _root(to_z[0] * red + to_z[1] * green + to_z[2] * blue, table)
        lightness[i] = 116 * y - 16
        chroma[i, 0] = 500 * (x - y)
        chroma[i, 1] = 200 * (y - z)


@compiled
def _cubed(root: float) -> float:
    return root * root * root if root > ROOT_LINEAR_BELOW else (root - LINEAR_OFFSET) * LINEAR_SLOPE_INVERSE


@compiled
def _to_srgb(x: float, table: Pieces) -> float:
    inside = min(max(x, 0.0), JUST_BELOW_ONE)
    power = evaluate(max(inside, CURVE_TABLE_FROM), table)
    return power if inside > SRGB_LINEAR_BELOW else SRGB_SLOPE * inside


@compiled
def _apply_curve(samples: NDArray[np.float64], table: Pieces) -> None:
    for i in range(samples.size):
        samples[i] = _to_srgb(samples[i], table)


@compiled
def _from_lab(
    lightness: NDArray[np.float64],
    chroma: NDArray[np.float64],
    matrix: MatrixRows,
    table: Pieces,
    out: NDArray[np.float64],
) -> None:
    to_red, to_green, to_blue = matrix
    for i in range(lightness.size):
        root = (lightness[i] + 16) * (1 / 116)
        x = _cubed(root + chroma[i, 0] * (1 / 500))
        y = _cubed(root)
        z = _cubed(root - chroma[i, 1] * (1 / 200))
        out[i, 0] = _to_srgb(to_red[0] * x + to_red[1] * y + to_red[2] * z, table)
        out[i, 1] = _to_srgb(to_green[0] * x + to_green[1] * y + to_green[2] * z, table)
        out[i, 2] = _to_srgb(to_blue[0] * x + to_blue[1] * y + to_blue[2] * z, table)
