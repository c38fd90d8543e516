"""Labelers that learn from the whole labeled set: the mean of each condition, and a Gaussian process."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...distortions.catalog import IDENTITY_CELLS, PRISTINE
from .gaussian_process.gp import FEWEST_REFERENCES, GpSearch, condition_mean, fit_gp
from .label_matrix import Condition, LabelMatrix, Matrix
from .labeler import PseudoLabels


@dataclass(frozen=True)
class MeanLabeler:
    """Every reference alike: the mean label of each type and level."""

    name: str = field(default="mean per type and level", compare=False)
    fewest: ClassVar[int] = 1
    needs_complete_set: ClassVar[bool] = True

    def predict(
        self, known: LabelMatrix, features: NDArray[np.floating[Any]], conditions: Sequence[Condition]
    ) -> PseudoLabels:
        """See `Labeler.predict`."""
        mean, deviation = condition_mean(known.quality)
        every = np.ones((len(features), 1))
        return _under(conditions, known, mean * every, deviation * every)


@dataclass(frozen=True)
class GpLabeler:
    """A Gaussian process over the content.

    Attributes:
        search: What its hyperparameters are chosen from.

    Source: docs/evidence.md of this project; measured against the published rule there.
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
        return _under(conditions, known, *model.predict(np.asarray(features)))


def _under(conditions: Sequence[Condition], known: LabelMatrix, labels: Matrix, label_std: Matrix) -> PseudoLabels:
    """Take what was predicted for the conditions of the labeled set to the conditions wanted.

    The undistorted reference takes the mean over the cells in which the generator changes nothing.
    """
    column = {condition: number for number, condition in enumerate(known.conditions)}
    identity = [column[cell] for cell in IDENTITY_CELLS if cell in column]
    wanted = np.full((2, len(labels), len(conditions)), np.nan)
    for number, condition in enumerate(conditions):
        columns = [column[condition]] if condition in column else identity if condition == (PRISTINE, 0) else []
        if columns:
            wanted[0, :, number] = labels[:, columns].mean(axis=1)
            wanted[1, :, number] = label_std[:, columns].mean(axis=1)
    return PseudoLabels(labels=wanted[0], label_std=wanted[1])
