"""Pearson's and Spearman's correlation."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def linear_correlation(first: Matrix, second: Matrix) -> float | None:
    """Return Pearson's correlation, -1 to 1; None where either side is constant."""
    if not (np.ptp(first) > 0 and np.ptp(second) > 0):
        return None
    first, second = first - first.mean(), second - second.mean()
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum()))


def rank_correlation(first: Matrix, second: Matrix) -> float | None:
    """Return Spearman's correlation, -1 to 1, equal values sharing their mean rank; None where a side is constant."""
    from scipy.stats import rankdata

    return linear_correlation(rankdata(first), rankdata(second))
