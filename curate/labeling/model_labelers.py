"""Labelers that learn from the whole labeled set: the mean of each condition, and a Gaussian process."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .conditions.table import condition_table
from .gaussian_process.gp import FEWEST_REFERENCES, GpSearch, fit_gp
from .label_matrix import Condition, LabelMatrix, Matrix, columns_of
from .labeler import PseudoLabels


@dataclass(frozen=True)
class ConditionLabeler:
    """The same for every reference: the mean label of each type and level."""

    name: str = field(default="condition", compare=False)
    fewest: ClassVar[int] = 1
    needs_complete_set: ClassVar[bool] = False

    def predict(
        self, known: LabelMatrix, features: NDArray[np.floating[Any]], conditions: Sequence[Condition]
    ) -> PseudoLabels:
        """See `Labeler.predict`."""
        labels, label_std = condition_table(known).labels_of(conditions)
        every = np.ones((len(features), 1))
        return PseudoLabels(labels=labels * every, label_std=label_std * every, source="condition")


@dataclass(frozen=True)
class GpLabeler:
    """A Gaussian process over the content.

    Attributes:
        search: What its hyperparameters are chosen from.

    Source: docs/label-evidence.md of this project; measured against the published rule there.
    """

    search: GpSearch = field(default_factory=GpSearch)
    name: str = field(default="gp", compare=False)
    fewest: ClassVar[int] = FEWEST_REFERENCES
    needs_complete_set: ClassVar[bool] = True

    def predict(
        self, known: LabelMatrix, features: NDArray[np.floating[Any]], conditions: Sequence[Condition]
    ) -> PseudoLabels:
        """See `Labeler.predict`."""
        model = fit_gp(known.features.matrix, known.quality, known.rater_noise, search=self.search)
        return _for_conditions(conditions, known, *model.predict(np.asarray(features)))


def _for_conditions(
    conditions: Sequence[Condition], known: LabelMatrix, labels: Matrix, label_std: Matrix
) -> PseudoLabels:
    """Map predictions for the conditions of the labeled set to the wanted conditions."""
    wanted = np.full((2, len(labels), len(conditions)), np.nan)
    for number, condition in enumerate(conditions):
        columns = columns_of(known.conditions, condition)
        if columns:
            wanted[0, :, number] = labels[:, columns].mean(axis=1)
            wanted[1, :, number] = label_std[:, columns].mean(axis=1)
    return PseudoLabels(labels=wanted[0], label_std=wanted[1])
