"""The mean and the spread of human labels per condition, the same for every picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..label_matrix import Condition, LabelMatrix, Matrix, columns_of

FEWEST_FOR_SPREAD = 2


@dataclass(frozen=True)
class ConditionTable:
    """The mean label of references under each condition.

    Attributes:
        conditions: C pairs (distortion id, level).
        mean: C means over the references on [0, 10]; NaN where no reference has a label.
        deviation: C standard deviations over the references on the same scale; NaN with fewer than two.
    """

    conditions: tuple[Condition, ...]
    mean: Matrix
    deviation: Matrix

    def labels_of(self, wanted: Sequence[Condition]) -> tuple[Matrix, Matrix]:
        """Return the labels of some conditions.

        Args:
            wanted: W pairs; (0, 0) is the undistorted reference, which takes the mean over the identity cells.

        Returns:
            Labels and their `label_std`, W each on [0, 10]; NaN for a condition that the table does not have.
        """
        labels, spread = np.full(len(wanted), np.nan), np.full(len(wanted), np.nan)
        for place, condition in enumerate(wanted):
            columns = columns_of(self.conditions, condition)
            if columns:
                labels[place], spread[place] = self.mean[columns].mean(), self.deviation[columns].mean()
        return labels, spread


def condition_table(known: LabelMatrix) -> ConditionTable:
    """Average a labeled set over its references.

    Args:
        known: The labeled set; it may have gaps.

    Returns:
        The mean and the sample standard deviation (n - 1) of the labels that there are, per condition.
    """
    there = np.isfinite(known.quality)
    count = there.sum(axis=0)
    mean = np.full(len(known.conditions), np.nan)
    deviation = mean.copy()
    some, several = count > 0, count >= FEWEST_FOR_SPREAD
    mean[some] = np.nanmean(known.quality[:, some], axis=0)
    deviation[several] = np.nanstd(known.quality[:, several], axis=0, ddof=1)
    return ConditionTable(known.conditions, mean, deviation)
