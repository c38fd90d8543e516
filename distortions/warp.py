"""Displace every pixel by its own vector, with Keys' cubic convolution."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

TAPS = 4


def warp(image: NDArray[np.float64], shifts: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Sample an image at ``(y - amount * shifts[..., 0], x - amount * shifts[..., 1])``.

    Args:
        image: H x W x C, float64, C-contiguous.
        shifts: H x W x 2, float64, C-contiguous: rows, then columns.
        amount: Pixels per unit of shift.

    Returns:
        H x W x C, float64. Values may overshoot the range of the image. NaN where the query lies outside the
        extended image: the generator extends rows by what columns need and the other way round, and this keeps it so.

    Source: Keys, IEEE Trans. ASSP 29 (1981), with a = -1/2 and the boundary condition of its equation 25.
    """
    rows_needed, columns_needed = _reach(shifts.reshape(-1, 2))
    # One pixel at least, which changes no value: it only saves the border from a case of its own.
    pad_rows = max(math.ceil(amount * columns_needed), 1)
    pad_columns = max(math.ceil(amount * rows_needed), 1)
    out = np.empty_like(image)
    _warp(_extended(image, pad_rows, pad_columns), shifts, amount, pad_rows, pad_columns, out)
    return out


def _extended(image: NDArray[np.float64], pad_rows: int, pad_columns: int) -> NDArray[np.float64]:
    """Repeat the edges, then add the one row and column that cubic convolution extrapolates beyond them."""
    height, width, channels = image.shape
    out = np.empty((height + 2 * pad_rows + 2, width + 2 * pad_columns + 2, channels))
    rows = np.clip(np.arange(-pad_rows, height + pad_rows), 0, height - 1)
    columns = np.clip(np.arange(-pad_columns, width + pad_columns), 0, width - 1)
    out[1:-1, 1:-1] = image[rows[:, np.newaxis], columns]
    out[:, 0] = 3 * out[:, 1] - 3 * out[:, 2] + out[:, 3]
    out[:, -1] = 3 * out[:, -2] - 3 * out[:, -3] + out[:, -4]
    out[0] = 3 * out[1] - 3 * out[2] + out[3]
    out[-1] = 3 * out[-2] - 3 * out[-3] + out[-4]
    return out


@compiled
def _reach(shifts: NDArray[np.float64]) -> tuple[float, float]:
    rows, columns = 0.0, 0.0
    for i in range(shifts.shape[0]):
        rows = max(rows, abs(shifts[i, 0]))
        columns = max(columns, abs(shifts[i, 1]))
    return rows, columns


@compiled
def _weights(t: float, out: NDArray[np.float64]) -> None:
    """Keys' four weights, doubled, at a fraction t past the second tap."""
    out[0] = ((2 - t) * t - 1) * t
    out[1] = (3 * t - 5) * t * t + 2
    out[2] = ((4 - 3 * t) * t + 1) * t
    out[3] = (t - 1) * t * t


@compiled
def _warp(
    extended: NDArray[np.float64],
    shifts: NDArray[np.float64],
    amount: float,
    pad_rows: int,
    pad_columns: int,
    out: NDArray[np.float64],
) -> None:
    height, width, channels = out.shape
    last_row, last_column = height + 2 * pad_rows - 1, width + 2 * pad_columns - 1
    across, down = np.empty(TAPS), np.empty(TAPS)
    for y in range(height):
        for x in range(width):
            row = y - amount * shifts[y, x, 0] + pad_rows
            column = x - amount * shifts[y, x, 1] + pad_columns
            if not (0 <= row <= last_row and 0 <= column <= last_column):
                out[y, x] = np.nan
                continue
            top, left = min(int(row), last_row - 1), min(int(column), last_column - 1)
            _weights(row - top, down)
            _weights(column - left, across)
            for c in range(channels):
                total = 0.0
                for j in range(TAPS):
                    line = 0.0
                    for i in range(TAPS):
                        line += across[i] * extended[top + j, left + i, c]
                    total += down[j] * line
                out[y, x, c] = total / 4
