"""Features on a plane: principal components, or UMAP where it is asked for."""

import importlib.metadata
import importlib.util
import warnings
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ...errors import CurateError
from ...runs.progress import SILENT, Reporter, counting
from ...runs.threads import Progress
from ...storage.mapped_pages import give_back_pages
from ..settings import Method

METHODS: tuple[Method, ...] = get_args(Method)
# UMAP works on so many principal components: most of the time goes into distances, and more change little.
COMPONENTS = 50
_NEIGHBORS = 30
FEWEST_FOR_UMAP = 3 * _NEIGHBORS
# The directions of the components change little from so many rows on, and finding them costs D squared a row.
LEARNING_ROWS = 8192
# Rows are drawn: every k-th row of types x levels may be one level alone, and its directions would be all that is seen.
LEARNED_FROM = "rows drawn with seed 0"
_BLOCK_ROWS = 1024
UMAP_STEP = "UMAP (compiles for a while at its first use)"


def choose_method(wanted: Method, rows: int) -> Method:
    """Decide how a set of features is projected.

    Args:
        wanted: What was asked for.
        rows: Number of rows; UMAP needs a few dozen to know a neighborhood by.

    Raises:
        CurateError: UMAP is asked for and not installed, or the method is unknown.
    """
    if wanted not in METHODS:
        raise CurateError(f"projection {wanted!r}: expected {', '.join(METHODS)}")
    if wanted == "umap" and importlib.util.find_spec("umap") is None:
        raise CurateError("--projection umap needs umap-learn: pip install 'syndr-curate[report]'")
    return "umap" if wanted == "umap" and rows >= FEWEST_FOR_UMAP else "pca"


def umap_version() -> str | None:
    """Return the installed version of umap-learn, None without it."""
    try:
        return importlib.metadata.version("umap-learn")
    except importlib.metadata.PackageNotFoundError:
        return None


def project(
    matrix: NDArray[np.floating[Any]], method: Method, seed: int, reporter: Reporter = SILENT
) -> NDArray[np.float32]:
    """Lay feature rows out on a plane, so that rows of like direction lie near each other.

    Args:
        matrix: (N, D) features, N ≥ 1, no row zero. Only directions count, as everywhere in the toolkit.
        method: `umap`, or `pca`.
        seed: Seed of UMAP's draws; PCA draws nothing.
        reporter: Shows progress: the components row by row, UMAP as one step.

    Returns:
        float32 (N, 2). The same rows in the same order give the same points.
    """
    with reporter.task("principal components", len(matrix)) as task:
        components = principal_components(
            matrix, COMPONENTS if method == "umap" else 2, counting(task, total=len(matrix))
        )
    if components.shape[1] == 1:
        components = np.column_stack([components, np.zeros(len(components))])
    if method == "pca":
        return components[:, :2].astype(np.float32)
    with reporter.task(UMAP_STEP, len(matrix)) as task:
        points = _umap(components, seed)
        task.advance(len(matrix))
    return points


def principal_components(
    matrix: NDArray[np.floating[Any]], count: int, progress: Progress | None = None
) -> NDArray[np.float64]:
    """Return the leading principal components of rows scaled to unit length.

    The mean and the directions are learned from `LEARNING_ROWS` rows drawn with a fixed seed.

    Args:
        matrix: (N, D) features, read in blocks.
        count: How many; fewer where N or D is smaller.
        progress: Called with (rows read, rows to read): those that are learned from twice, then all.

    Returns:
        float64 (N, min(count, N, D)), most variance first. Signs are fixed: the largest weight of each component is
        positive.
    """
    from scipy.linalg import eigh  # of all 2048 directions 50 are wanted, and this finds no others
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rows, width = matrix.shape
    every = np.arange(rows)
    learned = every
    if rows > LEARNING_ROWS:
        learned = np.sort(np.random.default_rng(0).choice(rows, LEARNING_ROWS, replace=False))
    kept, read = min(count, rows, width), 0

    def unit_blocks(positions: NDArray[np.int64]) -> Iterator[NDArray[np.float32]]:
        nonlocal read
        for start in range(0, len(positions), _BLOCK_ROWS):
            block = _unit(matrix[positions[start : start + _BLOCK_ROWS]])
            yield block
            read += len(block)
            give_back_pages(matrix)
            if progress is not None:
                progress(read, 2 * len(learned) + rows)

    # One thread: sums in a fixed order, so that the number of cores cannot move a point. Only libraries that are loaded
    # by now are held to it, scipy's among them.
    with threadpool_limits(1):
        mean = sum(block.sum(axis=0, dtype=np.float64) for block in unit_blocks(learned)) / len(learned)
        covariance = np.zeros((width, width))
        for block in unit_blocks(learned):
            centered = block - mean.astype(np.float32)
            covariance += centered.T @ centered
        wanted = (width - kept, width - 1)
        _, directions = eigh(covariance, subset_by_index=wanted, overwrite_a=True, check_finite=False)
        leading = directions[:, ::-1]
        strongest = leading[np.abs(leading).argmax(axis=0), np.arange(kept)]
        leading = leading * np.where(strongest < 0, -1.0, 1.0)
        components: NDArray[np.float64] = np.concatenate([(block - mean) @ leading for block in unit_blocks(every)])
    return components


def _unit(block: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    wide = np.asarray(block, dtype=np.float64)
    unit: NDArray[np.float32] = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _umap(components: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    with warnings.catch_warnings():
        # It warns that a seed means one thread, which is what a repeatable report needs.
        warnings.simplefilter("ignore")
        from umap import UMAP

        spread = components[:, :2] / max(float(np.abs(components[:, :2]).max()), 1e-12) * 10.0
        mapper = UMAP(
            n_neighbors=min(_NEIGHBORS, len(components) - 1),
            # Wide enough that a clump of near-copies shows its members, not one blot.
            min_dist=0.8,
            spread=1.5,
            metric="euclidean",
            init=spread.astype(np.float32),
            random_state=seed % 2**32,
            n_jobs=1,
        )
        return np.asarray(mapper.fit_transform(components.astype(np.float32)), dtype=np.float32)
