"""Spatial: jitter, displaced patches, pixelation, quantization of tones and colour blocks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .draws import checked
from .picture import CodedImage

BLOCK = 32
BLOCK_NUMBERS = 5  # red, green, blue, column, row


def pixelate(image: CodedImage, strength: float) -> CodedImage:
    """Shrink and enlarge the image by nearest neighbours (type 21); the scale is 0.95 - strength^0.6."""
    scale = 0.95 - strength**0.6
    height, width = image.codes.shape[:2]
    rows, columns = _shrink_and_enlarge(height, scale), _shrink_and_enlarge(width, scale)
    return image.with_codes(image.codes[np.ix_(rows, columns)])


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
