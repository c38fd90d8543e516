"""All pairs of rows that are closer than a distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled
from ..runs.threads import each_task, one_core_per_product
from .feature_rows import FeatureMatrix, FeatureRows, Tile, check_rows, cosine

TILE_ROWS = 1024


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
