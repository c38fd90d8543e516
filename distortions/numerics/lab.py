"""CIE Lab from sRGB and back (D65)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .coded_image import CodedImage
from .compiled import MatrixRows, compiled, rows
from .cubic_tables import BLOCK, Pieces, evaluate, tabulate

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

PIXELS = BLOCK // 3  # of a block
ROWS_AT_ONCE = 32

Lab = tuple[NDArray[np.float64], NDArray[np.float64]]


def map_lab(image: CodedImage, change: Callable[[Lab], Lab]) -> NDArray[np.float64]:
    """Change an image pixel by pixel in Lab; some rows at a time, so that no whole plane in Lab is laid out.

    Args:
        image: The image; its table must be in [0, 1].
        change: Takes and returns lightness (N x W) and a, b (N x W x 2) of N rows; it may write over what it takes.

    Returns:
        H x W x 3 sRGB, float64, clipped to [0, 1].
    """
    out = np.empty(image.codes.shape)
    for top in range(0, len(out), ROWS_AT_ONCE):
        band = slice(top, top + ROWS_AT_ONCE)
        lightness, chroma = change(rgb_to_lab(image.with_codes(image.codes[band])))
        _from_lab(lightness.reshape(-1), chroma.reshape(-1, 2), rows(RGB_FROM_SCALED), _CURVE, out[band].reshape(-1, 3))
    return out


def rgb_to_lab(image: CodedImage) -> Lab:
    """Convert an sRGB image in [0, 1] to CIE Lab.

    Args:
        image: The image; its table must be in [0, 1].

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
def _root(
    numbers: NDArray[np.float64], table: Pieces, powers: NDArray[np.float64], scratch: NDArray[np.uint64]
) -> None:
    for i in range(numbers.size):
        powers[i] = max(numbers[i], ROOT_TABLE_FROM)
    evaluate(powers[: numbers.size], table, scratch)
    for i in range(numbers.size):
        line = LINEAR_SLOPE * numbers[i] + LINEAR_OFFSET
        numbers[i] = powers[i] if numbers[i] > LINEAR_BELOW else line


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
    powers, scratch, roots = np.empty(BLOCK), np.empty(BLOCK, np.uint64), np.empty(BLOCK)
    for start in range(0, lightness.size, PIXELS):
        size = min(PIXELS, lightness.size - start)
        x, y, z = roots[:size], roots[size : 2 * size], roots[2 * size : 3 * size]
        for i in range(size):
            code = codes[start + i]
            red, green, blue = linear[code[0]], linear[code[1]], linear[code[2]]
            x[i] = to_x[0] * red + to_x[1] * green + to_x[2] * blue
            y[i] = to_y[0] * red + to_y[1] * green + to_y[2] * blue
            z[i] = to_z[0] * red + to_z[1] * green + to_z[2] * blue
        _root(roots[: 3 * size], table, powers, scratch)
        for i in range(size):
            lightness[start + i] = 116 * y[i] - 16
            chroma[start + i, 0] = 500 * (x[i] - y[i])
            chroma[start + i, 1] = 200 * (y[i] - z[i])


@compiled
def _cubed(root: float) -> float:
    return root * root * root if root > ROOT_LINEAR_BELOW else (root - LINEAR_OFFSET) * LINEAR_SLOPE_INVERSE


@compiled
def _to_srgb(
    light: NDArray[np.float64], table: Pieces, powers: NDArray[np.float64], scratch: NDArray[np.uint64]
) -> None:
    for i in range(light.size):
        light[i] = min(max(light[i], 0.0), JUST_BELOW_ONE)
        powers[i] = max(light[i], CURVE_TABLE_FROM)
    evaluate(powers[: light.size], table, scratch)
    for i in range(light.size):
        light[i] = powers[i] if light[i] > SRGB_LINEAR_BELOW else SRGB_SLOPE * light[i]


@compiled
def _apply_curve(samples: NDArray[np.float64], table: Pieces) -> None:
    powers, scratch = np.empty(BLOCK), np.empty(BLOCK, np.uint64)
    for start in range(0, samples.size, BLOCK):
        _to_srgb(samples[start : start + BLOCK], table, powers, scratch)


@compiled
def _from_lab(
    lightness: NDArray[np.float64],
    chroma: NDArray[np.float64],
    matrix: MatrixRows,
    table: Pieces,
    out: NDArray[np.float64],
) -> None:
    to_red, to_green, to_blue = matrix
    powers, scratch = np.empty(BLOCK), np.empty(BLOCK, np.uint64)
    samples = out.reshape(-1)
    for start in range(0, lightness.size, PIXELS):
        end = min(start + PIXELS, lightness.size)
        for i in range(start, end):
            root = (lightness[i] + 16) * (1 / 116)
            x = _cubed(root + chroma[i, 0] * (1 / 500))
            y = _cubed(root)
            z = _cubed(root - chroma[i, 1] * (1 / 200))
            out[i, 0] = to_red[0] * x + to_red[1] * y + to_red[2] * z
            out[i, 1] = to_green[0] * x + to_green[1] * y + to_green[2] * z
            out[i, 2] = to_blue[0] * x + to_blue[1] * y + to_blue[2] * z
        _to_srgb(samples[3 * start : 3 * end], table, powers, scratch)
