"""What the similarity search is timed beside: a dense reading of the definition, and faiss."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist, squareform

SIMILARITY, LABEL_GAP = 0.9, 1.0
FAISS_QUERIES = 1024  # answers to so many queries are held at once; all of them would not fit when features collapse


def dense(features: NDArray[np.float32], labels: NDArray[np.float32]) -> NDArray[Any]:
    """The definition, word for word: all distances, all label gaps, a union-find over the edges."""
    similar = squareform(1.0 - pdist(features, "cosine")) > SIMILARITY
    close = squareform(pdist(labels[:, None].astype(np.float64), "cityblock")) < LABEL_GAP
    parents = list(range(len(features)))

    def root(node: int) -> int:
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for row in range(len(features)):
        for other in np.flatnonzero(similar[row, row + 1 :] & close[row, row + 1 :]) + row + 1:
            a, b = root(row), root(int(other))
            if a != b:
                parents[b] = a
    return np.array([root(node) for node in range(len(features))])


def by_faiss(features: NDArray[np.float32], labels: NDArray[np.float32]) -> NDArray[Any]:
    """Range search in an exact inner-product index, then scipy's components."""
    unit = np.ascontiguousarray(features, dtype=np.float32).copy()
    faiss.normalize_L2(unit)
    index = faiss.IndexFlatIP(unit.shape[1])
    index.add(unit)
    firsts, seconds = [], []
    for start in range(0, len(unit), FAISS_QUERIES):
        limits, _, found = index.range_search(unit[start : start + FAISS_QUERIES], SIMILARITY)
        first = np.repeat(np.arange(start, start + len(limits) - 1), np.diff(limits.astype(np.int64)))
        edge = (first < found) & (np.abs(labels[first].astype(np.float64) - labels[found]) < LABEL_GAP)
        firsts.append(first[edge].astype(np.int32))
        seconds.append(found[edge].astype(np.int32))
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(len(unit), len(unit)))
    components: NDArray[Any] = connected_components(graph, directed=False)[1]
    return components
