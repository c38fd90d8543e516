"""What real scores are worth on the same features: five folds of the target's own, and another set's."""

from __future__ import annotations

from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.manifest.seeds import context_seed

from .predictions import Shifted
from .ridge import FeatureSums, LabelSums, Linear, fit_ridge
from .scores import rank_correlations
from .settings import PENALTIES, SEED

Vector = NDArray[np.float64]
FOLDS = 5


def ceiling(features: Vector, scores: Vector) -> Vector:
    """Predict each picture of a set from the other folds; the penalty is chosen within the training folds.

    Args:
        features: (T, D).
        scores: T.

    Returns:
        T predicted scores.
    """
    folds = _folds(len(scores))
    features = Shifted(features).of(features)
    predicted = np.empty(len(scores))
    for fold in range(FOLDS):
        predicted[folds == fold] = _fit(features, scores, folds, np.flatnonzero(np.arange(FOLDS) != fold)).predict(
            features[folds == fold]
        )
    return predicted


def from_other_set(features: Vector, scores: Vector, target: Vector) -> Vector:
    """Predict a target from another real set; the penalty is chosen by five folds of that set.

    Args:
        features: (S, D) of the other set.
        scores: S.
        target: (T, D).

    Returns:
        T predicted scores.
    """
    shift = Shifted(features)
    model = _fit(shift.of(features), scores, _folds(len(scores)), np.arange(FOLDS))
    return model.predict(shift.of(target))


def _fit(features: Vector, scores: Vector, folds: NDArray[np.int64], used: NDArray[np.intp]) -> Linear:
    """Fit to the folds that are used; the penalty is the best where each of them is left out once."""
    sums = {}
    for fold in used.tolist():
        x, y = features[folds == fold], scores[folds == fold]
        ones = np.ones(len(y))
        sums[fold] = FeatureSums.of(x, ones), LabelSums.of(x, y, ones)
    inside = np.isin(folds, used)
    left_out = np.empty((len(PENALTIES), len(scores)))
    for fold in sums:
        models = _fit_sums([sums[other] for other in sums if other != fold])
        for number, model in enumerate(models):
            left_out[number, folds == fold] = model.predict(features[folds == fold])
    best = int(rank_correlations(scores[inside], left_out[:, inside]).argmax())
    return _fit_sums(list(sums.values()))[best]


def _fit_sums(sums: list[tuple[FeatureSums, LabelSums]]) -> list[Linear]:
    return fit_ridge(reduce(add, (x for x, _ in sums)), reduce(add, (y for _, y in sums)), PENALTIES)


def _folds(count: int) -> NDArray[np.int64]:
    rng = np.random.Generator(np.random.PCG64(context_seed("real-photos-folds", SEED)))
    return rng.permutation(np.arange(count) % FOLDS)
