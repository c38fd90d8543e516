"""Connected components of the threshold graph, tile by tile."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError
from ..runs.executors import Executor
from ..runs.threads import Progress
from .band_tiles import BandTiles
from .cuda import DeviceSearch, open_device
from .disjoint_sets import number_components, singletons
from .distributed import join_shares
from .feature_rows import FeatureMatrix, FeatureRows, check_rows
from .label_band import label_band
from .tile_search import Search

GUARD = 1e-12  # a cosine within this of the threshold counts as not above it


def threshold_components(
    features: FeatureMatrix | FeatureRows,
    labels: NDArray[Any] | None,
    similarity: float = 0.9,
    label_gap: float = 1.0,
    *,
    tile_rows: int | None = None,
    device: str = "cpu",
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> NDArray[np.int32]:
    """Cluster rows that look alike and are rated alike.

    Two rows are joined when their cosine is above `similarity` and their labels differ by less than `label_gap`,
    both strictly, in float64 on the numbers as given; clusters are the connected components. A cosine within 1e-12
    of `similarity` counts as not above it. The result does not depend on row order, tile size, threads, device or
    executor.

    Args:
        features: NxD, float16, float32 or float64; may be memory-mapped. Or rows that `check_rows` measured.
        labels: N labels, quality on [0, 10]; None leaves the label test out.
        similarity: Cosine threshold, -1 to 1.
        label_gap: Label threshold, on the labels' own scale, above 0.
        tile_rows: Rows of a tile; a setting of speed and memory only.
        device: `cpu`, or a CUDA device for torch such as `cuda` or `cuda:1`.
        executor: Who looks through the tiles; by default threads of this process, one per core. Others open a
            memory-mapped matrix from its file, which they must see under the same path; any other matrix is sent.
        progress: Called now and then with (tiles done, tiles in all).

    Returns:
        N component numbers, 0 to m-1 in order of the first row in which each occurs.

    Raises:
        CurateError: Features or labels are malformed, rows have no direction, a setting is out of range, or an
            executor is named together with a CUDA device.

    Source:
        SynDR-IQA (NeurIPS 2025), Algorithm 3, lines 2-6.
    """
    _check_settings(similarity, label_gap, tile_rows)
    if executor is not None and device != "cpu":
        raise CurateError(
            f"device is {device!r} and the executor {executor.name} was named; tiles go to one or the other: leave "
            "the executor out, or take cpu"
        )
    accelerator = None if device == "cpu" else open_device(device)
    rows = check_rows(features)
    band = label_band(labels, label_gap, rows.total)
    search = Search(rows, band, similarity + GUARD, singletons(rows.total))
    search.join_neighbors()
    tiles = BandTiles(band, tile_rows)
    if accelerator is not None:
        DeviceSearch(rows, band, search.parents, search.threshold, accelerator).join_tiles(tile_rows, progress)
    elif executor is not None:
        join_shares(search, tiles, executor, progress)
    else:
        search.sketch_where_useful(tiles)
        search.join_tiles(tiles, range(len(tiles)), progress)
    return number_components(search.parents, band.positions())


def _check_settings(similarity: float, label_gap: float, tile_rows: int | None) -> None:
    if not -1.0 <= similarity <= 1.0:
        raise CurateError(f"similarity is {similarity}; expected a cosine from -1 to 1, such as 0.9")
    if not label_gap > 0.0:
        raise CurateError(f"label gap is {label_gap}; expected a number above 0, such as 1.0")
    if tile_rows is not None and tile_rows < 1:
        raise CurateError(f"tile rows is {tile_rows}; expected at least 1")
