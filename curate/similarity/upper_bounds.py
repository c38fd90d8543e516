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
    if rows.total < SAMPLE_ROWS + TRIAL_ROWS:
        return None
    most = min(rows.width // NARROWEST_SHARE, SAMPLE_ROWS)
    widths = [width for width in WIDTHS if width <= most]
    plain = pairs * (PRODUCT_COST * rows.width + LOOK_COST)
    if not widths or plain < 2 * AXES_COST:
        return None
    # fixed seed: the drawn rows change the speed, never the result; axes look better on the rows they are found from
    drawn = np.random.default_rng(0).choice(rows.total, SAMPLE_ROWS + TRIAL_ROWS, replace=False)
    axes = principal_axes(rows.unit(drawn[:SAMPLE_ROWS]), widths[-1])
    trial = rows.unit(drawn[SAMPLE_ROWS:])
    heads, apart = trial @ axes, trial @ trial.T <= threshold

    def cost(width: int) -> float:
        decided = _left_over(heads[:, :width], apart, threshold, rows.rounding)
        per_pair = PRODUCT_COST * (width + 1) + LOOK_COST + decided * decision_cost(rows) * rows.width
        return rows.total * PRODUCT_COST * rows.width * width + pairs * per_pair

    costs = {width: cost(width) for width in widths}
    best = min(widths, key=lambda width: costs[width])
    return sketch(rows, order, axes[:, :best]) if costs[best] < plain else None


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
    short = np.empty((rows.total, count + 1), dtype=np.float32)

    def project(start: int, stop: int) -> None:
        heads = rows.unit(order[start:stop]) @ axes
        short[start:stop, :count] = heads
        short[start:stop, count] = _rests(heads, rows.rounding)

    each_span(rows.total, project)
    # a head is off by at most rounding per axis; a float32 sum of A + 1 products by as many roundings of its size
    slack = 2.01 * rows.rounding * np.sqrt(count) + 1.01 * (count + 10) * SINGLE_ROUNDOFF
    return Sketch(short=short, slack=float(slack))


def _rests(heads: NDArray[np.float32], rounding: float) -> NDArray[np.float32]:
    """Lengths of what the heads of unit rows leave over, rounded up."""
    lengths = np.einsum("rh,rh->r", heads, heads, dtype=np.float64)
    rests = np.sqrt(np.maximum(0.0, 1.0 - lengths + 3.0 * rounding * np.sqrt(heads.shape[1])))
    return np.asarray(rests, dtype=np.float32)


def _left_over(heads: NDArray[np.float32], apart: NDArray[np.bool_], threshold: float, rounding: float) -> float:
    """Share of the trial's pairs, edges not counted, that bounds by these coordinates cannot rule out."""
    rests = _rests(heads, rounding)
    return float(np.mean((heads @ heads.T + np.outer(rests, rests) > threshold) & apart))
