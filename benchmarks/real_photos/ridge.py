"""Ridge regression from sums over rows, so that sets of types are added up and never multiplied again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Vector = NDArray[np.float64]
# A feature that varies less than this share of its size is constant but for rounding.
_CONSTANT = 1e-9


@dataclass(frozen=True)
class FeatureSums:
    """Weighted sums over the features of some rows.

    Attributes:
        weight: Sum of weights.
        first: (D,) weighted sum of features.
        second: (D, D) weighted sum of products of features.
    """

    weight: float
    first: Vector
    second: Vector

    @classmethod
    def of(cls, features: Vector, weights: Vector) -> FeatureSums:
        """Add up rows.

        Args:
            features: (N, D), near the size of 1: rounding grows with their size beside their spread.
            weights: N, 0 or more.
        """
        weighted = features * weights[:, None]
        return cls(float(weights.sum()), weighted.sum(0), features.T @ weighted)

    def __add__(self, other: FeatureSums) -> FeatureSums:
        """Take the rows of both."""
        return FeatureSums(self.weight + other.weight, self.first + other.first, self.second + other.second)


@dataclass(frozen=True)
class LabelSums:
    """Weighted sums over labels: of labels, and (D,) of features times labels."""

    first: float
    products: Vector

    @classmethod
    def of(cls, features: Vector, labels: Vector, weights: Vector) -> LabelSums:
        """Add up rows, as `FeatureSums.of` does."""
        return cls(float(weights @ labels), features.T @ (weights * labels))

    def __add__(self, other: LabelSums) -> LabelSums:
        """Take the rows of both."""
        return LabelSums(self.first + other.first, self.products + other.products)


@dataclass(frozen=True)
class Linear:
    """Predicts `intercept + features @ weights`."""

    intercept: float
    weights: Vector

    def predict(self, features: Vector) -> Vector:
        """Return a label for each of (N, D) features."""
        return self.intercept + features @ self.weights


def fit_ridge(features: FeatureSums, labels: LabelSums, penalties: Sequence[float]) -> list[Linear]:
    """Fit a ridge regression for each penalty.

    Features are standardized by the training rows; what is minimized is the weighted mean of squared errors plus the
    penalty times the squared weights of the standardized features. The intercept is free.

    Args:
        features: Sums over the training rows.
        labels: The same of their labels.
        penalties: Above 0.

    Returns:
        One regression per penalty, for features that are not standardized.
    """
    mean, label_mean = features.first / features.weight, labels.first / features.weight
    covariance = features.second / features.weight - np.outer(mean, mean)
    size = np.sqrt(np.diag(features.second) / features.weight)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    varies = spread > _CONSTANT * size
    scale = np.where(varies, spread, 1.0)
    correlation = covariance / np.outer(scale, scale)
    correlation[~varies] = correlation[:, ~varies] = 0.0
    target = np.where(varies, (labels.products / features.weight - mean * label_mean) / scale, 0.0)
    found = []
    for penalty in penalties:
        penalized = correlation.copy()
        penalized[np.diag_indices_from(penalized)] += penalty
        weights = cho_solve(cho_factor(penalized, overwrite_a=True, check_finite=False), target) / scale
        found.append(Linear(float(label_mean - mean @ weights), weights))
    return found
