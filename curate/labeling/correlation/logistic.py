"""The 4-parameter logistic that maps a model's scores to the scale of the labels before they are compared."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .coefficients import linear_correlation

FEWEST_ROWS = 5  # four parameters pass through any four points
LEAST_RANGE = 1e-140
# In standard deviations of the scores. The first is the usual starting point (VQEG: a quarter of a deviation); a flat
# curve is the better start where scores and labels are nearly proportional.
START_SLOPES = (4.0, 1.0)
_MOST_STEPS = 100

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class LogisticCurve:
    """A monotonic curve from scores to labels: `lower + (upper - lower) / (1 + exp(-slope (score - middle)))`.

    Attributes:
        upper: Where it ends for large scores, on the scale of the labels; below `lower` for a falling curve.
        lower: Where it begins.
        middle: The score halfway.
        slope: Its steepness, above 0 unless the fit says otherwise.
    """

    upper: float
    lower: float
    middle: float
    slope: float

    def __call__(self, scores: Vector) -> Vector:
        """Return the labels that scores stand for."""
        from scipy.special import expit

        return np.asarray(self.lower + (self.upper - self.lower) * expit(self.slope * (scores - self.middle)))


def fit_logistic(scores: Vector, labels: Vector, *, near: LogisticCurve | None = None) -> LogisticCurve | None:
    """Fit the curve by least squares.

    It rises or falls as the correlation of the two does.

    Args:
        scores: N scores of a model.
        labels: N labels.
        near: A curve fitted to much the same data, to start from; None: two starting points are tried, and the better
            fit is taken.

    Returns:
        The curve; None for fewer than five rows, or where either side is constant.

    Source: VQEG, Final report from the Video Quality Experts Group on the validation of objective models of video
    quality assessment, 2000; starting point as in Sheikh, Sabir and Bovik, IEEE TIP 15(11), 2006, and pyiqa.
    """
    if len(scores) < FEWEST_ROWS or not (varies(scores) and varies(labels)):
        return None
    mean, deviation = float(scores.mean()), float(scores.std())
    standard = (scores - mean) / deviation
    if near is None:
        ends = float(labels.max()), float(labels.min())
        upper, lower = ends if (linear_correlation(scores, labels) or 0.0) >= 0 else ends[::-1]
        starts = [(upper, lower, 0.0, slope) for slope in START_SLOPES]
    else:
        starts = [(near.upper, near.lower, (near.middle - mean) / deviation, near.slope * deviation)]
    fits = [_least_squares(standard, labels, np.array(start)) for start in starts]
    _, (upper, lower, middle, slope) = min(fits, key=lambda fit: fit[0])
    return LogisticCurve(upper, lower, mean + middle * deviation, slope / deviation)


def varies(values: Vector) -> bool:
    """Return whether values differ, by enough that the squares of their differences are above 0 in float64."""
    return len(values) > 0 and float(np.ptp(values)) > LEAST_RANGE


def _least_squares(standard: Vector, labels: Vector, start: Vector) -> tuple[float, tuple[float, float, float, float]]:
    from scipy.optimize import least_squares
    from scipy.special import expit

    def residuals(parameters: Vector) -> Vector:
        upper, lower, middle, slope = parameters
        return np.asarray(lower + (upper - lower) * expit(slope * (standard - middle)) - labels)

    def derivatives(parameters: Vector) -> Vector:
        upper, lower, middle, slope = parameters
        share = expit(slope * (standard - middle))
        steepness = (upper - lower) * share * (1 - share)
        return np.stack([share, 1 - share, -slope * steepness, (standard - middle) * steepness], axis=1)

    # Where the best curve is a straight line, its ends run away and the last steps gain nothing: the curve reached by
    # then is taken, as good as it is.
    found = least_squares(residuals, start, jac=derivatives, method="lm", max_nfev=_MOST_STEPS)
    upper, lower, middle, slope = (float(value) for value in found.x)
    return float(found.cost), (upper, lower, middle, slope)
