"""Connected components of the threshold graph, tile by tile."""

from __future__ import annotations

from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError
from .cosine_band import Band, label_band
from .cosine_compiled import compiled
from .cosine_forest import (
    Parents,
    find_and_shorten,
    join,
    join_pairs,
    number_components,
    singletons,
    write_roots,
)
from .cosine_rows import Features, Rows, Tile, cosine, open_rows
from .cosine_workers import Progress, each_task, one_core_per_product

GUARD = 1e-12  # a cosine within this of the threshold counts as not above it
TILE_ROWS = 1024
CHUNK = 64  # columns looked at together before any is looked at alone


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
    tile_rows = TILE_ROWS if tile_rows is None else tile_rows
    _check_settings(similarity, label_gap, tile_rows)
    rows = open_rows(features)
    if device != "cpu":
        raise CurateError(f"device is {device}")
    band = label_band(labels, label_gap, rows.total)
    parents = singletons(rows.total)
    node_of_row = np.empty(rows.total, dtype=np.int64)
    node_of_row[band.order] = np.arange(rows.total)
    _join_tiles(rows, band, parents, similarity + GUARD, _Plan(tile_rows, progress))
    return number_components(parents, node_of_row)


def _check_settings(similarity: float, label_gap: float, tile_rows: int) -> None:
    if not -1.0 <= similarity <= 1.0:
        raise CurateError(f"similarity is {similarity}; expected a cosine from -1 to 1, such as 0.9")
    if not label_gap > 0.0:
        raise CurateError(f"label gap is {label_gap}; expected a number above 0, such as 1.0")
    if tile_rows < 1:
        raise CurateError(f"tile rows is {tile_rows}; expected at least 1")


class _Plan(NamedTuple):
    tile_rows: int
    progress: Progress | None


def _join_tiles(rows: Rows, band: Band, parents: Parents, threshold: float, plan: _Plan) -> None:
    tiles = list(band.tiles(plan.tile_rows))
    lock = Lock()
    done = 0

    def visit(place: tuple[int, int, int, int]) -> None:
        nonlocal done
        top, bottom, left, right = place
        roots = np.empty((bottom - top) + (right - left), dtype=np.int32)
        write_roots(parents, top, roots[: bottom - top])
        write_roots(parents, left, roots[bottom - top :])
        if roots.min() != roots.max():
            cosines = rows.unit(band.order[top:bottom]) @ rows.unit(band.order[left:right]).T
            pairs = joined_pairs(Tile(cosines, top, left), rows, band, roots, threshold)
            with lock:
                join_pairs(parents, pairs)
        with lock:
            done += 1
            if plan.progress is not None:
                plan.progress(done, len(tiles))

    with one_core_per_product():
        each_task(tiles, visit)


@compiled
def joined_pairs(tile: Tile, rows: Rows, band: Band, roots: NDArray[np.int32], threshold: float) -> NDArray[np.int32]:
    """Edges of one tile that join what was not yet joined: a spanning forest over the known components.

    Args:
        tile: RxC cosines in float32, by position.
        rows: The rows themselves, to decide again in float64 where float32 cannot.
        band: Order and reach of the positions.
        roots: R+C component roots known before, of the tile's rows and then of its columns.
        threshold: An edge has a float64 cosine above it.

    Returns:
        Mx2 positions, M < R+C.
    """
    height, width = tile.cosines.shape
    ranked = np.unique(roots)
    known = np.searchsorted(ranked, roots).astype(np.int32)
    local = np.arange(ranked.shape[0]).astype(np.int32)
    pairs = np.empty((ranked.shape[0], 2), dtype=np.int32)
    count = 0
    low = np.float32(threshold - rows.rounding - 1e-6)
    for r in range(height):
        first = max(tile.left, tile.top + r + 1) - tile.left
        last = min(band.reach[tile.top + r] - tile.left, width)
        for chunk in range(first, last, CHUNK):
            stop = min(chunk + CHUNK, last)
            near = 0
            for c in range(chunk, stop):
                near += tile.cosines[r, c] > low
            if near == 0:
                continue
            for c in range(chunk, stop):
                if tile.cosines[r, c] <= low:
                    continue
                a, b = find_and_shorten(local, known[r]), find_and_shorten(local, known[height + c])
                if a == b:
                    continue
                i, j = band.order[tile.top + r], band.order[tile.left + c]
                sure = tile.cosines[r, c] > threshold + rows.rounding
                if sure or cosine(rows, i, rows, j) > threshold:
                    join(local, a, b)
                    pairs[count, 0], pairs[count, 1] = tile.top + r, tile.left + c
                    count += 1
    return pairs[:count]
