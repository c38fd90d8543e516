"""What a labeler is: from a labeled set and the content of new references to their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .label_matrix import Condition, LabelMatrix, Matrix


@dataclass(frozen=True)
class Neighbor:
    """One labeled reference that takes part in a label: id, d = 1 - cos, weight."""

    id: str
    distance: float
    weight: float


@dataclass(frozen=True)
class PseudoLabels:
    """Labels of M new references under C conditions.

    Attributes:
        labels: MxC float64 on [0, 10]; NaN where the labeled set has no label.
        label_std: MxC float64 on the same scale; NaN where the labeler gives none.
        neighbors: For each new reference the labeled ones behind its labels, nearest first; None if the labels come
            from the whole labeled set.
        source: Their `label_source`: `pseudo`, or `condition` where the content has no part in them.
    """

    labels: Matrix
    label_std: Matrix
    neighbors: tuple[tuple[Neighbor, ...], ...] | None = None
    source: str = "pseudo"


class Labeler(Protocol):
    """A way to label new references. `label`, `upsample` and `--cross-validate` use the same object."""

    @property
    def name(self) -> str:
        """Its name in tables."""

    @property
    def fewest(self) -> int:
        """How many labeled references it needs at least."""

    @property
    def needs_complete_set(self) -> bool:
        """Whether every labeled reference needs a label for every condition."""

    def predict(
        self, known: LabelMatrix, features: NDArray[np.floating[Any]], conditions: Sequence[Condition]
    ) -> PseudoLabels:
        """Label new references. The labels of a reference do not depend on the other new references, to the last bit.

        Args:
            known: The labeled set, N references.
            features: MxD, the content of the new references.
            conditions: C pairs (distortion id, level) that labels are wanted for; (0, 0) is the undistorted reference.

        Raises:
            CurateError: The labeled set is too small or has gaps, or the features are of another width.
        """
