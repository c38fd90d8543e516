"""Floyd-Steinberg dithering onto a palette."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

# The generator looks colours up through a map of 5 bits per channel: the nearest colour to a cell's centre serves the
# whole cell, which is what makes dithering cheap.
CELL_BITS = 3
CELLS = 256 >> CELL_BITS
CELL_CENTRE = (1 << CELL_BITS) / 2 - 0.5
BRIGHTEST = 255.0
FORWARD, BACK_BELOW, BELOW, FORWARD_BELOW = 7 / 16, 3 / 16, 5 / 16, 1 / 16


def dither(codes: NDArray[np.uint8], palette: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Replace every pixel by a palette colour and hand the error on to its neighbours.

    Args:
        codes: H x W x 3 RGB, uint8.
        palette: N x 3 colours in codes, float64, N <= 256.

    Returns:
        H x W palette indices, uint8.

    Source: Floyd, Steinberg, An adaptive algorithm for spatial greyscale, Proc. SID 17 (1976).
    """
    indices = np.empty(codes.shape[:2], np.uint8)
    _dither(codes, palette, indices)
    return indices


@compiled
def _nearest(red: int, green: int, blue: int, palette: NDArray[np.float64]) -> int:
    best, nearest = np.inf, 0
    for k in range(palette.shape[0]):
        dr = (red << CELL_BITS) + CELL_CENTRE - palette[k, 0]
        dg = (green << CELL_BITS) + CELL_CENTRE - palette[k, 1]
        db = (blue << CELL_BITS) + CELL_CENTRE - palette[k, 2]
        distance = dr * dr + dg * dg + db * db
        if distance < best:
            best, nearest = distance, k
    return nearest


@compiled
def _dither(codes: NDArray[np.uint8], palette: NDArray[np.float64], indices: NDArray[np.uint8]) -> None:
    height, width, _ = codes.shape
    nearest = np.full((CELLS, CELLS, CELLS), -1, np.int16)
    # One pixel of margin on either side takes the errors that leave the image.
    here = np.zeros((width + 2, 3))
    below = np.zeros((width + 2, 3))
    wanted = np.empty(3)
    for y in range(height):
        below[:] = 0.0
        for x in range(width):
            for c in range(3):
                wanted[c] = min(max(codes[y, x, c] + here[x + 1, c], 0.0), BRIGHTEST)
            red, green, blue = (
                int(wanted[0] + 0.5) >> CELL_BITS,
                int(wanted[1] + 0.5) >> CELL_BITS,
                int(wanted[2] + 0.5) >> CELL_BITS,
            )
            index = nearest[red, green, blue]
            if index < 0:
                index = _nearest(red, green, blue, palette)
                nearest[red, green, blue] = index
            indices[y, x] = index
            for c in range(3):
                error = wanted[c] - palette[index, c]
                here[x + 2, c] += FORWARD * error
                below[x, c] += BACK_BELOW * error
                below[x + 1, c] += BELOW * error
                below[x + 2, c] += FORWARD_BELOW * error
        here, below = below, here
