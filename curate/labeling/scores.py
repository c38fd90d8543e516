"""How far predicted labels are from human ones, and how reliable their stated spread is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .correlation.coefficients import linear_correlation, rank_correlation

Matrix = NDArray[np.float64]
SPREAD_BINS = 5
CLAIMS = (0.5, 0.68, 0.8, 0.9, 0.95)  # shares of labels that intervals claim to cover


@dataclass(frozen=True)
class SpreadBin:
    """Labels with a similar stated spread.

    Attributes:
        labels: How many.
        spread: Root mean square of their stated `label_std`.
        rmse: Root mean square of their errors: near `spread` where the spread can be relied on.
        coverage: Share whose human label is within one stated spread.
    """

    labels: int
    spread: float
    rmse: float
    coverage: float


@dataclass(frozen=True)
class Interval:
    """Intervals about predicted labels, as wide as a normal error of spread `label_std` would need.

    Attributes:
        claimed: Share of human labels that should be inside.
        covered: Share that does.
    """

    claimed: float
    covered: float


@dataclass(frozen=True)
class Scores:
    """Agreement of predicted and human labels.

    Attributes:
        mae: Mean absolute error on [0, 10]; lower is better.
        rmse: Root mean square error on [0, 10]; lower is better.
        srcc: Rank correlation; higher is better; None where either side is constant.
        plcc: Linear correlation; higher is better; None where either side is constant.
        coverage: Share of human labels within one `label_std`, of those that have one; honest: 0.68; None: none have.
        with_spread: Share of labels that have a `label_std`.
        spread_srcc: Rank correlation of `label_std` and absolute error; above 0, it is higher for poor labels.
        reliability: Labels in five bins of rising `label_std`.
        intervals: Claimed and covered shares, of labels that have a `label_std`; empty: none have.
    """

    mae: float
    rmse: float
    srcc: float | None
    plcc: float | None
    coverage: float | None
    with_spread: float
    spread_srcc: float | None
    reliability: tuple[SpreadBin, ...]
    intervals: tuple[Interval, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the fields, bins and intervals as objects."""
        bins, intervals = ([vars(each) for each in part] for part in (self.reliability, self.intervals))
        return {**vars(self), "reliability": bins, "intervals": intervals}

    def as_text(self) -> str:
        """Return MAE, RMSE, SRCC, PLCC and coverage in columns."""
        numbers = [f"{value:6.4f}" if value is not None else f"{'-':>6}" for value in (self.srcc, self.plcc)]
        covered = f"{self.coverage:10.1%}" if self.coverage is not None else f"{'-':>10}"
        return f"{self.mae:6.4f}  {self.rmse:6.4f}  {'  '.join(numbers)}  {covered}"


def scores_of(truth: Matrix, predicted: Matrix, spread: Matrix) -> Scores:
    """Score predicted labels.

    Args:
        truth: Human labels, any shape, on [0, 10].
        predicted: Predicted labels, same shape.
        spread: Their `label_std`, same shape; NaN without one.
    """
    errors = np.abs(predicted - truth).ravel()
    known = np.isfinite(spread.ravel())
    some, stated = errors[known], spread.ravel()[known]
    return Scores(
        mae=float(errors.mean()),
        rmse=_root_mean_square(errors),
        srcc=rank_correlation(truth.ravel(), predicted.ravel()),
        plcc=linear_correlation(truth.ravel(), predicted.ravel()),
        coverage=float((some <= stated).mean()) if len(some) else None,
        with_spread=float(known.mean()),
        spread_srcc=rank_correlation(stated, some) if len(some) else None,
        reliability=_bins(some, stated),
        intervals=coverage_of(some, stated, CLAIMS),
    )


def coverage_of(errors: Matrix, spread: Matrix, claims: Sequence[float]) -> tuple[Interval, ...]:
    """Compare what intervals claim with what they cover.

    Args:
        errors: n absolute errors.
        spread: Their `label_std`.
        claims: Shares between 0 and 1; the interval of a claim reaches as many spreads as a normal error needs.
    """
    from scipy.special import ndtri

    if not len(errors):
        return ()
    reaches = [float(ndtri((1 + claim) / 2)) for claim in claims]
    return tuple(
        Interval(claim, float((errors <= reach * spread).mean())) for claim, reach in zip(claims, reaches, strict=True)
    )


def _bins(errors: Matrix, spread: Matrix) -> tuple[SpreadBin, ...]:
    order = np.argsort(spread, kind="stable")
    parts = [part for part in np.array_split(order, SPREAD_BINS) if len(part)]
    return tuple(
        SpreadBin(
            labels=len(part),
            spread=_root_mean_square(spread[part]),
            rmse=_root_mean_square(errors[part]),
            coverage=float((errors[part] <= spread[part]).mean()),
        )
        for part in parts
    )


def _root_mean_square(values: Matrix) -> float:
    return float(np.sqrt((values**2).mean()))
