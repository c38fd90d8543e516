"""The quality of labels: leave one reference out at a time and predict its human labels from the others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..datasets.feature_files import as_features
from ..datasets.features import Features
from ..datasets.labels import Labels
from ..errors import CurateError
from ..runs.threads import Progress
from .label_matrix import Condition, Matrix, complete_label_matrix, require_same_references
from .labeler import Labeler
from .make_labeler import labelers_to_compare
from .scores import Scores, scores_of


@dataclass(frozen=True)
class CrossValidation:
    """The result of leaving out one reference at a time.

    Attributes:
        labeler: Its name.
        reference_ids: N, in the order of the rows.
        conditions: C pairs (distortion id, level), in the order of the columns.
        truth: NxC, human labels on [0, 10].
        predicted: NxC, labels predicted from the other references.
        spread: NxC, the labeler's `label_std`; NaN where it gives none.
    """

    labeler: str
    reference_ids: tuple[str, ...]
    conditions: tuple[Condition, ...]
    truth: Matrix
    predicted: Matrix
    spread: Matrix

    def scores(self) -> Scores:
        """Score all labels together."""
        return scores_of(self.truth, self.predicted, self.spread)

    def by_type(self) -> dict[int, Scores]:
        """Score each distortion type, by its id."""
        return self._by([kind for kind, _ in self.conditions])

    def by_level(self) -> dict[int, Scores]:
        """Score each level."""
        return self._by([level for _, level in self.conditions])

    def as_json(self) -> dict[str, Any]:
        """Return the summary: `labeler, references, labels`, the keys of `Scores`, and `by` type and level."""
        return {
            "labeler": self.labeler,
            "references": len(self.reference_ids),
            "labels": self.truth.size,
            **self.scores().as_json(),
            "by": {
                "type": {str(key): scores.as_json() for key, scores in self.by_type().items()},
                "level": {str(key): scores.as_json() for key, scores in self.by_level().items()},
            },
        }

    def as_text(self) -> str:
        """Return the summary as a table for reading."""
        rows = [(self.labeler, self.scores())]
        rows += [(f"level {level}", scores) for level, scores in self.by_level().items()]
        rows += [(f"type {kind}", scores) for kind, scores in self.by_type().items()]
        return _table(rows)

    def _by(self, keys: list[int]) -> dict[int, Scores]:
        marks = np.array(keys)
        return {
            int(key): scores_of(*(part[:, marks == key] for part in (self.truth, self.predicted, self.spread)))
            for key in np.unique(marks)
        }


def cross_validate(
    labels: Labels,
    references: Features | pa.Table | Path | str,
    labeler: Labeler,
    *,
    progress: Progress | None = None,
) -> CrossValidation:
    """Predict the labels of each reference from all the others, and compare.

    Each is labeled as a new reference is: by the same labeler, from the other references and its features alone.
    Nothing that a labeler learns, be it a mean, a weight or a setting, ever sees the reference that is left out.

    Args:
        labels: The labeled set: every reference with a label for every (type, level).
        references: Features of its references, in any order: a file, `Features`, or a table as `encode` gives it.
        labeler: What labels.
        progress: Called with (references done, references in all).

    Raises:
        CurateError: Labels are missing, features and labels do not fit each other, or there are too few references.
    """
    features = as_features(references)
    require_same_references(features, labels)
    known = complete_label_matrix(labels, features)
    count = len(known.quality)
    if count - 1 < labeler.fewest:
        raise CurateError(
            f"cross-validating {labeler.name} takes at least {labeler.fewest + 1} labeled references; there are {count}"
        )
    predicted, spread = np.empty_like(known.quality), np.empty_like(known.quality)
    for row in range(count):
        unseen = np.array(known.features.matrix[row : row + 1])
        found = labeler.predict(known.without(row), unseen, known.conditions)
        predicted[row], spread[row] = found.labels[0], found.label_std[0]
        if progress:
            progress(row + 1, count)
    ids = known.features.require_ids()
    return CrossValidation(labeler.name, ids, known.conditions, known.quality, predicted, spread)


def compare(
    labels: Labels, references: Features, labelers: list[Labeler] | None = None, *, progress: Progress | None = None
) -> list[CrossValidation]:
    """Cross-validate several labelers on one labeled set.

    Args:
        labels: See `cross_validate`.
        references: See `cross_validate`.
        labelers: Default: see `labelers_to_compare`.
        progress: Called with (references done, references in all), all labelers together.

    Raises:
        CurateError: See `cross_validate`.
    """
    chosen = labelers_to_compare() if labelers is None else labelers
    results: list[CrossValidation] = []
    for number, labeler in enumerate(chosen):

        def step(done: int, count: int, before: int = number) -> None:
            if progress:
                progress(before * count + done, len(chosen) * count)

        results.append(cross_validate(labels, references, labeler, progress=step))
    return results


def comparison_text(results: list[CrossValidation]) -> str:
    """Return one line per labeler."""
    return _table([(result.labeler, result.scores()) for result in results])


def _table(rows: list[tuple[str, Scores]]) -> str:
    width = max(len(name) for name, _ in rows)
    head = f"{'':{width}}  {'MAE':>6}  {'RMSE':>6}  {'SRCC':>6}  {'PLCC':>6}  {'within std':>10}"
    return "\n".join([head, *(f"{name:{width}}  {scores.as_text()}" for name, scores in rows)])
