"""Labels of new references from their nearest labeled ones (Algorithm 2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..datasets.features import Features
from ..manifest.schema import LABEL_MAXIMUM
from ..similarity import nearest
from .label_matrix import Condition, LabelMatrix, Matrix
from .labeler import Neighbor, PseudoLabels
from .settings import NeighborSettings


@dataclass(frozen=True)
class KnnLabeler:
    """Algorithm 2: the weighted mean of the neighbors' labels for the same type and level.

    `label_std` is their weighted standard deviation, none with one neighbor. With fewer references than asked for, all
    of them are neighbors. The labels of other references than the neighbors may be missing.

    Source: SynDR-IQA, Algorithm 2.
    """

    settings: NeighborSettings = field(default_factory=NeighborSettings)
    name: str = field(default="knn", compare=False)
    fewest: ClassVar[int] = 1
    needs_complete_set: ClassVar[bool] = False

    def predict(
        self, known: LabelMatrix, features: NDArray[np.floating[Any]], conditions: Sequence[Condition]
    ) -> PseudoLabels:
        """See `Labeler.predict`."""
        neighbors = find_neighbors(features, known.features, self.settings)
        row = {identifier: number for number, identifier in enumerate(known.features.require_ids())}
        quality = known.quality_of(conditions)
        labels, label_std = np.empty((len(neighbors), len(conditions))), np.empty((len(neighbors), len(conditions)))
        for new, voices in enumerate(neighbors):
            values = quality[[row[voice.id] for voice in voices]]
            labels[new], label_std[new] = _weigh(values, [voice.weight for voice in voices])
        return PseudoLabels(labels, label_std, neighbors)


def find_neighbors(
    matrix: NDArray[np.floating[Any]], references: Features, settings: NeighborSettings
) -> tuple[tuple[Neighbor, ...], ...]:
    """Find the labeled references whose labels a new reference gets.

    Args:
        matrix: (m, D) features of the new references.
        references: (n, D) features of the labeled references, with ids.
        settings: k, margin and weighting.

    Returns:
        For each new reference its neighbors, nearest first; weights sum to 1.

    Source: SynDR-IQA, Algorithm 2, lines 2-5.
    """
    ids = references.require_ids()
    distances, indices = nearest(matrix, references.matrix, min(settings.count, len(ids)))
    found = []
    for row, places in zip(distances, indices, strict=True):
        inside = row - row[0] < settings.margin
        weights = _weights(row[inside], settings)
        found.append(
            tuple(
                Neighbor(ids[int(place)], float(distance), float(weight))
                for place, distance, weight in zip(places[inside], row[inside], weights, strict=True)
            )
        )
    return tuple(found)


def _weights(distances: Matrix, settings: NeighborSettings) -> Matrix:
    scores = distances if settings.weighting == "published" else -distances / settings.temperature
    powers = np.exp(scores - scores.max())
    result: Matrix = powers / powers.sum()
    return result


def _weigh(values: Matrix, weights: Sequence[float]) -> tuple[Matrix, Matrix]:
    """Return the weighted mean and the weighted standard deviation of the neighbors' labels (lines 6-9).

    Args:
        values: kxC, labels of the neighbors.
        weights: k, of sum 1.

    Returns:
        C each, on [0, 10]; the deviation is NaN with one neighbor.
    """
    # Neighbor by neighbor: numpy's own sum would add in another order for one condition than for many.
    nothing = np.zeros(values.shape[1])
    mean = sum((weight * value for weight, value in zip(weights, values, strict=True)), start=nothing)
    variance = sum((weight * (value - mean) ** 2 for weight, value in zip(weights, values, strict=True)), start=nothing)
    deviation = np.sqrt(variance) if len(values) > 1 else np.full_like(mean, np.nan)
    # The mean of labels on [0, 10] can leave the interval by a rounding error.
    return np.clip(mean, 0.0, LABEL_MAXIMUM), deviation
