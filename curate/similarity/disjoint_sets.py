"""Disjoint sets: which rows are known to hang together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled

Parents = NDArray[np.int32]


def singletons(count: int) -> Parents:
    """A forest in which each of `count` nodes is its own tree: N int32, each the number of its parent."""
    return np.arange(count, dtype=np.int32)


@compiled
def find(parents: Parents, node: int) -> int:
    """Root of a node, leaving the forest as it is, so that threads may ask while one of them joins."""
    while parents[node] != node:
        node = parents[node]
    return node


@compiled
def find_and_shorten(parents: Parents, node: int) -> int:
    """Root of a node; halves the path on the way."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@compiled
def join(parents: Parents, a: int, b: int) -> bool:
    """Make one tree of the trees of a and b; the smaller root stays root. Whether they were two."""
    a, b = find_and_shorten(parents, a), find_and_shorten(parents, b)
    if a == b:
        return False
    parents[max(a, b)] = min(a, b)
    return True


@compiled
def join_pairs(parents: Parents, pairs: NDArray[np.int32]) -> None:
    """Join the two nodes of each of Mx2 pairs."""
    for p in range(pairs.shape[0]):
        join(parents, pairs[p, 0], pairs[p, 1])


@compiled
def roots_of(parents: Parents, nodes: NDArray[np.int64]) -> NDArray[np.int32]:
    """Roots of M nodes."""
    roots = np.empty(nodes.shape[0], dtype=np.int32)
    for n in range(nodes.shape[0]):
        roots[n] = find(parents, nodes[n])
    return roots


@compiled
def number_components(parents: Parents, node_of_row: NDArray[np.int64]) -> NDArray[np.int32]:
    """Number the trees 0, 1, … by the first row in which each occurs.

    Args:
        parents: Forest over N nodes.
        node_of_row: N node numbers, one per row.

    Returns:
        N component numbers, one per row.
    """
    number = np.full(parents.shape[0], -1, dtype=np.int32)
    components = np.empty(node_of_row.shape[0], dtype=np.int32)
    count = 0
    for row in range(node_of_row.shape[0]):
        root = find_and_shorten(parents, node_of_row[row])
        if number[root] < 0:
            number[root] = count
            count += 1
        components[row] = number[root]
    return components
