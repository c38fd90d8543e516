"""Displace every pixel by its own vector, with Keys' cubic convolution."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

TAPS = 4

FourWeights = tuple[float, float, float, float]


def warp_in_turn(image: NDArray[np.float64], fields: NDArray[np.float64], amount: float) -> None:
    """Displace every pixel of an image, once per field: ``p`` takes the value at ``p - amount * shifts[p]``.

    Args:
        image: H x W x C, float64, C-contiguous; overwritten. Values may end outside their old range. They are NaN where
            a query is outside the extended image: the generator extends rows by what columns need and the other way
            round, and this keeps it so.
        fields: K x H x W x 2, float64, C-contiguous: the shifts of each warp in turn, rows, then columns.
        amount: Pixels per unit of shift.

    Source: Keys, IEEE Trans. ASSP 29 (1981), with a = -1/2 and the boundary condition of its equation 25.
    """
    height, width, channels = image.shape
    pads = [_pads(shifts, amount) for shifts in fields]
    shapes = [(height + 2 * rows + 2, width + 2 * columns + 2, channels) for rows, columns in pads]
    # One piece of memory for all warps: fresh pages would cost as much as half the interpolation.
    scratch = np.empty(max(math.prod(shape) for shape in shapes))
    for shifts, shape, (rows, columns) in zip(fields, shapes, pads, strict=True):
        extended = scratch[: math.prod(shape)].reshape(shape)
        _extend(image, rows, columns, extended)
        _warp(extended.reshape(shape[0], -1), shifts, amount, (rows, columns), image)


def _pads(shifts: NDArray[np.float64], amount: float) -> tuple[int, int]:
    rows_needed, columns_needed = _reach(shifts.reshape(-1, 2))
    # One pixel at least, which changes no value: it only saves the border from a case of its own.
    return max(math.ceil(amount * columns_needed), 1), max(math.ceil(amount * rows_needed), 1)


@compiled
def _extend(image: NDArray[np.float64], pad_rows: int, pad_columns: int, out: NDArray[np.float64]) -> None:
    """Repeat the edges, then add the one row and column that cubic convolution extrapolates beyond them."""
    height, width, _ = image.shape
    rows, columns = out.shape[0], out.shape[1]
    for y in range(1, rows - 1):
        source = image[min(max(y - 1 - pad_rows, 0), height - 1)]
        line = out[y]
        line[pad_columns + 1 : pad_columns + 1 + width] = source
        for x in range(1, pad_columns + 1):
            line[x] = source[0]
            line[columns - 1 - x] = source[width - 1]
        line[0] = 3 * line[1] - 3 * line[2] + line[3]
        line[columns - 1] = 3 * line[columns - 2] - 3 * line[columns - 3] + line[columns - 4]
    out[0] = 3 * out[1] - 3 * out[2] + out[3]
    out[rows - 1] = 3 * out[rows - 2] - 3 * out[rows - 3] + out[rows - 4]


@compiled
def _reach(shifts: NDArray[np.float64]) -> tuple[float, float]:
    rows, columns = 0.0, 0.0
    for i in range(shifts.shape[0]):
        rows = max(rows, abs(shifts[i, 0]))
        columns = max(columns, abs(shifts[i, 1]))
    return rows, columns


@compiled
def _prepare_row(
    shifts: NDArray[np.float64],
    amount: float,
    frame: tuple[int, int, int, int],
    weights: NDArray[np.float64],
    corners: NDArray[np.uint64],
    places: NDArray[np.float64],
) -> None:
    """Find the taps of one row of pixels: the first tap's row and column, then Keys' weights, doubled, for either axis.

    Several loops, and apart from the look-ups that follow, because the compiler can vectorize only such.
    """
    first_row, first_column, last_row, last_column = frame
    at_row, at_column, outside = places[0], places[1], places[2]
    for x in range(shifts.shape[0]):
        at_row[x] = first_row - amount * shifts[x, 0]
        at_column[x] = first_column + x - amount * shifts[x, 1]
    for x in range(shifts.shape[0]):
        row, column = at_row[x], at_column[x]
        # `&`, not `and`: a branch for each comparison would keep the loop scalar.
        inside = (row >= 0) & (row <= last_row) & (column >= 0) & (column <= last_column)
        outside[x] = 0.0 if inside else 1.0
    _split_and_weigh(at_row, last_row - 1, corners[0], weights[:TAPS])
    _split_and_weigh(at_column, last_column - 1, corners[1], weights[TAPS:])
    first = weights[0]
    for x in range(first.size):
        first[x] = first[x] if outside[x] == 0.0 else np.nan


@compiled
def _split_and_weigh(
    places: NDArray[np.float64], last: int, corners: NDArray[np.uint64], weights: NDArray[np.float64]
) -> None:
    highest = float(last)
    for x in range(places.size):
        corner = np.floor(min(max(places[x], 0.0), highest))
        corners[x] = np.uint64(np.int64(corner))
        places[x] -= corner
    for x in range(places.size):
        t = places[x]
        weights[0, x] = ((2 - t) * t - 1) * t
        weights[1, x] = (3 * t - 5) * t * t + 2
        weights[2, x] = ((4 - 3 * t) * t + 1) * t
        weights[3, x] = (t - 1) * t * t


@compiled
def _across(line: NDArray[np.float64], first: np.uint64, step: np.uint64, weights: FourWeights) -> float:
    second, third = first + step, first + step + step
    a, b, c, d = weights
    total: float = a * line[first] + b * line[second] + c * line[third] + d * line[third + step]
    return total


@compiled
def _warp(
    extended: NDArray[np.float64],
    shifts: NDArray[np.float64],
    amount: float,
    pads: tuple[int, int],
    out: NDArray[np.float64],
) -> None:
    height, width, channels = out.shape
    last_row, last_column = height + 2 * pads[0] - 1, width + 2 * pads[1] - 1
    weights = np.empty((2 * TAPS, width))
    places = np.empty((3, width))
    # Unsigned, which spares every look-up the test for an index counted from the end.
    corners = np.empty((2, width), np.uint64)
    one, two, three = np.uint64(1), np.uint64(2), np.uint64(3)
    step = np.uint64(channels)
    for y in range(height):
        _prepare_row(shifts[y], amount, (y + pads[0], pads[1], last_row, last_column), weights, corners, places)
        target = out[y]
        for x in range(width):
            top, left = corners[0, x], corners[1, x] * step
            down = (weights[0, x], weights[1, x], weights[2, x], weights[3, x])
            across = (weights[4, x], weights[5, x], weights[6, x], weights[7, x])
            lines = (extended[top], extended[top + one], extended[top + two], extended[top + three])
            for c in range(channels):
                first = left + np.uint64(c)
                target[x, c] = (
                    down[0] * _across(lines[0], first, step, across)
                    + down[1] * _across(lines[1], first, step, across)
                    + down[2] * _across(lines[2], first, step, across)
                    + down[3] * _across(lines[3], first, step, across)
                ) * 0.25
