"""Who lies near whom, for a map: neighbors found in trees of random cuts, and how strongly each is one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....distortions.numerics.compiled import compiled

TREES = 8
LEAF_ROWS = 256  # at most so many rows of a tree are compared with each other
_STEPS = 64  # halvings that settle a scale
_MASS_ERROR = 1e-5
_SMALLEST_SCALE = 1e-3  # of the mean distance: rows among copies of themselves still have a neighborhood


class Graph(NamedTuple):
    """Pairs of rows that are neighbors, each pair once.

    Attributes:
        heads: E int32, the smaller row of each pair, ascending.
        tails: E int32, the larger row.
        weights: E float32 in (0, 1]: how strongly the two are neighbors.
    """

    heads: NDArray[np.int32]
    tails: NDArray[np.int32]
    weights: NDArray[np.float32]


def neighbor_graph(rows: NDArray[np.float32], neighbors: int, seed: int) -> Graph:
    """Join every row with its nearest rows, the more strongly the nearer they are for their surroundings.

    Args:
        rows: (N, D) float32, N at least 2.
        neighbors: Of each row, itself among them: 2 to N.
        seed: Seed of the trees' cuts.

    Returns:
        The graph. The same rows and seed give the same one.

    Source:
        McInnes, Healy and Melville, "UMAP", 2018, Algorithms 2 and 3. The neighbors are approximate, as the paper's
        are: found in random projection trees (Dasgupta and Freund, 2008).
    """
    from scipy.sparse import csr_matrix, triu

    total = len(rows)
    distances, found = nearest_in_trees(rows, neighbors - 1, seed)
    strengths = membership_strengths(distances, neighbors)
    known = found >= 0
    starts = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    directed = csr_matrix((strengths[known], found[known], starts), shape=(total, total))
    reverse = directed.T.tocsr()
    # Either of two rows may take the other for a neighbor: the probability that at least one does.
    both = triu(directed + reverse - directed.multiply(reverse), k=1).tocoo()
    order = np.lexsort((both.col, both.row))
    return Graph(
        heads=both.row[order].astype(np.int32),
        tails=both.col[order].astype(np.int32),
        weights=both.data[order].astype(np.float32),
    )


def nearest_in_trees(rows: NDArray[np.float32], count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Find rows near each row: nearest among those that share a leaf with it in one of several trees.

    Args:
        rows: (N, D) float32.
        count: How many for each row.
        seed: Seed of the cuts.

    Returns:
        (N, count) float32 Euclidean distances, ascending, infinite where there is none; (N, count) int32 rows, -1
        where there is none. The row itself is left out.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    squares = np.full((len(rows), count), np.inf, dtype=np.float32)
    found = np.full((len(rows), count), -1, dtype=np.int32)
    for _ in range(TREES if len(rows) > LEAF_ROWS else 1):
        for leaf in _leaves(rows, generator):
            members = rows[leaf]
            lengths = np.einsum("rd,rd->r", members, members)
            between = np.maximum(lengths[:, None] + lengths - 2.0 * (members @ members.T), 0.0)
            keep_nearest_of_leaf(between.astype(np.float32), leaf, squares, found)
    return np.sqrt(squares), found


def membership_strengths(distances: NDArray[np.float32], neighbors: int) -> NDArray[np.float32]:
    """Turn the distances of each row's neighbors into strengths from 0 to 1: the nearest has 1.

    Args:
        distances: (N, K) float32, ascending, infinite where there is no neighbor.
        neighbors: Strengths of a row sum to the binary logarithm of this number.

    Returns:
        (N, K) float32; 0 where there is no neighbor.

    Source:
        McInnes, Healy and Melville, "UMAP", 2018, Algorithm 3 and equations 1 and 2.
    """
    strengths = np.zeros_like(distances)
    known = np.isfinite(distances)
    mean = float(distances[known].mean(dtype=np.float64)) if known.any() else 0.0
    write_strengths(distances, float(np.log2(neighbors)), mean * _SMALLEST_SCALE, strengths)
    return strengths


def _leaves(rows: NDArray[np.float32], generator: np.random.Generator) -> list[NDArray[np.int32]]:
    """Cut all rows in halves, across the line through two rows that are drawn, until the parts are small."""
    whole, leaves = [np.arange(len(rows), dtype=np.int32)], []
    while whole:
        part = whole.pop()
        if len(part) <= LEAF_ROWS:
            leaves.append(part)
            continue
        one, other = part[generator.choice(len(part), 2, replace=False)]
        along = rows[part] @ (rows[one] - rows[other])
        # By rank: equal rows are parted, too, so that every part becomes small.
        order = part[np.argpartition(along, len(part) // 2)]
        whole += [np.sort(order[: len(part) // 2]), np.sort(order[len(part) // 2 :])]
    return leaves


@compiled
def keep_nearest_of_leaf(
    between: NDArray[np.float32], leaf: NDArray[np.int32], squares: NDArray[np.float32], found: NDArray[np.int32]
) -> None:
    """Insert the rows of one leaf into the sorted lists of nearest rows; one that is in a list stays there once."""
    count = squares.shape[1]
    for r in range(leaf.shape[0]):
        row = leaf[r]
        nearest, names = squares[row], found[row]
        for c in range(leaf.shape[0]):
            square = between[r, c]
            if square >= nearest[count - 1] or c == r:
                continue
            other, listed = leaf[c], False
            for place in range(count):
                if names[place] == other:
                    listed = True
                    break
            if listed:
                continue
            rank = count - 1
            while rank > 0 and square < nearest[rank - 1]:
                nearest[rank], names[rank] = nearest[rank - 1], names[rank - 1]
                rank -= 1
            nearest[rank], names[rank] = square, other


@compiled
def write_strengths(
    distances: NDArray[np.float32], mass: float, smallest_scale: float, strengths: NDArray[np.float32]
) -> None:
    """Give each row's neighbors exp(-(distance - that of the nearest) / scale), with the scale that sums to `mass`."""
    count = distances.shape[1]
    for row in range(distances.shape[0]):
        nearest = 0.0
        for place in range(count):
            if distances[row, place] > 0.0:
                nearest = float(distances[row, place])
                break
        low, high, scale = 0.0, np.inf, 1.0
        for _ in range(_STEPS):
            total = 0.0
            for place in range(count):
                total += np.exp(-max(0.0, distances[row, place] - nearest) / scale)
            if abs(total - mass) < _MASS_ERROR:
                break
            if total > mass:
                high = scale
                scale = (low + high) / 2.0
            else:
                low = scale
                scale = scale * 2.0 if high == np.inf else (low + high) / 2.0
        scale = max(scale, smallest_scale)
        for place in range(count):
            if distances[row, place] < np.inf:
                strengths[row, place] = np.exp(-max(0.0, distances[row, place] - nearest) / scale)
