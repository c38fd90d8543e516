"""Whether two arms differ, seed by seed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

_MOST_EXACT = 16  # seeds up to which every assignment of signs is tried


@dataclass(frozen=True)
class Difference:
    """Paired differences, one per seed.

    Attributes:
        values: n differences.
        mean: Their mean.
        half_width: Half of the 95 % interval of the mean (Student's t); None with fewer than two seeds.
        p_t: Two-sided p of the paired t test; None where it is not defined.
        p_wilcoxon: ... of Wilcoxon's signed-rank test.
        p_sign_flip: ... of the exact permutation test that flips signs; never below 2 / 2^n.
    """

    values: NDArray[np.float64]
    mean: float
    half_width: float | None
    p_t: float | None
    p_wilcoxon: float | None
    p_sign_flip: float

    @property
    def better(self) -> int:
        """Number of seeds with a difference above 0."""
        return int((self.values > 0).sum())


def compare_pairs(values: NDArray[np.float64], others: NDArray[np.float64]) -> Difference:
    """Compare two arms over the same seeds.

    Args:
        values: n scores, one per seed.
        others: n scores of what they are compared with, in the same order.
    """
    from scipy import stats

    differences = values - others
    count = len(differences)
    half_width = p_t = p_wilcoxon = None
    if count > 1 and np.ptp(differences) > 0:
        error = differences.std(ddof=1) / np.sqrt(count)
        half_width = float(stats.t.ppf(0.975, count - 1) * error)
        p_t = float(stats.ttest_1samp(differences, 0.0).pvalue)
        p_wilcoxon = float(stats.wilcoxon(differences).pvalue)
    mean = float(differences.mean())
    return Difference(differences, mean, half_width, p_t, p_wilcoxon, sign_flip_p(differences))


def sign_flip_p(differences: NDArray[np.float64]) -> float:
    """Return the share of assignments of signs whose mean is at least as far from 0; all 2^n are tried."""
    count = len(differences)
    if count > _MOST_EXACT:
        raise ValueError(f"{count} seeds are too many for the exact test; at most {_MOST_EXACT}")
    signs = np.array(list(product((1.0, -1.0), repeat=count)))
    sums = np.abs(signs @ differences)
    return float((sums >= abs(differences.sum()) * (1 - 1e-12)).mean())
