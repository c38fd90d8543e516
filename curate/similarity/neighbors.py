"""Nearest and farthest references, exact in float64, found through float32 tiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled
from ..errors import CurateError
from ..runs.threads import Progress, each_task, one_core_per_product
from .feature_rows import FeatureMatrix, FeatureRows, Tile, check_rows, cosine

QUERY_ROWS, REFERENCE_ROWS = 512, 1024  # rows of a tile


def nearest(
    queries: FeatureMatrix | FeatureRows,
    references: FeatureMatrix | FeatureRows,
    k: int,
    *,
    exclude_self: bool = False,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Find the k references nearest to each query.

    The distance is 1 - cosine in float64, summed in an order that depends on D alone, so neither the tile nor the
    company of a row can change it; ties go to the smallest index.

    Args:
        queries: QxD, float16, float32 or float64; may be memory-mapped. Or rows that `check_rows` measured.
        references: RxD, likewise; where the dtypes differ, the narrower side is copied into the wider dtype.
        k: Neighbors per query, 1 to R.
        exclude_self: Queries and references are one set: leave reference i out for query i.
        progress: Called now and then with (queries done, queries in all).

    Returns:
        Distances, Qxk float64, ascending, 0 to 2; and indices, Qxk int64, into the references.

    Raises:
        CurateError: Widths differ, rows have no direction, or fewer than k references stand to choose from.
    """
    query_rows, reference_rows = _check_both(queries, references)
    choice = reference_rows.total - int(exclude_self)
    if not 1 <= k <= choice:
        raise CurateError(f"{k} nearest references asked for; expected 1 to {choice}, the references to choose from")
    found = Neighbors.none(query_rows.total, k)

    def visit(tile: Tile) -> None:
        keep_nearest(tile, query_rows, reference_rows, exclude_self, found)

    _visit_tiles(query_rows, reference_rows, visit, progress)
    return found.distances, found.indices


def farthest(
    queries: FeatureMatrix | FeatureRows, references: FeatureMatrix | FeatureRows, *, progress: Progress | None = None
) -> NDArray[np.float64]:
    """Measure how far away the farthest reference of each query is.

    Args:
        queries: QxD, float16, float32 or float64; may be memory-mapped. Or rows that `check_rows` measured.
        references: RxD, likewise, R at least 1; where the dtypes differ, the narrower side is copied.
        progress: Called now and then with (queries done, queries in all).

    Returns:
        Q float64 distances (1 - cosine), 0 to 2.

    Raises:
        CurateError: Widths differ, rows have no direction, or there is no reference.
    """
    return _extremes(queries, references, near=False, progress=progress)[1]


def nearest_and_farthest(
    queries: FeatureMatrix | FeatureRows, references: FeatureMatrix | FeatureRows, *, progress: Progress | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Find the nearest reference of each query and how far away the farthest is, in one reading of the queries.

    Args:
        queries: QxD, float16, float32 or float64; may be memory-mapped. Or rows that `check_rows` measured.
        references: RxD, likewise, R at least 1; where the dtypes differ, the narrower side is copied.
        progress: Called now and then with (queries done, queries in all).

    Returns:
        Q float64 nearest distances (1 - cosine), 0 to 2; Q int64 rows of the nearest, the first of equals; Q float64
        farthest distances.

    Raises:
        CurateError: Widths differ, rows have no direction, or there is no reference.

    Source:
        SynDR-IQA (NeurIPS 2025), Algorithm 1, the two bounds.
    """
    found, farthest_of = _extremes(queries, references, near=True, progress=progress)
    return found.distances[:, 0], found.indices[:, 0], farthest_of


def _extremes(
    queries: FeatureMatrix | FeatureRows,
    references: FeatureMatrix | FeatureRows,
    *,
    near: bool,
    progress: Progress | None,
) -> tuple[Neighbors, NDArray[np.float64]]:
    query_rows, reference_rows = _check_both(queries, references)
    if reference_rows.total == 0:
        raise CurateError("there are no reference features; expected at least one row")
    found = Neighbors.none(query_rows.total, 1)
    farthest_of = np.full(query_rows.total, -np.inf)

    def visit(tile: Tile) -> None:
        if near:
            keep_nearest(tile, query_rows, reference_rows, False, found)
        keep_farthest(tile, query_rows, reference_rows, farthest_of)

    _visit_tiles(query_rows, reference_rows, visit, progress)
    return found, farthest_of


class Neighbors(NamedTuple):
    """The nearest references so far.

    Attributes:
        distances: Qxk float64, ascending; infinite where none is known yet.
        indices: Qxk int64; -1 where none is known yet.
    """

    distances: NDArray[np.float64]
    indices: NDArray[np.int64]

    @classmethod
    def none(cls, queries: int, k: int) -> Neighbors:
        """No neighbors yet."""
        return cls(np.full((queries, k), np.inf), np.full((queries, k), -1, dtype=np.int64))


def _check_both(
    queries: FeatureMatrix | FeatureRows, references: FeatureMatrix | FeatureRows
) -> tuple[FeatureRows, FeatureRows]:
    query_rows, reference_rows = check_rows(queries), check_rows(references)
    common = np.result_type(query_rows.matrix.dtype, reference_rows.matrix.dtype)
    query_rows, reference_rows = query_rows.as_dtype(common), reference_rows.as_dtype(common)
    if query_rows.width != reference_rows.width:
        raise CurateError(
            f"queries have {query_rows.width} numbers a row, references {reference_rows.width}; expected features of "
            "one encoder"
        )
    return query_rows, reference_rows


def _visit_tiles(
    queries: FeatureRows,
    references: FeatureRows,
    visit: Callable[[Tile], None],
    progress: Progress | None,
) -> None:
    """Call `visit` on every tile, the tiles of a query in order."""
    whole = references.unit(np.arange(references.total)) if references.total <= REFERENCE_ROWS else None
    done = 0

    def strip(top: int) -> None:
        nonlocal done
        left_rows = queries.unit(np.arange(top, min(top + QUERY_ROWS, queries.total)))
        for left in range(0, references.total, REFERENCE_ROWS):
            right = min(left + REFERENCE_ROWS, references.total)
            right_rows = references.unit(np.arange(left, right)) if whole is None else whole
            visit(Tile(left_rows @ right_rows.T, top, left))
        done += len(left_rows)
        if progress is not None:
            progress(done, queries.total)

    with one_core_per_product():
        each_task(range(0, queries.total, QUERY_ROWS), strip)


@compiled
def keep_nearest(
    tile: Tile, queries: FeatureRows, references: FeatureRows, exclude_self: bool, found: Neighbors
) -> None:
    """Insert what one tile holds into the sorted lists of nearest references; tiles come in order of reference."""
    k = found.distances.shape[1]
    for r in range(tile.cosines.shape[0]):
        query = tile.top + r
        distances, indices = found.distances[query], found.indices[query]
        for c in range(tile.cosines.shape[1]):
            reference = tile.left + c
            if 1.0 - tile.cosines[r, c] - queries.rounding >= distances[k - 1] or (exclude_self and reference == query):
                continue
            distance = 1.0 - cosine(queries, query, references, reference)
            rank = k
            while rank > 0 and distance < distances[rank - 1]:
                rank -= 1
            for later in range(k - 1, rank, -1):
                distances[later], indices[later] = distances[later - 1], indices[later - 1]
            if rank < k:
                distances[rank], indices[rank] = distance, reference


@compiled
def keep_farthest(tile: Tile, queries: FeatureRows, references: FeatureRows, distances: NDArray[np.float64]) -> None:
    """Raise the farthest distances to what one tile holds."""
    for r in range(tile.cosines.shape[0]):
        query = tile.top + r
        for c in range(tile.cosines.shape[1]):
            if 1.0 - tile.cosines[r, c] + queries.rounding > distances[query]:
                distance = 1.0 - cosine(queries, query, references, tile.left + c)
                distances[query] = max(distances[query], distance)
