"""The distances at which rows are dropped, and how a tile of cosines, or of bounds on them, lowers them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....distortions.numerics.compiled import compiled
from ..feature_rows import FeatureRows, cosine
from ..tiles import CHUNK, Patch

NONE = -1  # no such position
CLOSER = 1e-6  # taken off a threshold in float32, so that rounding it rules nothing out


class DropDistances(NamedTuple):
    """The distance at which each row is dropped, as far as it is known.

    Attributes:
        order: N row numbers; position p is row `order[p]`.
        limit: Distance (1 - cosine) that pairs must keep.
        values: N distances by position, infinite for rows that stay; final values are filled from the last position
            backwards.
        droppers: N positions of the row that each row is dropped at; NONE for rows that stay.
    """

    order: NDArray[np.int64]
    limit: float
    values: NDArray[np.float64]
    droppers: NDArray[np.int64]


class Lowest(NamedTuple):
    """Drop distances of the rows of a patch, as far as they are known.

    Attributes:
        distances: R distances; may be a part of `DropDistances.values`.
        droppers: R positions of the rows at those distances, NONE where none is known; likewise.
    """

    distances: NDArray[np.float64]
    droppers: NDArray[np.int64]


class Allowance(NamedTuple):
    """How far a tile's numbers may be trusted, and for how long it is worth to look at them.

    Attributes:
        slack: No cosine is above its number by more.
        patience: Pairs that may be decided in float64 in vain before the tile is given up.
    """

    slack: float
    patience: int


@compiled
def lower_drop_distances(
    patch: Patch, rows: FeatureRows, drops: DropDistances, lowest: Lowest, allowance: Allowance
) -> int:
    """Lower the drop distances of a patch's rows to what its columns allow; last row first.

    Args:
        patch: RxC cosines or upper bounds of them, in float32.
        rows: The rows themselves, to decide in float64 what the patch does not rule out.
        drops: Order, limit, and the values; those of the columns behind a row are final.
        lowest: R drop distances, lowered here.
        allowance: What rounding may have taken off the numbers, and when to give up.

    Returns:
        How many of the patch's rows, from the first, are not settled because patience ran out.
    """
    width = patch.columns.shape[0]
    # a column that is dropped itself counts only below its own drop distance, which is mostly far below the limit
    floors = np.empty(width, dtype=np.float32)
    for c in range(width):
        floors[c] = 1.0 - min(drops.limit, drops.values[patch.columns[c]]) - allowance.slack - CLOSER
    in_vain = 0
    for r in range(patch.rows.shape[0] - 1, -1, -1):
        if in_vain > allowance.patience:
            return r + 1
        position, numbers = patch.rows[r], patch.numbers[r]
        for chunk in range(np.searchsorted(patch.columns, position + 1), width, CHUNK):
            stop = min(chunk + CHUNK, width)
            floor = np.float32(1.0 - min(drops.limit, lowest.distances[r]) - allowance.slack - CLOSER)
            if not any_above_both(numbers[chunk:stop], floors[chunk:stop], floor):
                continue
            for c in range(chunk, stop):
                column = patch.columns[c]
                least = 1.0 - numbers[c] - allowance.slack
                if least < drops.limit and least <= drops.values[column] and least < lowest.distances[r]:
                    in_vain += not decide(position, column, r, rows, drops, lowest)
    return 0


@compiled
def decide(position: int, column: int, r: int, rows: FeatureRows, drops: DropDistances, lowest: Lowest) -> bool:
    """Lower the drop distance of one row to what one later row allows, in float64.

    Args:
        position: Position of the row.
        column: Position of the later row, whose own value is final.
        r: The row's place in `lowest`.
        rows: The rows.
        drops: Order, limit and values.
        lowest: Drop distances, lowered here.

    Returns:
        Whether it was lowered.
    """
    exact = 1.0 - cosine(rows, drops.order[position], rows, drops.order[column])
    lowered = bool(exact < drops.limit and exact <= drops.values[column] and exact < lowest.distances[r])
    if lowered:
        lowest.distances[r], lowest.droppers[r] = exact, column
    return lowered


@compiled
def any_above_both(numbers: NDArray[np.float32], floors: NDArray[np.float32], floor: np.float32) -> bool:
    """Whether any number is above its own floor and the common one; looks at all of them, as vectors do."""
    above = np.int32(0)
    for c in range(numbers.shape[0]):
        above |= np.int32(numbers[c] > max(floors[c], floor))
    return bool(above != 0)
