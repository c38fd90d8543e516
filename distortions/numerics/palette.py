"""A palette that keeps the variance within each color small.

Source: Wu, Efficient statistical computations for optimal color quantization, Graphics Gems II (1991).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

CELL_BITS = 3  # 256 codes in 32 cells per channel
CELLS = 256 >> CELL_BITS
CORNERS = CELLS + 1
COUNT, SQUARES, MOMENTS = 0, 4, 5  # number of pixels; sums of R, G, B (1 to 3); sum of R^2 + G^2 + B^2


def minimum_variance_palette(codes: NDArray[np.uint8], number: int) -> NDArray[np.float64]:
    """Cut color space into boxes, always the box of most variance, and return their mean colors.

    Args:
        codes: H x W x 3 RGB, uint8.
        number: How many colors at most, at least 1.

    Returns:
        N x 3 colors in codes, float64, N <= ``number``; fewer where no box holds two occupied cells any more.
    """
    moments = _moments(codes.reshape(-1, 3))
    _accumulate(moments)
    return _cut(moments, number)


@compiled
def _moments(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Histogram of moments over cells; index 0 of each axis stays empty for the cumulative sums."""
    moments = np.zeros((CORNERS, CORNERS, CORNERS, MOMENTS))
    for i in range(pixels.shape[0]):
        red, green, blue = np.int64(pixels[i, 0]), np.int64(pixels[i, 1]), np.int64(pixels[i, 2])
        cell = moments[(red >> CELL_BITS) + 1, (green >> CELL_BITS) + 1, (blue >> CELL_BITS) + 1]
        cell[COUNT] += 1
        cell[1] += red
        cell[2] += green
        cell[3] += blue
        cell[SQUARES] += red * red + green * green + blue * blue
    return moments


@compiled
def _accumulate(moments: NDArray[np.float64]) -> None:
    """Sum over all three axes, so that a box needs only its eight corners."""
    for red in range(1, CORNERS):
        for green in range(1, CORNERS):
            row = np.zeros(MOMENTS)
            for blue in range(1, CORNERS):
                for k in range(MOMENTS):
                    row[k] += moments[red, green, blue, k]
                    slab = moments[red, green - 1, blue, k] - moments[red - 1, green - 1, blue, k]
                    moments[red, green, blue, k] = moments[red - 1, green, blue, k] + slab + row[k]


@compiled
def _volume(moments: NDArray[np.float64], box: NDArray[np.int64], out: NDArray[np.float64]) -> None:
    """Sum the moments over the cells (low, high] of a box, given as rows of (low, high) per channel."""
    for k in range(MOMENTS):
        out[k] = (
            moments[box[0, 1], box[1, 1], box[2, 1], k]
            - moments[box[0, 0], box[1, 1], box[2, 1], k]
            - moments[box[0, 1], box[1, 0], box[2, 1], k]
            - moments[box[0, 1], box[1, 1], box[2, 0], k]
            + moments[box[0, 0], box[1, 0], box[2, 1], k]
            + moments[box[0, 0], box[1, 1], box[2, 0], k]
            + moments[box[0, 1], box[1, 0], box[2, 0], k]
            - moments[box[0, 0], box[1, 0], box[2, 0], k]
        )


@compiled
def _mean_energy(sums: NDArray[np.float64]) -> float:
    """The squared length of the summed color over the count: what a box's mean explains of its sum of squares."""
    energy: float = (sums[1] * sums[1] + sums[2] * sums[2] + sums[3] * sums[3]) / sums[COUNT]
    return energy


@compiled
def _best_cut(moments: NDArray[np.float64], box: NDArray[np.int64], whole: NDArray[np.float64]) -> tuple[int, int]:
    """Return the channel and plane that leave least variance in both halves; channel -1 if none divides the box."""
    part = box.copy()
    lower, upper = np.empty(MOMENTS), np.empty(MOMENTS)
    best, best_axis, best_plane = 0.0, -1, 0
    for axis in range(3):
        low, high = box[axis]
        for plane in range(low + 1, high):
            part[axis, 1] = plane
            _volume(moments, part, lower)
            if lower[COUNT] > 0.0 and lower[COUNT] < whole[COUNT]:
                for k in range(MOMENTS):
                    upper[k] = whole[k] - lower[k]
                explained = _mean_energy(lower) + _mean_energy(upper)
                if explained > best:
                    best, best_axis, best_plane = explained, axis, plane
        part[axis, 1] = high
    return best_axis, best_plane


@compiled
def _cut(moments: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    boxes = np.empty((number, 3, 2), np.int64)
    boxes[0, :, 0] = 0
    boxes[0, :, 1] = CELLS
    sums = np.empty((number, MOMENTS))
    variance = np.empty(number)
    _volume(moments, boxes[0], sums[0])
    variance[0] = sums[0, SQUARES] - _mean_energy(sums[0])
    count = 1
    while count < number:
        worst = int(np.argmax(variance[:count]))
        if variance[worst] <= 0.0:
            break
        axis, plane = _best_cut(moments, boxes[worst], sums[worst])
        if axis < 0:
            variance[worst] = 0.0
            continue
        boxes[count] = boxes[worst]
        boxes[count, axis, 0] = plane
        boxes[worst, axis, 1] = plane
        for k in (worst, count):
            _volume(moments, boxes[k], sums[k])
            variance[k] = sums[k, SQUARES] - _mean_energy(sums[k])
        count += 1
    palette = np.empty((count, 3))
    for k in range(count):
        palette[k] = sums[k, 1:SQUARES] / sums[k, COUNT]
    return palette
