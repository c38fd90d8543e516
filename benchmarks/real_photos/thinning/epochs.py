"""The rows of an epoch and their weights: all, those that DRCDown keeps, or as many at random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from syndr_curate import Features
from syndr_curate.curate.downsampling.draw import keep_mask
from syndr_curate.curate.downsampling.epoch import EpochRows, epoch_clusters, epoch_features
from syndr_curate.curate.downsampling.meaningful_bounds import HALF, TENTH, find_bound, search_shares
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.manifest.seeds import context_seed, uniform_draw
from syndr_curate.curate.similarity import FeatureRows

from ...shared.networks import with_direction
from ..settings import SEED
from .variants import Quantile, Thins, Variant

_QUANTILE_ROWS = 2000  # the quantile is that of the pairs of so many rows, drawn once
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Chosen:
    """The rows of an epoch.

    Attributes:
        rows: K ascending numbers of rows.
        weights: K, what each row's error counts; 1 unless the variant is weighted.
    """

    rows: NDArray[np.int64]
    weights: Matrix


class Chooser(Protocol):
    """Chooses the rows of each epoch.

    Attributes:
        stops: Whether the last eighth of the training is told to it, so that it gives all rows then.
    """

    stops: bool

    def __call__(self, epoch: int, late: bool, features: Callable[[], Matrix], /) -> Chosen:
        """Choose.

        Args:
            epoch: Its number.
            late: Whether it lies in the last eighth of the training.
            features: Gives the network's features of all rows, (N, D), as they are before the epoch.
        """
        ...


class AllRows:
    """Every epoch has all rows."""

    stops = False

    def __init__(self, count: int) -> None:
        """Take the number of rows."""
        self._all = Chosen(np.arange(count), np.ones(count, np.float32))

    def __call__(self, *_: object) -> Chosen:
        """Return all rows."""
        return self._all


class ThinnedRows:
    """Every epoch has the rows that DRCDown keeps for the network's features before it.

    Attributes:
        counts: Rows kept, by epoch.
        bounds: Cosines above which rows were alike, by epoch; 1 where nothing thins as the variant asks.
        largest: Share of the thinned rows in the largest cluster, by epoch.
    """

    def __init__(
        self,
        ids: Sequence[str],
        labels: NDArray[np.float32],
        is_new: NDArray[np.bool_],
        variant: Variant,
        seed: int,
        *,
        keep_min: int = DownsampleSettings.keep_min,
    ) -> None:
        """Take the rows.

        Args:
            ids: N sample ids.
            labels: N on [0, 10].
            is_new: N, whether a row's content is new, so that its label is a pseudo-label.
            variant: How they are thinned.
            seed: Of the draws.
            keep_min: Clusters up to this size are left alone.
        """
        every = np.arange(len(ids))
        filtered = {"all": every, "pseudo": every[is_new], "human": every[~is_new]}[variant.which]
        self._rows = EpochRows(list(ids), labels, every, filtered)
        self._variant, self._all, self.stops = variant, AllRows(len(ids)), variant.stops
        self._settings = DownsampleSettings(seed=seed, keep_min=keep_min)
        self.counts: list[int] = []
        self.bounds: list[float] = []
        self.largest: list[float] = []

    def __call__(self, epoch: int, late: bool, features: Callable[[], Matrix], /) -> Chosen:
        """Return the rows that an epoch keeps, and their weights."""
        if late and self.stops:
            return self._note(self._all(), 1.0, 0.0)
        rows, given = self._rows, with_direction(features())
        matrix = epoch_features(rows, Features(given, tuple(rows.ids), tuple(rows.ids), "the network", {}), "the rows")
        bound = self._bound(matrix)
        settings = DownsampleSettings(similarity=bound, seed=self._settings.seed, keep_min=self._settings.keep_min)
        clusters = epoch_clusters(rows, matrix, settings)
        kept = keep_mask(
            rows.filtered_ids,
            clusters,
            keep_min=settings.keep_min,
            keep_fraction=settings.keep_fraction,
            seed=settings.seed,
            epoch=epoch,
        )
        weights = np.ones(len(rows.ids), np.float32)
        if self._variant.weighted:
            weights[rows.filtered[kept]] = expected_gradient_weights(clusters, kept)
        keeps = np.ones(len(rows.ids), bool)
        keeps[rows.filtered[~kept]] = False
        chosen = np.flatnonzero(keeps)
        return self._note(Chosen(chosen, weights[chosen]), bound, float(np.bincount(clusters).max() / len(clusters)))

    def _note(self, chosen: Chosen, bound: float, largest: float) -> Chosen:
        self.counts.append(len(chosen.rows))
        self.bounds.append(bound)
        self.largest.append(largest)
        return chosen

    def _bound(self, features: FeatureRows) -> float:
        wanted = self._variant.bound
        if isinstance(wanted, Thins):
            target = {"tenth": TENTH, "half": HALF}[wanted.share]
            found = find_bound(search_shares(self._rows, features, self._settings).shares_at, target)
            return 1.0 if found is None else found
        if isinstance(wanted, Quantile):
            return similarity_quantile(self._rows, features, wanted.share, self._settings.label_gap)
        return wanted


class RandomRows:
    """Every epoch has as many rows as DRCDown kept in it, drawn at random: the control."""

    stops = False

    def __init__(self, total: int, counts: Sequence[int], seed: int) -> None:
        """Take the number of rows, and of those that each epoch keeps."""
        self._total, self._counts = total, list(counts)
        self._rng = np.random.Generator(np.random.PCG64(context_seed("real-photos-drop", SEED, seed)))

    def __call__(self, epoch: int, *_: object) -> Chosen:
        """Draw the rows of an epoch."""
        # Kept rows differ in number: the last epoch of the one may be one earlier than that of the other.
        count = self._counts[min(epoch, len(self._counts) - 1)]
        rows = np.sort(self._rng.choice(self._total, count, replace=False))
        return Chosen(rows, np.ones(count, np.float32))


def expected_gradient_weights(clusters: NDArray[np.int32], kept: NDArray[np.bool_]) -> Matrix:
    """Return the weights at which kept rows stand for their whole clusters.

    Args:
        clusters: F cluster numbers, from 0.
        kept: F, which of the rows an epoch keeps.

    Returns:
        One weight per kept row, in order: its cluster's size by the number kept of it.
    """
    sizes, left = np.bincount(clusters), np.bincount(clusters[kept], minlength=int(clusters.max()) + 1)
    own = clusters[kept]
    weights: Matrix = (sizes[own] / left[own]).astype(np.float32)
    return weights


def similarity_quantile(rows: EpochRows, features: FeatureRows, share: float, label_gap: float) -> float:
    """Return a quantile of the cosines between filtered rows whose labels are less than a gap apart.

    Args:
        rows: N rows; at most 2,000 of the filtered ones are drawn.
        features: (N, D).
        share: 0 to 1.
        label_gap: On [0, 10].
    """
    ids = rows.filtered_ids
    drawn = uniform_draw(ids, min(_QUANTILE_ROWS, len(ids)), SEED, "real-photos-quantile")
    places = rows.filtered[[identifier in drawn for identifier in ids]]
    matrix, labels = np.asarray(features.take(places).matrix, np.float64), rows.labels[places]
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    near = np.triu(np.abs(labels[:, None] - labels) < label_gap, 1)
    return float(min(1.0, np.quantile((unit @ unit.T)[near], share))) if near.any() else 1.0
