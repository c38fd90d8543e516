"""From a tile of cosines, or of bounds on them, to the few edges that join something."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled
from .disjoint_sets import find_and_shorten, join
from .feature_rows import FeatureRows, cosine
from .label_band import Band

NEVER_GIVE_UP = int(np.iinfo(np.int64).max)
CHUNK = 64  # columns looked at together before any is looked at alone


class Rule(NamedTuple):
    """When a number in a tile means an edge.

    Attributes:
        threshold: An edge has a float64 cosine above it.
        low: Numbers up to it are no edge; float32, rounded down.
        high: Numbers above it are an edge; infinite where the tile holds bounds only.
        patience: Pairs that may be decided in float64 in vain before a tile is given up.
    """

    threshold: float
    low: np.float32
    high: float
    patience: int


def cosine_rule(threshold: float, rounding: float) -> Rule:
    """Make the rule for tiles of float32 cosines.

    Args:
        threshold: An edge has a float64 cosine above it.
        rounding: Bound on the error of a float32 cosine.

    Returns:
        The rule; only cosines within `rounding` of the threshold are decided in float64.
    """
    low, high = _below(threshold - rounding), threshold + rounding
    return Rule(threshold, low, high, patience=NEVER_GIVE_UP)


def bound_rule(threshold: float, slack: float, patience: int) -> Rule:
    """Make the rule for tiles of upper bounds.

    Args:
        threshold: An edge has a float64 cosine above it.
        slack: What rounding may have taken off a bound.
        patience: Pairs that may be decided in float64 in vain before a tile is given up.

    Returns:
        The rule; every number above the threshold is decided in float64.
    """
    return Rule(threshold, _below(threshold - slack), float(np.inf), patience)


def _below(value: float) -> np.float32:
    return np.float32(np.nextafter(np.float32(value), np.float32(-np.inf)))


class Patch(NamedTuple):
    """A piece of the matrix of all cosines whose rows and columns need not stand side by side.

    Attributes:
        numbers: RxC float32 cosines or bounds.
        rows: R positions, ascending.
        columns: C positions, ascending.
    """

    numbers: NDArray[np.float32]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


@compiled
def joined_pairs(
    patch: Patch, rows: FeatureRows, band: Band, roots: NDArray[np.int32], rule: Rule
) -> tuple[NDArray[np.int32], int]:
    """Edges of one patch that join what was not yet joined: a spanning forest over the known components.

    Args:
        patch: Cosines or bounds.
        rows: The rows themselves, to decide in float64 where the patch cannot.
        band: Order and reach of the positions.
        roots: R+C component roots known before, of the patch's rows and then of its columns.
        rule: How to read the patch.

    Returns:
        Mx2 positions, M < R+C; and the patch's rows that were settled before patience ran out, R if it did not.
    """
    height = patch.rows.shape[0]
    ranked = np.unique(roots)
    known = np.searchsorted(ranked, roots).astype(np.int32)
    local = np.arange(ranked.shape[0]).astype(np.int32)
    pairs = np.empty((ranked.shape[0], 2), dtype=np.int32)
    count, in_vain = 0, 0
    for r in range(height):
        if in_vain > rule.patience:
            return pairs[:count], r
        p, numbers = patch.rows[r], patch.numbers[r]
        first = np.searchsorted(patch.columns, p + 1)
        last = np.searchsorted(patch.columns, band.reach[p])
        for chunk in range(first, last, CHUNK):
            stop = min(chunk + CHUNK, last)
            if not any_above(numbers[chunk:stop], rule.low):
                continue
            for c in range(chunk, stop):
                if numbers[c] <= rule.low:
                    continue
                a, b = find_and_shorten(local, known[r]), find_and_shorten(local, known[height + c])
                if a == b:
                    continue
                q = patch.columns[c]
                if numbers[c] > rule.high or is_edge(rows, band, p, q, rule.threshold):
                    join(local, a, b)
                    pairs[count, 0], pairs[count, 1] = p, q
                    count += 1
                else:
                    in_vain += 1
    return pairs[:count], height


@compiled
def any_above(numbers: NDArray[np.float32], low: np.float32) -> bool:
    """Whether any number is above `low`; looks at all of them, as vectors do."""
    above = np.int32(0)
    for c in range(numbers.shape[0]):
        above |= np.int32(numbers[c] > low)
    return bool(above != 0)


@compiled
def is_edge(rows: FeatureRows, band: Band, p: int, q: int, threshold: float) -> bool:
    """Whether the float64 cosine of the rows at two positions is above the threshold."""
    similarity: float = cosine(rows, band.order[p], rows, band.order[q])
    return similarity > threshold


@compiled
def joined_neighbors(rows: FeatureRows, band: Band, span: tuple[int, int], threshold: float) -> NDArray[np.int32]:
    """Edges between each position of a span and the next: in collapsed features they join almost everything.

    Returns:
        Mx2 positions.
    """
    start, stop = span
    pairs = np.empty((stop - start, 2), dtype=np.int32)
    count = 0
    for p in range(start, stop):
        if p + 1 < band.reach[p] and is_edge(rows, band, p, p + 1, threshold):
            pairs[count, 0], pairs[count, 1] = p, p + 1
            count += 1
    return pairs[:count]
