"""Models that label a new reference from the labels of others: the plain mean, and a Gaussian process.

A labeled set is a matrix of labels, one row per reference and one column per condition (a distortion at a level), and
a matrix of content features. A model predicts the row of a reference that has features alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import CurateError
from ...manifest.schema import LABEL_MAXIMUM
from ...runs.threads import one_core_per_product
from .kernels import ContentKernel, content_kernels, unit_rows

Matrix = NDArray[np.float64]

FOLDS = 8
FEWEST_REFERENCES = 4
_NOTHING = 1e-9  # of the strongest direction: what is weaker is rounding


@dataclass(frozen=True)
class GpSearch:
    """What the hyperparameters are chosen from; the defaults are those that helped (docs/label-evidence.md).

    Attributes:
        relevances: See `GpSettings`.
        lengths: See `GpSettings`.
        penalties: See `GpSettings`.
        weakness_powers: See `GpSettings`.
        end_margin: Labels at the ends of the scale stay this far from where the log odds run to infinity; very large:
            the odds are straight, and the model works on the labels as they are.
    """

    relevances: tuple[float, ...] = (0.0, 1.0, 2.0)
    lengths: tuple[float | None, ...] = (None, 2.0, 1.0)
    penalties: tuple[float, ...] = (0.15, 0.25, 0.4, 0.7, 1.2)
    weakness_powers: tuple[float, ...] = (0.5, 1.0, 1.5)
    end_margin: float = 1.0


@dataclass(frozen=True)
class GpSettings:
    """The hyperparameters of a Gaussian process over the residuals.

    Attributes:
        relevance: Each feature counts by (share of the residuals that it alone explains) to this power; 0: all alike.
        length: Squared-exponential kernel of this squared length, in units of the mean squared distance of a reference
            from the center; None: the linear kernel.
        penalty: Noise over signal, for the strongest direction of the residuals; the kernel has mean diagonal 1.
        weakness_power: The penalty of direction j is `penalty * (s_0 / s_j) ** weakness_power`, s being its singular
            values: weak directions are shrunk more.
    """

    relevance: float
    length: float | None
    penalty: float
    weakness_power: float


@dataclass(frozen=True)
class GpModel:
    """A fitted Gaussian process; made by `fit_gp`.

    Attributes:
        search: What the settings were chosen from.
        settings: What the search within the training references chose.
        search_error: Its mean absolute error there, held out fold by fold, on the label scale.
        kernel: Similarity of content.
        directions: Principal directions of the residuals.
        spread: C, standard deviation of a label about a prediction that is sure of its content; on the odds scale.
        floor: C, standard deviation of the raters' mean, 0 where unknown; on the odds scale.
    """

    search: GpSearch
    settings: GpSettings
    search_error: float
    kernel: ContentKernel
    directions: Directions
    spread: Matrix
    floor: Matrix

    def predict(self, features: NDArray[np.floating[Any]]) -> tuple[Matrix, Matrix]:
        """Predict the labels of references from their content.

        Every row is predicted alone, so that its company cannot change it, not even in the last bit.

        Args:
            features: MxD, of the kind that the model was fitted to; rows of non-zero length.

        Returns:
            Labels, MxC on [0, 10], and the standard deviation of a human label about them, MxC on the same scale: what
            content does not explain, and the noise of the raters.

        Raises:
            CurateError: The width differs from that of the training features.
        """
        width = len(self.kernel.center)
        if features.ndim != 2 or features.shape[1] != width:  # noqa: PLR2004
            raise CurateError(f"features of shape {features.shape} given to a labeler of {width} numbers per row")
        means = np.empty((len(features), len(self.spread)))
        stds = np.empty_like(means)
        with one_core_per_product():
            for row in range(len(features)):
                odds, doubt = _predict(self.kernel, self.directions, self.settings, unit_rows(features[row : row + 1]))
                reach = np.maximum(self.spread * np.sqrt(doubt)[:, None], self.floor)
                low, mean, high = (from_odds(odds + side, self.search.end_margin) for side in (-reach, 0.0, reach))
                means[row], stds[row] = mean[0], ((high - low) / 2)[0]
        return means, stds


@dataclass(frozen=True)
class Directions:
    """Principal directions of the residuals of the per-condition mean.

    Attributes:
        mean: C, per-condition mean.
        scores: NxJ, the residuals along each direction.
        strengths: J singular values, falling.
        axes: JxC, orthonormal.
    """

    mean: Matrix
    scores: Matrix
    strengths: Matrix
    axes: Matrix

    @classmethod
    def of(cls, values: Matrix) -> Directions:
        """Take the directions of an NxC matrix."""
        mean = values.mean(axis=0)
        left, strengths, axes = np.linalg.svd(values - mean, full_matrices=False)
        strong = strengths > _NOTHING * max(float(strengths[0]), _NOTHING)
        return cls(mean, left[:, strong] * strengths[strong], strengths[strong], axes[strong])


def to_odds(labels: Matrix, end_margin: float) -> Matrix:
    """Stretch labels on [0, 10] to log odds, finite at both ends: an error near an end counts for more."""
    result: Matrix = np.log((labels + end_margin) / (LABEL_MAXIMUM + end_margin - labels))
    return result


def from_odds(odds: Matrix, end_margin: float) -> Matrix:
    """Bring log odds back to labels, clipped to [0, 10]."""
    share = 1.0 / (1.0 + np.exp(-odds))
    result: Matrix = np.clip((LABEL_MAXIMUM + 2 * end_margin) * share - end_margin, 0.0, LABEL_MAXIMUM)
    return result


def fit_gp(
    features: NDArray[np.floating[Any]],
    labels: Matrix,
    rater_noise: Matrix | None = None,
    *,
    search: GpSearch | None = None,
) -> GpModel:
    """Fit a Gaussian process to the residuals of the per-condition mean.

    Labels are taken to log odds; their residuals are turned to principal directions over the conditions, each of which
    is a Gaussian process of the content with a kernel common to all and a penalty of its own. All settings come from an
    exhaustive search that holds out one of 8 folds of the given references at a time.

    The spread is measured on what the search held out, so it covers the rater noise of the labels; where that noise is
    known, the spread is never below it.

    Args:
        features: NxD content features of the labeled references; only directions matter.
        labels: NxC on [0, 10], complete.
        rater_noise: NxC standard errors of the labels on the same scale; NaN where unknown. None: nothing is known.
        search: What to choose the hyperparameters from.

    Returns:
        The model.

    Raises:
        CurateError: Fewer than 4 references, a label is missing, or shapes differ.

    Source: Gaussian processes with a common kernel and one noise level per output direction (Bonilla et al. 2007); the
    weights of features, the odds and the penalties of directions are this project's, measured in
    docs/label-evidence.md.
    """
    _require_complete(features, labels, rater_noise)
    search = search or GpSearch()
    units, odds = unit_rows(features), to_odds(labels, search.end_margin)
    with one_core_per_product():
        settings, error = _choose(search, units, odds, labels)
        errors, doubts = _held_out(units, odds, settings)
        directions = Directions.of(odds)
        kernel = next(content_kernels(units, directions.scores, settings.relevance, (settings.length,)))
    spread = np.sqrt((errors**2 / doubts[:, None]).mean(axis=0))
    floor = np.zeros_like(spread) if rater_noise is None else _noise_spread(labels, rater_noise, search.end_margin)
    return GpModel(search, settings, error, kernel, directions, spread, floor)


def _choose(search: GpSearch, units: Matrix, odds: Matrix, labels: Matrix) -> tuple[GpSettings, float]:
    """Choose the settings of the smallest mean absolute error on held-out folds; the first of equals."""
    totals: dict[GpSettings, float] = {}
    for train, test in _folds(len(units)):
        directions = Directions.of(odds[train])
        for relevance in search.relevances:
            for kernel in content_kernels(units[train], directions.scores, relevance, search.lengths):
                turned = kernel.cross(units[test])[0] @ kernel.vectors
                for penalty in search.penalties:
                    for power in search.weakness_powers:
                        settings = GpSettings(relevance, kernel.length, penalty, power)
                        predicted = from_odds(_mean(turned, kernel, directions, settings), search.end_margin)
                        error = float(np.abs(predicted - labels[test]).sum())
                        totals[settings] = totals.get(settings, 0.0) + error
    best = min(totals, key=totals.__getitem__)
    return best, totals[best] / labels.size


def _held_out(units: Matrix, odds: Matrix, settings: GpSettings) -> tuple[Matrix, Matrix]:
    """Return the errors (NxC) and relative variances (N) of held-out folds under given settings."""
    errors, doubts = np.empty_like(odds), np.empty(len(odds))
    for train, test in _folds(len(units)):
        directions = Directions.of(odds[train])
        kernel = next(content_kernels(units[train], directions.scores, settings.relevance, (settings.length,)))
        predicted, doubts[test] = _predict(kernel, directions, settings, units[test])
        errors[test] = predicted - odds[test]
    return errors, doubts


def _predict(
    kernel: ContentKernel, directions: Directions, settings: GpSettings, units: Matrix
) -> tuple[Matrix, Matrix]:
    """Return posterior means (MxC, odds) and relative variances (M): predictive over noise variance, at least 1."""
    cross, own = kernel.cross(units)
    turned = cross @ kernel.vectors
    posterior = own - (turned**2 / (kernel.values + settings.penalty)).sum(axis=1)
    return _mean(turned, kernel, directions, settings), 1.0 + np.maximum(posterior, 0.0) / settings.penalty


def _mean(turned: Matrix, kernel: ContentKernel, directions: Directions, settings: GpSettings) -> Matrix:
    if not len(directions.strengths):
        return np.tile(directions.mean, (len(turned), 1))
    penalties = settings.penalty * (directions.strengths[0] / directions.strengths) ** settings.weakness_power
    weights = (kernel.vectors.T @ directions.scores) / (kernel.values[:, None] + penalties)
    result: Matrix = directions.mean + (turned @ weights) @ directions.axes
    return result


def _folds(count: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    fold = np.arange(count) % min(FOLDS, count)
    for number in range(min(FOLDS, count)):
        yield fold != number, fold == number


def _noise_spread(labels: Matrix, rater_noise: Matrix, end_margin: float) -> Matrix:
    """Return the root mean square of the raters' errors per condition on the odds scale; 0 where nothing is known."""
    slope = 1 / (labels + end_margin) + 1 / (LABEL_MAXIMUM + end_margin - labels)
    known = np.isfinite(rater_noise)
    squares = np.where(known, np.nan_to_num(rater_noise) * slope, 0.0) ** 2
    result: Matrix = np.sqrt(squares.sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    return result


def _require_complete(features: NDArray[Any], labels: Matrix, rater_noise: Matrix | None) -> None:
    if len(features) != len(labels):
        raise CurateError(f"{len(features)} references have features and {len(labels)} have labels")
    if len(labels) < FEWEST_REFERENCES:
        raise CurateError(
            f"the gp labeler learns from at least {FEWEST_REFERENCES} labeled references; {len(labels)} given "
            "(use --labeler knn)"
        )
    missing = int(np.count_nonzero(~np.isfinite(labels)))
    if missing:
        raise CurateError(f"the gp labeler needs a label for every reference and condition; {missing} are missing")
    if rater_noise is not None and rater_noise.shape != labels.shape:
        raise CurateError(f"rater noise of shape {rater_noise.shape} beside labels of shape {labels.shape}")
