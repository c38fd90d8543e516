"""Thinning: drop one end of every pair that is too close, closest pairs first, without holding the pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .cosine_compiled import compiled
from .cosine_rows import Features, Rows, Tile, cosine, open_rows
from .cosine_workers import Progress, each_task, one_core_per_product

TILE_ROWS = 1024
STRIPS_PER_TILE = 4  # a tile's rows are shared out among the threads in so many strips


def thin(features: Features, distance: float, *, progress: Progress | None = None) -> NDArray[np.bool_]:
    """Drop the first row of the closest pair until no pair is closer than `distance`.

    Equivalent to sorting all pairs (d, i, j), i < j, d < `distance`, and sweeping once, dropping i where both ends
    are still alive, but without the pairs, which may be a billion. In the sweep only the first end of a pair is ever
    dropped, so row i falls at the smallest d(i, j) over later rows j that have not fallen before that pair comes up:

        fall(i) = min { d(i, j) : j > i, d(i, j) < distance, d(i, j) ≤ fall(j) },   fall = ∞ for rows that stay.

    (At equal distances the pair with first end i comes before the one with first end j > i: hence ≤.) The right side
    names later rows only, so one pass from the last row to the first settles everything in memory for N numbers.

    Args:
        features: NxD, float16, float32 or float64; may be memory-mapped.
        distance: Distance (1 - cosine, in float64) that pairs must keep, at least 0.
        progress: Called now and then with (rows settled, rows in all).

    Returns:
        N truth values: the row stays.

    Raises:
        CurateError: The matrix is malformed or rows have no direction.

    Source:
        SynDR-IQA (NeurIPS 2025), Algorithm 1, step 3.
    """
    rows = open_rows(features)
    falls = np.full(rows.total, np.inf)
    bottoms = range(rows.total, 0, -TILE_ROWS)
    with one_core_per_product():
        for bottom in bottoms:
            top = max(bottom - TILE_ROWS, 0)
            _settle(rows, top, bottom, float(distance), falls)
            if progress is not None:
                progress(rows.total - top, rows.total)
    alive: NDArray[np.bool_] = np.isinf(falls)
    return alive


def _settle(rows: Rows, top: int, bottom: int, distance: float, falls: NDArray[np.float64]) -> None:
    """Settle the falls of rows `top` to `bottom`, all later rows being settled."""
    tile = rows.unit(np.arange(top, bottom))
    height = max(1, TILE_ROWS // STRIPS_PER_TILE)

    def strip(first: int) -> None:
        last = min(first + height, bottom)
        for left in range(bottom, rows.total, TILE_ROWS):
            right = rows.unit(np.arange(left, min(left + TILE_ROWS, rows.total)))
            lower_falls(Tile(tile[first - top : last - top] @ right.T, first, left), rows, distance, falls)

    each_task(range(top, bottom, height), strip)
    lower_falls(Tile(tile @ tile.T, top, top), rows, distance, falls)


@compiled
def lower_falls(tile: Tile, rows: Rows, distance: float, falls: NDArray[np.float64]) -> None:
    """Lower the falls of a tile's rows to what its columns allow; last row first."""
    for r in range(tile.cosines.shape[0] - 1, -1, -1):
        i = tile.top + r
        for c in range(max(0, i + 1 - tile.left), tile.cosines.shape[1]):
            j = tile.left + c
            least = 1.0 - tile.cosines[r, c] - rows.rounding
            if least < distance and least <= falls[j] and least < falls[i]:
                exact = 1.0 - cosine(rows, i, rows, j)
                if exact < distance and exact <= falls[j]:
                    falls[i] = min(falls[i], exact)


def edges_below(
    features: Features, distance: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """List all pairs of rows closer than a distance; for few pairs, as the list is held whole.

    Args:
        features: NxD, float16, float32 or float64; may be memory-mapped.
        distance: Pairs with 1 - cosine strictly below it, in float64, are listed.

    Returns:
        Distances (E float64), first rows and second rows (E int64 each, first < second), sorted by (first, second).

    Raises:
        CurateError: The matrix is malformed or rows have no direction.
    """
    rows = open_rows(features)
    found: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]] = []
    tiles = [(top, left) for top in range(0, rows.total, TILE_ROWS) for left in range(top, rows.total, TILE_ROWS)]

    def visit(tile: tuple[int, int]) -> None:
        top, left = tile
        upper = rows.unit(np.arange(top, min(top + TILE_ROWS, rows.total)))
        lower = rows.unit(np.arange(left, min(left + TILE_ROWS, rows.total)))
        found.append(close_pairs(Tile(upper @ lower.T, top, left), rows, float(distance)))

    with one_core_per_product():
        each_task(tiles, visit)
    if not found:
        return np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    distances, first, second = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((second, first))
    return distances[order], first[order], second[order]


@compiled
def close_pairs(
    tile: Tile, rows: Rows, distance: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of one tile that are closer than `distance`."""
    high = 1.0 - distance - rows.rounding - 1e-6
    room = 0
    for r in range(tile.cosines.shape[0]):
        for c in range(max(0, tile.top + r + 1 - tile.left), tile.cosines.shape[1]):
            room += tile.cosines[r, c] > high
    distances = np.empty(room, dtype=np.float64)
    first, second = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    count = 0
    for r in range(tile.cosines.shape[0]):
        for c in range(max(0, tile.top + r + 1 - tile.left), tile.cosines.shape[1]):
            if tile.cosines[r, c] > high:
                exact = 1.0 - cosine(rows, tile.top + r, rows, tile.left + c)
                if exact < distance:
                    distances[count], first[count], second[count] = exact, tile.top + r, tile.left + c
                    count += 1
    return distances[:count], first[:count], second[:count]
