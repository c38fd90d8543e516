"""Connected components of the threshold graph, tile by tile."""

from __future__ import annotations

from threading import Lock
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError
from .cosine_band import Band, Place, label_band
from .cosine_forest import join_pairs, number_components, roots_of, singletons
from .cosine_rows import Features, Rows, open_rows
from .cosine_sketch import DECISION_COST, PRODUCT_COST, Sketch, useful_sketch
from .cosine_tiles import Patch, Rule, bound_rule, cosine_rule, joined_neighbors, joined_pairs
from .cosine_torch import DeviceSearch, open_device
from .cosine_workers import Progress, each_span, each_task, one_core_per_product

Positions: TypeAlias = NDArray[np.int64]

WORTH_PARTING = 0.7  # a tile is taken in parts where they hold at most this share of its pairs
PLACES_TRIED = 256  # tiles that tell how many pairs are left to compare
GUARD = 1e-12  # a cosine within this of the threshold counts as not above it


def threshold_components(
    features: Features,
    labels: NDArray[Any] | None,
    similarity: float = 0.9,
    label_gap: float = 1.0,
    *,
    tile_rows: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> NDArray[np.int32]:
    """Cluster rows that look alike and are rated alike.

    Two rows are joined when their cosine is above `similarity` and their labels differ by less than `label_gap`,
    both strictly, in float64 on the numbers as given; clusters are the connected components. A cosine within 1e-12
    of `similarity` counts as not above it. The result does not depend on row order, tile size, threads or device.

    Args:
        features: NxD, float16, float32 or float64; may be memory-mapped.
        labels: N labels, quality on [0, 10]; None leaves the label test out.
        similarity: Cosine threshold, -1 to 1.
        label_gap: Label threshold, on the labels' own scale, above 0.
        tile_rows: Rows of a tile; a setting of speed and memory only.
        device: `cpu`, or a CUDA device for torch such as `cuda` or `cuda:1`.
        progress: Called now and then with (tiles done, tiles in all).

    Returns:
        N component numbers, 0 to m-1 in order of the first row in which each occurs.

    Raises:
        CurateError: Features or labels are malformed, rows have no direction, or a setting is out of range.

    Source:
        SynDR-IQA (NeurIPS 2025), Algorithm 3, lines 2-6.
    """
    _check_settings(similarity, label_gap, tile_rows)
    accelerator = None if device == "cpu" else open_device(device)
    rows = open_rows(features)
    band = label_band(labels, label_gap, rows.total)
    search = _Search(rows, band, similarity + GUARD)
    search.join_neighbors()
    if accelerator is None:
        search.join_tiles(tile_rows, progress)
    else:
        DeviceSearch(rows, band, search.parents, search.threshold, accelerator).join_tiles(tile_rows, progress)
    return number_components(search.parents, band.positions())


def _check_settings(similarity: float, label_gap: float, tile_rows: int | None) -> None:
    if not -1.0 <= similarity <= 1.0:
        raise CurateError(f"similarity is {similarity}; expected a cosine from -1 to 1, such as 0.9")
    if not label_gap > 0.0:
        raise CurateError(f"label gap is {label_gap}; expected a number above 0, such as 1.0")
    if tile_rows is not None and tile_rows < 1:
        raise CurateError(f"tile rows is {tile_rows}; expected at least 1")


class _Search:
    """One search for components: what is joined so far, and how tiles are looked at."""

    def __init__(self, rows: Rows, band: Band, threshold: float) -> None:
        self.rows, self.band, self.threshold = rows, band, threshold
        self.parents = singletons(rows.total)
        self.lock = Lock()
        self.sketch: Sketch | None = None

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

    def join_tiles(self, tile_rows: int | None, progress: Progress | None) -> None:
        """Join what the tiles hold, in any order."""
        places = list(self.band.tiles(tile_rows))
        tried = places[:: max(1, len(places) // PLACES_TRIED)]
        pairs = sum(len(rows) * len(columns) for place in tried for rows, columns in self.open_parts(place))
        pairs = pairs * len(places) // max(1, len(tried))
        done = 0

        def visit(place: Place) -> None:
            nonlocal done
            for rows, columns in self.open_parts(place):
                self.join_part(rows, columns)
            with self.lock:
                done += 1
                if progress is not None:
                    progress(done, len(places))

        with one_core_per_product():
            self.sketch = useful_sketch(self.rows, self.band.order, self.threshold, pairs)
            each_task(places, visit)

    def open_parts(self, place: Place) -> list[tuple[Positions, Positions]]:
        """Rows and columns of a tile whose pairs may still join something.

        Two rows of one component have nothing to join. Where most of a tile is in one component, as features collapse
        into it but for a few, only the few need be compared with the rest.
        """
        rows, columns = np.arange(place.top, place.bottom), np.arange(place.left, place.right)
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
            numbers = taken(self.sketch.short, rows) @ taken(self.sketch.short, columns).T
            patience = self._patience(numbers.size)
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

    def _patience(self, pairs: int) -> int:
        """Decisions on single pairs that take as long as whole products of so many."""
        return int(pairs * PRODUCT_COST / DECISION_COST)


def taken(table: NDArray[np.float32], positions: Positions) -> NDArray[np.float32]:
    """Rows of a table at ascending positions, without a copy where they stand side by side."""
    first, last = int(positions[0]), int(positions[-1])
    side_by_side = last - first + 1 == len(positions)
    return table[first : last + 1] if side_by_side else table[positions]
