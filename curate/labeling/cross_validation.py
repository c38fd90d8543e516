"""How good are the labels? Leave one reference out at a time and predict its human labels from the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.features import Features
from ..datasets.labels import Labels
from ..errors import CurateError
from ..runs.threads import Progress
from .gp import FEWEST_REFERENCES, condition_mean, fit_gp
from .knn import NeighborSettings, find_neighbors, require_same_references
from .label_matrix import LabelCube, label_cube
from .scores import Scores, scores_of

Matrix = NDArray[np.float64]
MANY_NEIGHBORS = 20
NO_MARGIN = 9.0  # distances end at 2


Prediction = tuple[Matrix, Matrix]
# Given the labelled set and the features of one new reference (1xD): its labels and their spread, C each, NaN unknown.
Predictor = Callable[[LabelCube, NDArray[np.floating[Any]]], Prediction]


@dataclass(frozen=True)
class Labeler:
    """A way to label a new reference.

    Attributes:
        name: For tables.
        predict: Sees the other references, and of the new one its features alone.
        fewest: References that it needs to learn from.
    """

    name: str
    predict: Predictor
    fewest: int = 1


@dataclass(frozen=True)
class CrossValidation:
    """What leaving out one reference at a time has shown.

    Attributes:
        labeler: Its name.
        reference_ids: N, in the order of the rows.
        conditions: C pairs (distortion id, level), in the order of the columns.
        truth: NxC, human labels on [0, 10].
        predicted: NxC, labels predicted from the other references.
        spread: NxC, the labeller's `label_std`; NaN where it gives none.
    """

    labeler: str
    reference_ids: tuple[str, ...]
    conditions: tuple[tuple[int, int], ...]
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
    references: Features,
    labeler: str | Labeler = "knn",
    *,
    settings: NeighborSettings | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Predict the labels of each reference from all the others, and compare.

    Nothing that a labeller learns, be it a mean, a weight or a setting, ever sees the reference that is left out.

    Args:
        labels: The labelled set: every reference with a label for every (type, level).
        references: Features of its references, in any order.
        labeler: `knn`, `nearest`, `mean`, `gp`, or one's own.
        settings: For `knn`; default: the published rule.
        progress: Called with (references done, references in all).

    Raises:
        CurateError: Labels are missing, features and labels do not fit each other, the labeller is unknown, or there
            are too few references.
    """
    chosen = labeler_named(labeler, settings) if isinstance(labeler, str) else labeler
    require_same_references(references, labels)
    cube = label_cube(labels, references)
    count = len(cube.quality)
    if count - 1 < chosen.fewest:
        raise CurateError(
            f"cross-validating {chosen.name} takes at least {chosen.fewest + 1} labelled references; there are {count}"
        )
    predicted, spread = np.empty_like(cube.quality), np.empty_like(cube.quality)
    done = 0

    def leave_out(row: int) -> None:
        nonlocal done
        unseen = np.array(cube.features.matrix[row : row + 1])
        predicted[row], spread[row] = chosen.predict(cube.without(row), unseen)
        done += 1
        if progress:
            progress(done, count)

    for row in range(count):
        leave_out(row)
    ids = cube.features.require_ids()
    return CrossValidation(chosen.name, ids, cube.conditions, cube.quality, predicted, spread)


def compare(
    labels: Labels, references: Features, labelers: list[Labeler] | None = None, *, progress: Progress | None = None
) -> list[CrossValidation]:
    """Cross-validate several labellers on one labelled set.

    Args:
        labels: See `cross_validate`.
        references: See `cross_validate`.
        labelers: Default: the published rule, the nearest alone, the mean of each condition, 20 neighbours without a
            margin, and the Gaussian process.
        progress: Called with (references done, references in all), all labellers together.

    Raises:
        CurateError: See `cross_validate`.
    """
    chosen = default_labelers() if labelers is None else labelers
    results: list[CrossValidation] = []
    for number, labeler in enumerate(chosen):

        def step(done: int, count: int, before: int = number) -> None:
            if progress:
                progress(before * count + done, len(chosen) * count)

        results.append(cross_validate(labels, references, labeler, progress=step))
    return results


def comparison_text(results: list[CrossValidation]) -> str:
    """Return one line per labeller."""
    return _table([(result.labeler, result.scores()) for result in results])


def default_labelers() -> list[Labeler]:
    """Return the labellers that `compare` sets side by side."""
    return [
        knn_labeler(NeighborSettings(), "knn, published rule"),
        labeler_named("nearest"),
        labeler_named("mean"),
        knn_labeler(NeighborSettings(MANY_NEIGHBORS, NO_MARGIN), f"knn, k = {MANY_NEIGHBORS}, no margin"),
        labeler_named("gp"),
    ]


def labeler_named(name: str, settings: NeighborSettings | None = None) -> Labeler:
    """Return a labeller by its name: `knn`, `nearest`, `mean` or `gp`.

    Raises:
        CurateError: There is none of that name.
    """
    if name == "knn":
        return knn_labeler(settings or NeighborSettings(), "knn")
    if name == "nearest":
        return knn_labeler(NeighborSettings(count=1), "nearest only")
    if name == "mean":
        return Labeler("mean per type and level", lambda cube, _: condition_mean(cube.quality))
    if name == "gp":
        return Labeler("gp", _predict_gp, FEWEST_REFERENCES)
    raise CurateError(f"labeler is {name!r}; expected knn, nearest, mean or gp")


def knn_labeler(settings: NeighborSettings, name: str) -> Labeler:
    """Return Algorithm 2 with given settings; with fewer references than asked for, all of them are neighbours."""

    def predict(cube: LabelCube, unseen: NDArray[np.floating[Any]]) -> Prediction:
        (voices,) = find_neighbors(unseen, cube.features, settings)
        place = {identifier: row for row, identifier in enumerate(cube.features.require_ids())}
        values = cube.quality[[place[voice.id] for voice in voices]]
        weights = np.array([voice.weight for voice in voices])[:, None]
        mean = (weights * values).sum(axis=0)
        if len(voices) == 1:
            return mean, np.full_like(mean, np.nan)
        return mean, np.sqrt((weights * (values - mean) ** 2).sum(axis=0))

    return Labeler(name, predict)


def _predict_gp(cube: LabelCube, unseen: NDArray[np.floating[Any]]) -> Prediction:
    means, spreads = fit_gp(cube.features.matrix, cube.quality, cube.rater_noise).predict(unseen)
    return means[0], spreads[0]


def _table(rows: list[tuple[str, Scores]]) -> str:
    width = max(len(name) for name, _ in rows)
    head = f"{'':{width}}  {'MAE':>6}  {'RMSE':>6}  {'SRCC':>6}  {'PLCC':>6}  {'within std':>10}"
    return "\n".join([head, *(f"{name:{width}}  {scores.as_text()}" for name, scores in rows)])
