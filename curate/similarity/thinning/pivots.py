"""Rows that stay as pivots: the cosines with a pivot rule out the dropped rows that lie close to it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....distortions.numerics.compiled import compiled
from ..feature_rows import FeatureRows, cosine
from ..tiles import CHUNK, Patch
from .drop_distances import CLOSER, NONE, DropDistances, Lowest, any_above_both, decide

GUARD = 1e-9  # far above the rounding of a cosine or an angle in float64, far below what decides a pair
ALL = -2.0  # below every cosine: rules nothing out
NOTHING = 2.0  # above every cosine: leaves nothing over


class Pivots(NamedTuple):
    """Dropped rows by the pivot that they lie close to, their members.

    Angles between rows obey the triangle inequality. A row x counts for a member m of pivot p only if it is no farther
    from m than m's dropper: angle(x, m) ≤ T(m). So it counts for no member where

        angle(x, p) > angle(m, p) + T(m) for all members m of p,

    and cos(x, p) is known before any product of x and m is taken.

    Attributes:
        pivot: N positions of each dropped row's pivot.
        angle: N angles between a dropped row and its pivot, in radians, rounded up.
        first: N positions of a pivot's first member; NONE where it has none.
        following: N positions of the next member of the same pivot; NONE for the last.
        reach: N cosines, rounded down: a row whose cosine with the pivot is smaller counts for no member.
        crowded: N truth values: too many rows of the present block are in reach for deciding on single members.
    """

    pivot: NDArray[np.int64]
    angle: NDArray[np.float64]
    first: NDArray[np.int64]
    following: NDArray[np.int64]
    reach: NDArray[np.float64]
    crowded: NDArray[np.bool_]


def no_pivots(total: int) -> Pivots:
    """Make room for the pivots of so many rows, none of which has a member yet."""
    return Pivots(
        pivot=np.full(total, NONE),
        angle=np.zeros(total),
        first=np.full(total, NONE),
        following=np.full(total, NONE),
        reach=np.full(total, NOTHING),
        crowded=np.zeros(total, dtype=np.bool_),
    )


@compiled
def add_members(pivots: Pivots, rows: FeatureRows, drops: DropDistances, top: int, bottom: int) -> None:
    """Give each dropped row a pivot: the row that it was dropped at, or that row's own pivot.

    Args:
        pivots: Those of all positions from `bottom` are known.
        rows: The rows.
        drops: Final from position `top`.
        top: First position of the rows to add.
        bottom: Position behind the last one.
    """
    for position in range(bottom - 1, top - 1, -1):
        dropper = drops.droppers[position]
        if dropper == NONE:
            continue
        pivot = dropper if drops.droppers[dropper] == NONE else pivots.pivot[dropper]
        apart = 1.0 - cosine(rows, drops.order[position], rows, drops.order[pivot])
        angle = _angle_above(apart)
        farthest = angle + _angle_above(drops.values[position])
        pivots.pivot[position], pivots.angle[position] = pivot, angle
        pivots.following[position], pivots.first[pivot] = pivots.first[pivot], position
        pivots.reach[pivot] = min(pivots.reach[pivot], np.cos(farthest) if farthest < np.pi else ALL)


@compiled
def compare_members(
    patch: Patch, rows: FeatureRows, drops: DropDistances, lowest: Lowest, pivots: Pivots, slack: float, most: int
) -> None:
    """Lower the drop distances of a patch's rows to what the members of its columns allow.

    Args:
        patch: RxC cosines or upper bounds of them, in float32; columns that stay.
        rows: The rows themselves, to decide in float64 on members that are not ruled out.
        drops: Order, limit, and the values, which are final for the columns and their members.
        lowest: R drop distances, lowered here.
        pivots: The columns' members; columns with more than `most` rows in reach are marked crowded here, and their
            members are not compared.
        slack: No cosine is above its number by more.
        most: Rows in reach of a pivot that are compared with its members one by one.
    """
    floors = _floors(patch, pivots, slack, most)
    width = floors.shape[0]
    for r in range(patch.rows.shape[0]):
        position, numbers = patch.rows[r], patch.numbers[r]
        for chunk in range(0, width, CHUNK):
            stop = min(chunk + CHUNK, width)
            if not any_above_both(numbers[chunk:stop], floors[chunk:stop], np.float32(ALL)):
                continue
            for c in range(chunk, stop):
                if numbers[c] <= floors[c]:
                    continue
                angle = np.arccos(min(1.0, max(-1.0, numbers[c] + slack)))
                member = pivots.first[patch.columns[c]]
                while member != NONE:
                    least = 1.0 - np.cos(max(0.0, angle - pivots.angle[member])) - GUARD
                    if least <= drops.values[member] and least < lowest.distances[r]:
                        decide(position, member, r, rows, drops, lowest)
                    member = pivots.following[member]


@compiled
def _floors(patch: Patch, pivots: Pivots, slack: float, most: int) -> NDArray[np.float32]:
    """Numbers up to which no member of a column counts; marks crowded columns and leaves nothing of them over."""
    height, width = patch.numbers.shape
    floors, in_reach = np.empty(width, dtype=np.float32), np.zeros(width, dtype=np.int32)
    for c in range(width):
        floors[c] = pivots.reach[patch.columns[c]] - slack - CLOSER
    for r in range(height):
        for c in range(width):
            in_reach[c] += np.int32(patch.numbers[r, c] > floors[c])
    for c in range(width):
        if in_reach[c] > most:
            pivots.crowded[patch.columns[c]] = True
            floors[c] = NOTHING
    return floors


@compiled
def _angle_above(distance: float) -> float:
    """Angle that two rows at most that far apart, as measured in float64, cannot exceed."""
    angle: float = np.arccos(max(-1.0, 1.0 - distance - GUARD))
    return angle
