"""One search for connected components: what is joined so far, and how tiles are looked at."""

from __future__ import annotations

from threading import Lock
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..runs.threads import Progress, each_span, each_task, one_core_per_product
from .band_tiles import BandTiles, TileRange
from .disjoint_sets import Parents, join_pairs, roots_of
from .feature_rows import FeatureRows
from .label_band import Band
from .tiles import Patch, Rule, bound_rule, cosine_rule, joined_neighbors, joined_pairs
from .upper_bounds import Sketch, decisions_for, useful_sketch

Positions: TypeAlias = NDArray[np.int64]

WORTH_PARTING = 0.7  # a tile is taken in parts where they hold at most this share of its pairs
TILES_TRIED = 256  # tiles that tell how many pairs are left to compare


class Search:
    """A forest over the rows of a band, and the ways to find what joins its trees."""

    def __init__(
        self, rows: FeatureRows, band: Band, threshold: float, parents: Parents, sketch: Sketch | None = None
    ) -> None:
        """Go on from what is known.

        Args:
            rows: N rows.
            band: Their order and reach.
            threshold: Cosines above it join.
            parents: Forest over N positions; it is changed.
            sketch: Bounds that rule pairs out, where they pay.
        """
        self.rows, self.band, self.threshold = rows, band, threshold
        self.parents, self.sketch = parents, sketch
        self.lock = Lock()

    def join(self, pairs: NDArray[np.int32]) -> None:
        """Join pairs of positions; other threads may read the forest meanwhile."""
        with self.lock:
            join_pairs(self.parents, pairs)

    def join_neighbors(self) -> None:
        """Join what hangs together along the order of labels."""
        each_span(
            self.rows.total,
            lambda start, stop: self.join(joined_neighbors(self.rows, self.band, (start, stop), self.threshold)),
        )

    def sketch_where_useful(self, tiles: BandTiles) -> None:
        """Sketch the rows, if what is left to compare in the tiles is worth it."""
        tried = range(0, len(tiles), max(1, len(tiles) // TILES_TRIED))
        pairs = sum(len(rows) * len(columns) for number in tried for rows, columns in self.open_parts(tiles[number]))
        pairs = pairs * len(tiles) // max(1, len(tried))
        with one_core_per_product():
            self.sketch = useful_sketch(self.rows, self.band.order, self.threshold, pairs)

    def join_tiles(
        self, tiles: BandTiles, numbers: range, progress: Progress | None = None, workers: int | None = None
    ) -> None:
        """Join what some of the tiles hold, in any order.

        Args:
            tiles: Tiles of the band.
            numbers: Which of them.
            progress: Called with (tiles done, tiles in all).
            workers: Threads; default one per core.
        """
        done = 0

        def visit(number: int) -> None:
            nonlocal done
            for rows, columns in self.open_parts(tiles[number]):
                self.join_part(rows, columns)
            with self.lock:
                done += 1
                if progress is not None:
                    progress(done, len(numbers))

        with one_core_per_product():
            each_task(numbers, visit, workers)

    def open_parts(self, tile_range: TileRange) -> list[tuple[Positions, Positions]]:
        """Rows and columns of a tile whose pairs may still join something.

        Two rows of one component have nothing to join. Where most of a tile is in one component, as features collapse
        into it but for a few, only the few need be compared with the rest.
        """
        rows, columns = np.arange(tile_range.top, tile_range.bottom), np.arange(tile_range.left, tile_range.right)
        row_roots, column_roots = roots_of(self.parents, rows), roots_of(self.parents, columns)
        roots, counts = np.unique(np.concatenate([row_roots, column_roots]), return_counts=True)
        if len(roots) == 1:
            return []
        main = roots[counts.argmax()]
        other_rows, other_columns = rows[row_roots != main], columns[column_roots != main]
        main_rows = rows[row_roots == main]
        parted = len(other_rows) * len(columns) + len(main_rows) * len(other_columns)
        if parted > WORTH_PARTING * len(rows) * len(columns):
            return [(rows, columns)]
        parts = [(other_rows, columns), (main_rows, other_columns)]
        return [(some, others) for some, others in parts if len(some) and len(others)]

    def join_part(self, rows: Positions, columns: Positions) -> None:
        """Join what one part of a tile holds: by sketches first, by whole products where they leave too much over."""
        if self.sketch is not None:
            numbers = rows_at(self.sketch.short, rows) @ rows_at(self.sketch.short, columns).T
            patience = decisions_for(numbers.size, self.rows)
            rows = rows[self._join(numbers, rows, columns, bound_rule(self.threshold, self.sketch.slack, patience)) :]
        if len(rows):
            numbers = self.rows.unit(self.band.order[rows]) @ self.rows.unit(self.band.order[columns]).T
            self._join(numbers, rows, columns, cosine_rule(self.threshold, self.rows.rounding))

    def _join(self, numbers: NDArray[np.float32], rows: Positions, columns: Positions, rule: Rule) -> int:
        """Join what a patch holds; how many of its rows are settled."""
        roots = roots_of(self.parents, np.concatenate([rows, columns]))
        pairs, settled = joined_pairs(Patch(numbers, rows, columns), self.rows, self.band, roots, rule)
        self.join(pairs)
        return settled


def rows_at(table: NDArray[np.float32], positions: Positions) -> NDArray[np.float32]:
    """Rows of a table at ascending positions, without a copy where they stand side by side."""
    first, last = int(positions[0]), int(positions[-1])
    side_by_side = last - first + 1 == len(positions)
    return table[first : last + 1] if side_by_side else table[positions]
