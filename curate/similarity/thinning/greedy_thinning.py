"""Thinning: drop one end of every pair that is too close, closest pairs first, without holding the pairs."""

from __future__ import annotations

from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ...runs.threads import Progress, each_task, one_core_per_product
from ..feature_rows import FeatureMatrix, FeatureRows, check_rows
from ..tiles import NEVER_GIVE_UP, Patch
from ..upper_bounds import (
    SAMPLE_ROWS,
    Sketch,
    Trial,
    decisions_for,
    most_axes,
    principal_axes,
    tried_sketch,
    worth_a_trial,
)
from .drop_distances import NONE, Allowance, DropDistances, Lowest, lower_drop_distances
from .pivots import add_members, compare_members, no_pivots

TILE_ROWS = 1024
STRIPE_ROWS = 128  # of the square on the diagonal, whose lower half need not be taken
IN_REACH = 100  # one row of a block in so many is compared with a pivot's members one by one, at the cost of a sketch
TRIED_AFTER = 8  # one part in so many is settled before a trial: drop distances must be known by then
TRIAL_ROWS, TRIAL_COLUMNS = 128, 512  # pairs of a trial


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
    drops = DropDistances(order, float(distance), np.full(len(order), np.inf), np.full(len(order), NONE))
    with one_core_per_product():
        thinning = _Thinning(rows, drops)
        for bottom in range(len(order), 0, -TILE_ROWS):
            top = max(bottom - TILE_ROWS, 0)
            thinning.settle(top, bottom)
            if progress is not None:
                progress(len(order) - top, len(order))
    alive: NDArray[np.bool_] = np.isinf(drops.values)
    return alive


class _Thinning:
    """One pass from the last row to the first, a block of rows at a time."""

    def __init__(self, rows: FeatureRows, drops: DropDistances) -> None:
        self.rows, self.drops = rows, drops
        self.pivots = no_pivots(len(drops.order))
        self.staying, self.dropped = _Group(), _Group()
        self.lock = Lock()

    def settle(self, top: int, bottom: int) -> None:
        """Fill in the final values of positions `top` to `bottom`; those of all later positions are final.

        Rows that stay are compared first. They lower most drop distances of the block, and they are the pivots of the
        rows that were dropped: most of those are ruled out by the cosine with their pivot. A row that was dropped
        counts only below its own drop distance and the block row's: sketches rule out most of what is left.
        """
        block = np.arange(top, bottom)
        unit = self.rows.unit(self.drops.order[block])
        lowest = Lowest(self.drops.values[top:bottom], self.drops.droppers[top:bottom])
        stays = self.drops.droppers[bottom:] == NONE
        self.pivots.crowded[bottom:] = False
        self._compare(block, unit, bottom + np.flatnonzero(stays), self.staying)
        crowded = ~stays
        crowded[crowded] = self.pivots.crowded[self.pivots.pivot[bottom:][crowded]]
        self._compare(block, unit, bottom + np.flatnonzero(crowded), self.dropped)
        square = np.zeros((len(block), len(block)), dtype=np.float32)

        def stripe(start: int) -> None:
            stop = start + STRIPE_ROWS
            np.matmul(unit[start:stop], unit[start:].T, out=square[start:stop, start:])

        each_task(range(0, len(block), STRIPE_ROWS), stripe)
        self._lower(Patch(square, block, block), lowest)
        add_members(self.pivots, self.rows, self.drops, top, bottom)

    def _compare(
        self, block: NDArray[np.int64], unit: NDArray[np.float32], columns: NDArray[np.int64], group: _Group
    ) -> None:
        """Lower the drop distances of a block to what later positions allow, whose own are final."""
        self._sketch_where_useful(block, unit, columns, group)
        top, bottom, sketch = int(block[0]), int(block[-1]) + 1, group.sketch
        known = Lowest(self.drops.values[top:bottom], self.drops.droppers[top:bottom])
        given_up: list[int] = []

        def compare(start: int) -> None:
            some = columns[start : start + TILE_ROWS]
            with self.lock:
                lowest, left = Lowest(known.distances.copy(), known.droppers.copy()), len(block)
            if sketch is not None:
                bounds = Patch(sketch.short[top:bottom] @ sketch.short[some].T, block, some)
                allowance = Allowance(sketch.slack, decisions_for(bounds.numbers.size, self.rows))
                left = lower_drop_distances(bounds, self.rows, self.drops, lowest, allowance)
                given_up.append(left)
                if group is self.staying:
                    self._compare_members(bounds, lowest, sketch.slack, left)
            if left:
                cosines = Patch(unit[:left] @ self.rows.unit(self.drops.order[some]).T, block[:left], some)
                self._lower(cosines, lowest)
                if group is self.staying:
                    self._compare_members(cosines, lowest, self.rows.rounding, 0)
            with self.lock:
                closer = lowest.distances < known.distances
                known.distances[closer] = lowest.distances[closer]
                known.droppers[closer] = lowest.droppers[closer]

        each_task(range(0, len(columns), TILE_ROWS), compare)
        if 2 * sum(given_up) > len(given_up) * len(block):
            group.sketch = None  # these rows are not like those of the trial: most was looked at in vain

    def _compare_members(self, patch: Patch, lowest: Lowest, slack: float, start: int) -> None:
        """Lower the drop distances of a patch's rows, from `start` on, to what the members of its columns allow."""
        patch = Patch(patch.numbers[start:], patch.rows[start:], patch.columns)
        lowest = Lowest(lowest.distances[start:], lowest.droppers[start:])
        most = len(patch.rows) // IN_REACH
        compare_members(patch, self.rows, self.drops, lowest, self.pivots, slack, most)

    def _lower(self, cosines: Patch, lowest: Lowest) -> None:
        lower_drop_distances(cosines, self.rows, self.drops, lowest, Allowance(self.rows.rounding, NEVER_GIVE_UP))

    def _sketch_where_useful(
        self, block: NDArray[np.int64], unit: NDArray[np.float32], columns: NDArray[np.int64], group: _Group
    ) -> None:
        """Sketch the rows for one group of columns, if a trial says that it pays; again as twice as many settle."""
        total, behind = len(self.drops.order), len(self.drops.order) - int(block[-1]) - 1
        if group.sketch is not None or not len(columns) or behind < max(total // TRIED_AFTER, 2 * group.tried_behind):
            return
        group.tried_behind = behind
        pairs = (total - behind) * (total + behind) // 2 * len(columns) // behind
        if not most_axes(self.rows.width) or not worth_a_trial(pairs, self.rows.width):
            return
        chosen = np.arange(len(block))[:: max(1, len(block) // TRIAL_ROWS)]
        some = columns[:: max(1, len(columns) // TRIAL_COLUMNS)]
        nearest = np.minimum.outer(self.drops.values[block[chosen]], self.drops.values[some])
        thresholds = (1.0 - np.minimum(nearest, self.drops.limit)).astype(np.float32)
        trial = Trial(unit[chosen], self.rows.unit(self.drops.order[some]), thresholds)
        group.sketch = tried_sketch(self.rows, self.drops.order, self.axes, trial, pairs)

    @cached_property
    def axes(self) -> NDArray[np.float32]:
        """Axes of a sample, found when they are first needed."""
        # fixed seed: the drawn rows change the speed, never the result
        order = self.drops.order
        drawn = np.random.default_rng(0).choice(order, min(SAMPLE_ROWS, len(order)), replace=False)
        return principal_axes(self.rows.unit(drawn), most_axes(self.rows.width))


class _Group:
    """Columns that stay, or that were dropped.

    Attributes:
        tried_behind: How many positions were settled when a sketch was last tried for them.
        sketch: The sketch, if it pays.
    """

    tried_behind: int = 0
    sketch: Sketch | None = None
