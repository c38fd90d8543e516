"""The points of a graph of neighbors on a plane: neighbors draw each other near, others push each other away."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....distortions.numerics.compiled import compiled
from .neighbor_graph import Graph

# A neighborhood on the plane is 1 / (1 + A d^2B): the curve that stays near 1 up to a distance of 0.8 and then falls
# off within 1.5. So wide that a clump of near-copies shows its members, not one blot.
CURVE_A, CURVE_B = 0.17431627, 1.37172330
STRONGEST_STEP = 4.0  # a coordinate moves by at most so much, times the rate
PUSHES = 5  # rows that each end of a pair is pushed away from, whenever the pair is drawn near
_NEAREST = 1e-3  # added to squares, so that rows in one place are not pushed beyond all measure
_MANTISSA_BITS = 7  # of a float32 that the tables of forces go by: steps of under 0.8 % of the squared distance
_SHIFT = 23 - _MANTISSA_BITS
_ENTRIES = 255 << _MANTISSA_BITS  # all but those of infinity


class Forces(NamedTuple):
    """How strongly two points act on each other, by the leading bits of their squared distance.

    A power of a distance costs more than all else in a step, and each step only needs it roughly.

    Attributes:
        pull: float32, of neighbors: times the difference of the points it is how far one goes, below 0.
        push: float32, of others, above 0.
    """

    pull: NDArray[np.float32]
    push: NDArray[np.float32]


def lay_out_graph(graph: Graph, start: NDArray[np.float32], epochs: int, seed: int) -> NDArray[np.float32]:
    """Move points until neighbors lie near each other.

    Args:
        graph: Pairs of N rows.
        start: (N, 2) float32, where the points are at first.
        epochs: How often the strongest pairs are drawn near; others less often, as their weight says.
        seed: Seed of the draw of rows that points are pushed away from.

    Returns:
        (N, 2) float32. One thread, in one order: the same arguments give the same points.

    Source:
        McInnes, Healy and Melville, "UMAP", 2018, Algorithm 5, with equation 3's negative samples.
    """
    points = np.ascontiguousarray(start, dtype=np.float32).copy()
    if len(graph.weights):
        share = graph.weights / graph.weights.max()
        move_points(graph.heads, graph.tails, share, points, table_of_forces(), epochs, np.uint64(seed))
    return points


def table_of_forces() -> Forces:
    """Work out the forces for every leading part of a squared distance."""
    middles = ((np.arange(_ENTRIES) << _SHIFT) | (1 << (_SHIFT - 1))).astype(np.int32)
    squares = middles.view(np.float32).astype(np.float64)
    powers = CURVE_A * squares**CURVE_B
    pull = -2.0 * CURVE_B * powers / squares / (powers + 1.0)
    push = 2.0 * CURVE_B / ((_NEAREST + squares) * (powers + 1.0))
    return Forces(pull=pull.astype(np.float32), push=push.astype(np.float32))


@compiled
def bounded(step: np.float32) -> np.float32:
    """Hold a step within bounds."""
    return np.float32(min(max(float(step), -STRONGEST_STEP), STRONGEST_STEP))


@compiled
def move_points(
    heads: NDArray[np.int32],
    tails: NDArray[np.int32],
    share: NDArray[np.float32],
    points: NDArray[np.float32],
    forces: Forces,
    epochs: int,
    seed: np.uint64,
) -> None:
    """Run all epochs; pair e takes part in `share[e]` of them, evenly spread."""
    rows = np.uint64(points.shape[0])
    state = seed ^ np.uint64(0x9E3779B97F4A7C15)
    state = state if state else np.uint64(1)
    due = np.zeros(share.shape[0], dtype=np.float32)
    square = np.zeros(1, dtype=np.float32)
    bits = square.view(np.int32)
    for epoch in range(epochs):
        rate = np.float32(1.0 - epoch / epochs)
        for pair in range(share.shape[0]):
            due[pair] += share[pair]
            if due[pair] < np.float32(1.0):
                continue
            due[pair] -= np.float32(1.0)
            head, tail = heads[pair], tails[pair]
            x, y = points[head, 0] - points[tail, 0], points[head, 1] - points[tail, 1]
            square[0] = x * x + y * y
            force = forces.pull[bits[0] >> _SHIFT]
            x, y = bounded(force * x) * rate, bounded(force * y) * rate
            points[head, 0] += x
            points[head, 1] += y
            points[tail, 0] -= x
            points[tail, 1] -= y
            for end in (head, tail):
                for _ in range(PUSHES):
                    # xorshift64 (Marsaglia, 2003): the upper half of its state times the rows, without a division.
                    state ^= state << np.uint64(13)
                    state ^= state >> np.uint64(7)
                    state ^= state << np.uint64(17)
                    other = np.int64(((state >> np.uint64(32)) * rows) >> np.uint64(32))
                    if other == end:
                        continue
                    x, y = points[end, 0] - points[other, 0], points[end, 1] - points[other, 1]
                    square[0] = x * x + y * y
                    force = forces.push[bits[0] >> _SHIFT]
                    points[end, 0] += bounded(force * x) * rate
                    points[end, 1] += bounded(force * y) * rate
