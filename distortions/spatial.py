"""Spatial: jitter, displaced patches, pixelation, quantization of tones and color blocks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .numerics.coded_image import CODES, CodedImage
from .numerics.compiled import compiled
from .numerics.min_max import eight_bit
from .numerics.otsu import otsu_thresholds
from .numerics.random_draws import checked, standard_normals
from .numerics.warp import warp_in_turn

WARPS = 5
PATCH = 16
PATCH_MARGIN = 48
PATCH_NUMBERS = 4  # column and row of the source, column and row of the displacement

BLOCK = 32
FULL = 255.0
BLOCK_NUMBERS = 5  # red, green, blue, column, row


def jitter(image: CodedImage, amount: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Displace every pixel five times by a Gaussian of ``amount`` pixels (type 19).

    Args:
        image: The image.
        amount: Standard deviation of one displacement along one axis, in pixels.
        draws: Standard normals, 5 x H x W x 2: rows, then columns, of each warp in turn.

    Returns:
        The warped image, not clipped, H x W x 3, float64.
    """
    height, width = image.codes.shape[:2]
    out = image.dense()
    fields = checked(draws, (WARPS, height, width, 2), "jitter", "standard normals of five warps")
    warp_in_turn(out, fields, amount)
    return out


def draw_jitter(_amount: float, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw standard normals, 5 x H x W x 2: warp by warp, row by row, (row, column) innermost."""
    return standard_normals(rng, (WARPS, height, width, 2))


def non_eccentricity_patch(image: CodedImage, number: float, draws: NDArray[np.float64]) -> CodedImage:
    """Copy ``number`` patches of 16 x 16 pixels to places at most 8 pixels away (type 20).

    Args:
        image: The image, at least 48 pixels high and wide.
        number: Number of patches; later ones may copy earlier ones.
        draws: ``number`` x 4 uniforms in [0, 1): column and row of the source, column and row of the displacement.

    Returns:
        The image with its patches displaced.
    """
    codes = image.codes.copy()
    height, width = codes.shape[:2]
    meaning = "column, row and displacement in columns and rows per patch"
    for u, v, du, dv in checked(draws, (int(number), PATCH_NUMBERS), "non_eccentricity_patch", meaning):
        # One-based, as in the generator.
        left = _round_half_up(u * (width - PATCH_MARGIN)) + PATCH
        top = _round_half_up(v * (height - PATCH_MARGIN)) + PATCH
        new_left = _round_half_up((du - 0.5) * PATCH + left)
        new_top = _round_half_up((dv - 0.5) * PATCH + top)
        patch = _square(codes, top, left).copy()
        _square(codes, new_top, new_left)[:] = patch
    return image.with_codes(codes)


def draw_non_eccentricity_patch(
    number: float, _height: int, _width: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw ``number`` x 4 uniforms in [0, 1): source column, source row, column and row displacement of each."""
    return rng.random((int(number), PATCH_NUMBERS))


def pixelate(image: CodedImage, strength: float) -> CodedImage:
    """Shrink and enlarge the image by nearest neighbors (type 21); the scale is 0.95 - strength^0.6."""
    scale = 0.95 - strength**0.6
    height, width = image.codes.shape[:2]
    rows, columns = _shrink_and_enlarge(height, scale), _shrink_and_enlarge(width, scale)
    codes = np.empty_like(image.codes)
    _gather(image.codes, rows, columns, codes)
    return image.with_codes(codes)


def quantization(image: CodedImage, number: float) -> CodedImage:
    """Round samples up to one of ``number`` Otsu thresholds (type 22).

    The darkest class becomes 0 and the brightest 1; all channels share the thresholds.
    """
    bins = np.zeros(CODES)
    np.add.at(bins, eight_bit(image.table), image.counts())
    thresholds = otsu_thresholds(bins, int(number)) / FULL
    values = np.concatenate(([0.0], thresholds[1:], [1.0]))
    return image.with_table(values[np.searchsorted(thresholds, image.table, side="left")])


def color_block(image: CodedImage, number: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cover the image with ``number`` opaque blocks of 32 x 32 pixels (type 23).

    Args:
        image: The image, at least 33 pixels high and wide.
        number: Number of blocks; later ones cover earlier ones.
        draws: ``number`` x 5 uniforms in [0, 1): red, green, blue, column, row.

    Returns:
        The covered image, H x W x 3, float64.
    """
    shape = (int(number), BLOCK_NUMBERS)
    out = image.dense()
    height, width = out.shape[:2]
    for red, green, blue, u, v in checked(draws, shape, "color_block", "red, green, blue, column and row per block"):
        # One-based corner; a rounded 0 loses its first row or column beyond the image's edge.
        left, top = _round_half_up(u * (width - BLOCK)) - 1, _round_half_up(v * (height - BLOCK)) - 1
        out[max(top, 0) : top + BLOCK, max(left, 0) : left + BLOCK] = (red, green, blue)
    return out


def draw_color_block(number: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw ``number`` x 5 uniforms in [0, 1): red, green, blue, column, row of each block in turn."""
    return rng.random((int(number), BLOCK_NUMBERS))


def _square(codes: NDArray[np.uint8], top: int, left: int) -> NDArray[np.uint8]:
    """Return a view on a patch, given the one-based corner."""
    return codes[top - 1 : top - 1 + PATCH, left - 1 : left - 1 + PATCH]


def _round_half_up(value: float) -> int:
    return math.floor(value + 0.5)


def _shrink_and_enlarge(size: int, scale: float) -> NDArray[np.intp]:
    small = math.ceil(scale * size)
    shrunk = _nearest(small, size, scale)
    return shrunk[_nearest(size, small, size / small)]


def _nearest(count: int, size: int, scale: float) -> NDArray[np.intp]:
    """Return the zero-based source index of each of ``count`` pixels; the order of operations decides exact ties."""
    k = np.arange(1, count + 1, dtype=np.float64)
    u = k / scale + 0.5 * (1 - 1 / scale)
    index = np.floor(u + 0.5).astype(np.intp)
    mirrored = np.where(index > size, 2 * size + 1 - index, index)
    return mirrored - 1


@compiled
def _gather(
    codes: NDArray[np.uint8], rows: NDArray[np.intp], columns: NDArray[np.intp], out: NDArray[np.uint8]
) -> None:
    for y in range(rows.size):
        for x in range(columns.size):
            for c in range(3):
                out[y, x, c] = codes[rows[y], columns[x], c]
