"""The tiles of one search dealt to workers: each returns the spanning forest of its share, the caller joins them."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError
from ..runs.executors import Executor
from ..runs.threads import Progress
from .band_tiles import BandTiles
from .disjoint_sets import Parents, roots_of
from .feature_rows import FeatureMatrix, measured_rows
from .label_band import Band
from .tile_search import Search
from .upper_bounds import Sketch

SHARES_PER_WORKER = 4  # so that a worker whose tiles are done early takes over from the others


@dataclass(frozen=True)
class MatrixFile:
    """A matrix in a file, to be mapped where it is needed.

    Attributes:
        path: The file, absolute.
        dtype: The numbers' type, as numpy writes it.
        shape: Rows and columns.
        offset: Bytes before the first number.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def map(self) -> FeatureMatrix:
        """Map the file.

        Raises:
            CurateError: It is not there, or shorter.
        """
        try:
            return np.memmap(self.path, dtype=self.dtype, mode="r", offset=self.offset, shape=self.shape)
        except (OSError, ValueError) as error:
            raise CurateError(
                f"a worker cannot map the features {self.path} ({error}); every machine must see them under this path"
            ) from error


@dataclass(frozen=True)
class SharedSearch:
    """All that a worker needs to look through its share of the tiles.

    Attributes:
        matrix: NxD features, or the file that holds them.
        norms: N lengths of the rows.
        band: Order and reach of the rows.
        tiles: The tiles of the band.
        threshold: Cosines above it join.
        parents: Forest over N positions that is known before.
        sketch: Bounds that rule pairs out, where they pay.
        shares: How many shares.
    """

    matrix: FeatureMatrix | MatrixFile
    norms: NDArray[np.float64]
    band: Band
    tiles: BandTiles
    threshold: float
    parents: Parents
    sketch: Sketch | None
    shares: int

    def numbers_of(self, share: int) -> range:
        """Return the numbers of the tiles of one share: every `shares`-th, from tile `share` on."""
        return range(share, len(self.tiles), self.shares)


def join_shares(search: Search, tiles: BandTiles, executor: Executor, progress: Progress | None) -> None:
    """Let an executor look through the tiles of a search, and join what it finds.

    Args:
        search: The search; its forest is joined where it is.
        tiles: Tiles of its band.
        executor: Who looks through them. The outcome depends neither on it nor on the number of its workers.
        progress: Called with (tiles done, tiles in all) as shares arrive.

    Raises:
        CurateError: A worker died, or does not see the features.
    """
    if len(_trees(search.parents)) <= 1:
        return  # nothing is left to join, as with collapsed features
    search.sketch_where_useful(tiles)
    shares = min(len(tiles), SHARES_PER_WORKER * executor.workers)
    shared = SharedSearch(
        matrix=matrix_file(search.rows.matrix) or search.rows.matrix,
        norms=search.rows.norms,
        band=search.band,
        tiles=tiles,
        threshold=search.threshold,
        parents=search.parents.copy(),
        sketch=search.sketch,
        shares=shares,
    )
    done = 0
    for share, pairs in executor.run(partial(spanning_pairs, shared), range(shares)):
        search.join(pairs)
        done += len(shared.numbers_of(share))
        if progress is not None:
            progress(done, len(tiles))


def spanning_pairs(shared: SharedSearch, share: int) -> NDArray[np.int32]:
    """Look through one share of the tiles on one core.

    Args:
        shared: The search; its arrays are left as they are, and may be read-only.
        share: Which share.

    Returns:
        Mx2 positions, M < N: a spanning forest of what the share joins, over the forest known before.

    Raises:
        CurateError: The features are not those that were measured.
    """
    features = shared.matrix.map() if isinstance(shared.matrix, MatrixFile) else shared.matrix
    search = Search(
        rows=measured_rows(features, np.array(shared.norms)),
        # copies: compiled loops would be compiled once more for arrays that are read-only, as Ray's are
        band=Band(order=np.array(shared.band.order), reach=np.array(shared.band.reach)),
        threshold=shared.threshold,
        parents=np.array(shared.parents),
        sketch=shared.sketch,
    )
    search.join_tiles(shared.tiles, shared.numbers_of(share), workers=1)
    before = _trees(shared.parents)
    after = roots_of(search.parents, before)
    moved = after != before
    return np.stack([before[moved].astype(np.int32), after[moved]], axis=1)


def matrix_file(features: FeatureMatrix) -> MatrixFile | None:
    """Find the file that a whole memory-mapped matrix lies in; None for any other matrix, parts of mapped ones too.

    Args:
        features: A matrix, or a view of all of one.
    """
    mapped: object = features
    while isinstance(mapped, np.ndarray) and not isinstance(mapped, np.memmap):
        mapped = mapped.base
    if not isinstance(mapped, np.memmap) or mapped.filename is None:
        return None
    buffer: object = mapped.base
    if not isinstance(buffer, mmap.mmap):
        return None
    same_numbers = mapped.ctypes.data == features.ctypes.data and mapped.shape == features.shape
    as_in_the_file = mapped.mode in ("r", "r+") and mapped.flags.c_contiguous and mapped.dtype == features.dtype
    if not same_numbers or not as_in_the_file:
        return None
    return MatrixFile(str(mapped.filename), mapped.dtype.str, mapped.shape, mapped.offset)


def _trees(parents: Parents) -> NDArray[np.int64]:
    """Roots of all trees, ascending."""
    return np.flatnonzero(parents == np.arange(len(parents)))
