"""Floyd-Steinberg dithering onto a palette."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

# The generator looks colors up through a map of 5 bits per channel: the nearest color to a cell's center serves the
# whole cell, which is what makes dithering cheap.
CELL_BITS = 3
CELLS = 256 >> CELL_BITS
CELL_CENTRE = (1 << CELL_BITS) / 2 - 0.5
BRIGHTEST = 255.0
FORWARD, BACK_BELOW, BELOW, FORWARD_BELOW = 7 / 16, 3 / 16, 5 / 16, 1 / 16


def dither(codes: NDArray[np.uint8], palette: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace every pixel by a palette color and pass the error on to its neighbors.

    Args:
        codes: H x W x 3 RGB, uint8.
        palette: N x 3 colors in codes, float64.

    Returns:
        H x W x 3 colors in [0, 1], float64.

    Source: Floyd, Steinberg, An adaptive algorithm for spatial greyscale, Proc. SID 17 (1976).
    """
    out = np.empty(codes.shape)
    _dither(codes, palette, palette / BRIGHTEST, out)
    return out


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
def _dither(
    codes: NDArray[np.uint8], palette: NDArray[np.float64], values: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    height, width, _ = codes.shape
    nearest = np.full((CELLS, CELLS, CELLS), -1, np.int16)
    # What the rows above hand down; one pixel of margin on either side takes the errors that leave the image.
    below = np.zeros((width + 2, 3))
    handed = np.zeros(3)  # to the right neighbor
    diagonal = np.zeros(3)  # to the pixel below the right neighbor
    wanted = np.empty(3)
    for y in range(height):
        handed[:] = 0.0
        diagonal[:] = 0.0
        below[0] = 0.0
        for x in range(width):
            for c in range(3):
                wanted[c] = min(max(codes[y, x, c] + below[x + 1, c] + handed[c], 0.0), BRIGHTEST)
            red, green, blue = _cell(wanted[0]), _cell(wanted[1]), _cell(wanted[2])
            index = nearest[red, green, blue]
            if index < 0:
                index = _nearest(red, green, blue, palette)
                nearest[red, green, blue] = index
            for c in range(3):
                out[y, x, c] = values[index, c]
                error = wanted[c] - palette[index, c]
                handed[c] = FORWARD * error
                below[x, c] += BACK_BELOW * error
                below[x + 1, c] = BELOW * error + diagonal[c]
                diagonal[c] = FORWARD_BELOW * error


@compiled
def _cell(code: float) -> int:
    return int(code + 0.5) >> CELL_BITS
