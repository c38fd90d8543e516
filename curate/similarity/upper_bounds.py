"""Short sketches of rows whose products bound the cosines from above."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..runs.threads import each_span
from .feature_rows import SINGLE_ROUNDOFF, FeatureRows

SAMPLE_ROWS = 640  # rows that the principal axes are found from
TRIAL_ROWS = 512  # rows whose pairs tell how many a sketch leaves over
WIDTHS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # axes to choose from
NARROWEST_SHARE = 4  # the most axes are the width of the rows divided by this: more save too little

# What work costs on one core, in nanoseconds. They settle which way is taken, never a result.
PRODUCT_COST = 0.021  # a pair of rows in a matrix product, per number of the rows
LOOK_COST = 0.5  # a pair of rows: comparing their product with the threshold
DECISION_COST = 0.4  # a pair of rows in float64, per number of the rows
HALF_DECISION_COST = 1.0  # likewise, of rows in float16
AXES_COST = 1.5e8  # finding the axes
TRIAL_SHARE = 10  # whole products that take so many times as long as finding axes are worth a trial


class Sketch(NamedTuple):
    """Upper bounds of cosines, as products of short rows.

    With orthonormal axes Q, x·y = (Qᵀx)·(Qᵀy) + (the rest of x)·(the rest of y), and by Cauchy-Schwarz the second
    term is at most the product of the lengths of the rests. With that length as one more coordinate, the bound itself
    is a dot product. It holds for any Q of norm at most 1, so the axes need not be exact.

    Attributes:
        short: NxA+1 float32, by position: coordinates on A axes, then the length of the rest.
        slack: Bound on what rounding may take off a product.
    """

    short: NDArray[np.float32]
    slack: float


class Trial(NamedTuple):
    """Pairs that tell how many a sketch leaves over.

    Attributes:
        left: RxD float32 unit rows.
        right: CxD float32 unit rows.
        thresholds: Cosines above which a pair matters: one number, or RxC float32.
    """

    left: NDArray[np.float32]
    right: NDArray[np.float32]
    thresholds: float | NDArray[np.float32]


def useful_sketch(rows: FeatureRows, order: NDArray[np.int64], threshold: float, pairs: int) -> Sketch | None:
    """Sketch the rows, if comparing sketches first is expected to be faster than whole products.

    Args:
        rows: The rows.
        order: N row numbers by position.
        threshold: Pairs with a cosine above it are sought.
        pairs: How many pairs are to be compared.

    Returns:
        The sketch, with the number of axes that is expected to be fastest on a sample; None where there is nothing
        to gain.
    """
    if len(order) < SAMPLE_ROWS + TRIAL_ROWS or not most_axes(rows.width):
        return None
    if pairs * _whole_cost(rows.width) < 2 * AXES_COST:
        return None
    # fixed seed: the drawn rows change the speed, never the result; axes look better on the rows they are found from
    drawn = np.random.default_rng(0).choice(order, SAMPLE_ROWS + TRIAL_ROWS, replace=False)
    tried = rows.unit(drawn[SAMPLE_ROWS:])
    axes = principal_axes(rows.unit(drawn[:SAMPLE_ROWS]), most_axes(rows.width))
    return tried_sketch(rows, order, axes, Trial(tried, tried, threshold), pairs)


def tried_sketch(
    rows: FeatureRows, order: NDArray[np.int64], axes: NDArray[np.float32], trial: Trial, pairs: int
) -> Sketch | None:
    """Sketch the rows on as many axes as are fastest on a trial, if any are faster than whole products.

    Args:
        rows: The rows.
        order: N row numbers by position.
        axes: DxA float32 of norm at most 1, longest axis first; A as `most_axes` has it.
        trial: Pairs as they are to be compared.
        pairs: How many pairs are to be compared.

    Returns:
        The sketch; None where there is nothing to gain.
    """
    left, right = trial.left @ axes, trial.right @ axes
    apart = trial.left @ trial.right.T <= trial.thresholds

    def cost(width: int) -> float:
        bounds = _bounds(left[:, :width], right[:, :width], rows.rounding)
        decided = float(np.mean((bounds > trial.thresholds) & apart))
        per_pair = PRODUCT_COST * (width + 1) + LOOK_COST + decided * decision_cost(rows) * rows.width
        return len(order) * PRODUCT_COST * rows.width * width + pairs * per_pair

    costs = {width: cost(width) for width in WIDTHS if width <= axes.shape[1]}
    best = min(costs, key=lambda width: costs[width])
    return sketch(rows, order, axes[:, :best]) if costs[best] < pairs * _whole_cost(rows.width) else None


def most_axes(width: int) -> int:
    """The most axes that rows of so many numbers may be sketched on; 0 where they are too short for any."""
    return max((axes for axes in WIDTHS if axes <= min(width // NARROWEST_SHARE, SAMPLE_ROWS)), default=0)


def worth_a_trial(pairs: int, width: int) -> bool:
    """Whether whole products of so many pairs take so long that looking for something faster is lost in it."""
    return pairs * _whole_cost(width) > TRIAL_SHARE * AXES_COST


def decisions_for(pairs: int, rows: FeatureRows) -> int:
    """Decisions on single pairs of rows that take as long as whole products of so many."""
    return int(pairs * PRODUCT_COST / decision_cost(rows))


def decision_cost(rows: FeatureRows) -> float:
    """Return what deciding on a pair of rows costs, in nanoseconds per number of the rows."""
    return HALF_DECISION_COST if rows.half else DECISION_COST


def principal_axes(sample: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Axes along which unit rows are longest.

    Args:
        sample: SxD float32 unit rows.
        count: Axes wanted, at most D and S.

    Returns:
        Dxcount float32, longest axis first, orthonormal but for rounding, of norm at most 1.
    """
    exact = sample.astype(np.float64)
    lengths, mixtures = np.linalg.eigh(exact @ exact.T)
    lengths, mixtures = lengths[::-1][:count], mixtures[:, ::-1][:, :count]
    # copies among the sample leave axes of length 0: they are kept, as zeros, and bound nothing
    scales = np.where(lengths > 1e-9 * lengths[0], 1.0 / np.sqrt(np.maximum(lengths, 1e-12)), 0.0)
    axes = (exact.T @ mixtures * scales).astype(np.float32)
    gram = axes.T.astype(np.float64) @ axes
    squared_norm = max(float(np.abs(gram).sum(axis=1).max()), 1.0)  # at least the largest eigenvalue (Gershgorin)
    return np.asarray(axes / np.sqrt(squared_norm) * (1.0 - 1e-5), dtype=np.float32)


def sketch(rows: FeatureRows, order: NDArray[np.int64], axes: NDArray[np.float32]) -> Sketch:
    """Project all rows on the axes, in a stream.

    Args:
        rows: The rows.
        order: N row numbers by position.
        axes: DxA float32 of norm at most 1.

    Returns:
        The sketch; products of its rows, plus its slack, are at least the cosines.
    """
    count = axes.shape[1]
    short = np.empty((len(order), count + 1), dtype=np.float32)

    def project(start: int, stop: int) -> None:
        heads = rows.unit(order[start:stop]) @ axes
        short[start:stop, :count] = heads
        short[start:stop, count] = _rests(heads, rows.rounding)

    each_span(len(order), project)
    # a head is off by at most rounding per axis; a float32 sum of A + 1 products by as many roundings of its size
    slack = 2.01 * rows.rounding * np.sqrt(count) + 1.01 * (count + 10) * SINGLE_ROUNDOFF
    return Sketch(short=short, slack=float(slack))


def _rests(heads: NDArray[np.float32], rounding: float) -> NDArray[np.float32]:
    """Lengths of what the heads of unit rows leave over, rounded up."""
    lengths = np.einsum("rh,rh->r", heads, heads, dtype=np.float64)
    rests = np.sqrt(np.maximum(0.0, 1.0 - lengths + 3.0 * rounding * np.sqrt(heads.shape[1])))
    return np.asarray(rests, dtype=np.float32)


def _bounds(left: NDArray[np.float32], right: NDArray[np.float32], rounding: float) -> NDArray[np.float32]:
    """Bounds that coordinates on some axes give."""
    return np.asarray(left @ right.T + np.outer(_rests(left, rounding), _rests(right, rounding)), dtype=np.float32)


def _whole_cost(width: int) -> float:
    return PRODUCT_COST * width + LOOK_COST
