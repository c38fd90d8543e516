"""Thinning: drop one end of every pair that is too close, closest pairs first, without holding the pairs."""

from __future__ import annotations

from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled
from ..runs.threads import Progress, each_task, one_core_per_product
from .feature_rows import FeatureMatrix, FeatureRows, Tile, check_rows, cosine
from .tiles import CHUNK, any_above

TILE_ROWS = 1024


class DropDistances(NamedTuple):
    """The distance at which each row is dropped, as far as it is known.

    Attributes:
        order: N row numbers; position p is row `order[p]`.
        limit: Distance (1 - cosine) that pairs must keep.
        values: N distances by position, infinite for rows that stay; final values are filled from the last position
            backwards.
    """

    order: NDArray[np.int64]
    limit: float
    values: NDArray[np.float64]


def thin(
    features: FeatureMatrix | FeatureRows,
    distance: float,
    *,
    among: NDArray[np.int64] | None = None,
    progress: Progress | None = None,
) -> NDArray[np.bool_]:
    """Drop the first row of the closest pair until no pair is closer than `distance`.

    Equivalent to sorting all pairs (d, i, j), i < j, d < `distance`, and sweeping once, dropping i where both ends
    are still alive, but without the pairs, which may be a billion. In the sweep only the first end of a pair is ever
    dropped, so row i is dropped at the smallest d(i, j) over later rows j that are still alive when that pair comes up:

        drop(i) = min { d(i, j) : j > i, d(i, j) < distance, d(i, j) ≤ drop(j) },   drop = ∞ for rows that stay.

    (At equal distances the pair with first end i comes before the one with first end j > i: hence ≤.) The right side
    names later rows only, so one pass from the last row to the first settles everything in memory for N numbers.

    Args:
        features: NxD, float16, float32 or float64; may be memory-mapped. Or rows that `check_rows` measured.
        distance: Distance (1 - cosine, in float64) that pairs must keep, at least 0.
        among: Row numbers to thin, in candidate order; by default all N rows in theirs.
        progress: Called now and then with (rows settled, rows in all).

    Returns:
        N truth values, or as many as `among` has: the row stays.

    Raises:
        CurateError: The matrix is malformed or rows have no direction.

    Source:
        SynDR-IQA (NeurIPS 2025), Algorithm 1, step 3.
    """
    rows = check_rows(features)
    order = np.arange(rows.total) if among is None else np.asarray(among, dtype=np.int64)
    drops = DropDistances(order, float(distance), np.full(len(order), np.inf))
    with one_core_per_product():
        for bottom in range(len(order), 0, -TILE_ROWS):
            top = max(bottom - TILE_ROWS, 0)
            _settle(rows, drops, top, bottom)
            if progress is not None:
                progress(len(order) - top, len(order))
    alive: NDArray[np.bool_] = np.isinf(drops.values)
    return alive


def _settle(rows: FeatureRows, drops: DropDistances, top: int, bottom: int) -> None:
    """Fill in the final values of positions `top` to `bottom`; those of all later positions are final."""
    upper = rows.unit(drops.order[top:bottom])
    lock = Lock()

    def compare(left: int) -> None:
        lower = rows.unit(drops.order[left : left + TILE_ROWS])
        lowest = drops.values[top:bottom].copy()
        lower_drop_distances(Tile(upper @ lower.T, top, left), rows, drops, lowest)
        with lock:
            np.minimum(drops.values[top:bottom], lowest, out=drops.values[top:bottom])

    each_task(range(bottom, len(drops.order), TILE_ROWS), compare)
    lower_drop_distances(Tile(upper @ upper.T, top, top), rows, drops, drops.values[top:bottom])


@compiled
def lower_drop_distances(tile: Tile, rows: FeatureRows, drops: DropDistances, lowest: NDArray[np.float64]) -> None:
    """Lower the drop distances of a tile's rows to what its columns allow; last row first.

    Args:
        tile: RxC cosines in float32, by position.
        rows: The rows themselves.
        drops: Order, limit, and the values; those of the columns behind a row are final.
        lowest: R drop distances, lowered here; may be a part of `drops.values`.
    """
    low = np.float32(1.0 - drops.limit - rows.rounding - 1e-6)
    width = tile.cosines.shape[1]
    for r in range(tile.cosines.shape[0] - 1, -1, -1):
        position, cosines = tile.top + r, tile.cosines[r]
        for chunk in range(max(0, position + 1 - tile.left), width, CHUNK):
            stop = min(chunk + CHUNK, width)
            if not any_above(cosines[chunk:stop], low):
                continue
            for c in range(chunk, stop):
                least = 1.0 - cosines[c] - rows.rounding
                if least < drops.limit and least <= drops.values[tile.left + c] and least < lowest[r]:
                    exact = 1.0 - cosine(rows, drops.order[position], rows, drops.order[tile.left + c])
                    if exact < drops.limit and exact <= drops.values[tile.left + c]:
                        lowest[r] = min(lowest[r], exact)


def edges_below(
    features: FeatureMatrix | FeatureRows, distance: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """List all pairs of rows closer than a distance; for few pairs, as the list is held whole.

    Args:
        features: NxD, float16, float32 or float64; may be memory-mapped. Or rows that `check_rows` measured.
        distance: Pairs with 1 - cosine strictly below it, in float64, are listed.

    Returns:
        Distances (E float64), first rows and second rows (E int64 each, first < second), sorted by (first, second).

    Raises:
        CurateError: The matrix is malformed or rows have no direction.
    """
    rows = check_rows(features)
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
    tile: Tile, rows: FeatureRows, distance: float
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
