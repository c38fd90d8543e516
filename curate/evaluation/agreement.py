"""Agreement of a model's scores with human labels."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..labeling.correlation.coefficients import linear_correlation, rank_correlation
from ..labeling.correlation.logistic import LogisticCurve, fit_logistic, varies
from .settings import Metric

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Agreement:
    """Agreement of scores with labels; a number is None where it is undefined.

    Attributes:
        rows: How many images.
        srcc: Spearman's rank correlation, -1 to 1; higher is better.
        krcc: Kendall's rank correlation (tau-b), -1 to 1; higher is better.
        plcc: Pearson's correlation of labels and scores as they are, -1 to 1; higher is better.
        plcc_logistic: The same after a 4-parameter logistic was fitted to the scores; it has no sign, since the curve
            may fall: `srcc` says which way the scores run.
        rmse_logistic: Root mean square error after that curve, on the labels' scale of [0, 10]; lower is better.
    """

    rows: int
    srcc: float | None
    krcc: float | None
    plcc: float | None
    plcc_logistic: float | None
    rmse_logistic: float | None

    def of(self, metric: Metric) -> float | None:
        """Return one of the five numbers."""
        value: float | None = getattr(self, metric)
        return value

    def as_json(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def agreement_of(labels: Vector, scores: Vector, *, near: LogisticCurve | None = None) -> Agreement:
    """Compare scores with labels.

    Args:
        labels: N human labels, higher is better.
        scores: N scores of a model, higher is better.
        near: A curve to start the fit of the logistic from; None: from scratch.

    Returns:
        The agreement; None where a value is undefined: all of them where either side is constant, those after the
        logistic for fewer than five rows.
    """
    from scipy.stats import kendalltau

    if not (varies(labels) and varies(scores)):
        return Agreement(len(labels), None, None, None, None, None)
    curve = fit_logistic(scores, labels, near=near)
    fitted = None if curve is None else curve(scores)
    return Agreement(
        rows=len(labels),
        srcc=rank_correlation(labels, scores),
        krcc=float(kendalltau(labels, scores, method="asymptotic").statistic),
        plcc=linear_correlation(labels, scores),
        plcc_logistic=None if fitted is None else linear_correlation(labels, fitted),
        rmse_logistic=None if fitted is None else float(np.sqrt(((fitted - labels) ** 2).mean())),
    )
