"""Kernels of the similarity of content, for predicting its effect on labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class ContentKernel:
    """A centered kernel over the training references, with mean diagonal 1, and its eigendecomposition.

    Attributes:
        center: D, mean of the training rows.
        rows: NxD, training rows about the center.
        weights: D, what each feature counts; the mean squared weighted length of the rows is 1.
        length: Squared length of the squared exponential; None: linear.
        squares: N, squared weighted lengths of the rows.
        raw: NxN, the kernel before it is centered.
        scale: Mean diagonal of the centered kernel (1 if that is 0).
        values: N eigenvalues of the centered, scaled kernel, at least 0.
        vectors: NxN, its eigenvectors in columns.
    """

    center: Matrix
    rows: Matrix
    weights: Matrix
    length: float | None
    squares: Matrix
    raw: Matrix
    scale: float
    values: Matrix
    vectors: Matrix

    def cross(self, units: Matrix) -> tuple[Matrix, Matrix]:
        """Compare rows with the training references.

        Args:
            units: MxD, unit length.

        Returns:
            The centered kernel with each training row, MxN, and with itself, M.
        """
        new = units - self.center
        products = (new * self.weights) @ self.rows.T
        squares = (new**2 * self.weights).sum(axis=1)
        raw = _shape(products, squares, self.squares, self.length)
        itself = squares if self.length is None else np.ones(len(units))
        row_means = raw.mean(axis=1)
        grand = self.raw.mean()
        centered = raw - row_means[:, None] - self.raw.mean(axis=0) + grand
        return centered / self.scale, (itself - 2 * row_means + grand) / self.scale


def content_kernels(
    units: Matrix, scores: Matrix, relevance: float, lengths: Sequence[float | None]
) -> Iterator[ContentKernel]:
    """Make one kernel per length over the same weighted features.

    Args:
        units: NxD, unit length: the training references.
        scores: NxJ, residuals of their labels; any orthogonal turn of the conditions gives the same weights.
        relevance: Power of the share of the residuals that a feature alone explains; 0: all features count alike.
        lengths: See `ContentKernel`.
    """
    center = units.mean(axis=0)
    rows = units - center
    weights = _relevances(rows, scores, relevance)
    products = (rows * weights) @ rows.T
    squares = np.diagonal(products).copy()
    for length in lengths:
        raw = _shape(products, squares, squares, length)
        means = raw.mean(axis=0)
        centered = raw - means - means[:, None] + means.mean()
        scale = float(np.trace(centered)) / len(centered)
        scale = scale if scale > 0 else 1.0
        values, vectors = np.linalg.eigh(centered / scale)
        yield ContentKernel(center, rows, weights, length, squares, raw, scale, np.maximum(values, 0.0), vectors)


def unit_rows(features: NDArray[np.floating[Any]]) -> Matrix:
    """Scale rows to unit length, float64."""
    rows = np.asarray(features, dtype=np.float64)
    result: Matrix = rows / np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return result


def _relevances(rows: Matrix, scores: Matrix, power: float) -> Matrix:
    energy = (rows**2).sum(axis=0)
    weights = np.ones_like(energy)
    if power:
        explained = ((rows.T @ scores) ** 2).sum(axis=1)
        weights = np.divide(explained, energy, out=np.zeros_like(energy), where=energy > 0) ** power
    total = float((weights * energy).sum()) / len(rows)
    result: Matrix = weights / total if total > 0 else np.zeros_like(energy)
    return result


def _shape(products: Matrix, squares: Matrix, own: Matrix, length: float | None) -> Matrix:
    """Turn inner products into the kernel; `squares` and `own` are the squared lengths of its rows and columns."""
    if length is None:
        return products
    distances = np.maximum(squares[:, None] + own - 2 * products, 0.0)
    result: Matrix = np.exp(-distances / (2 * length))
    return result
