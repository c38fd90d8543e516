"""DRCDown inside a training loop: a sampler that thins redundant clusters before every epoch."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import torch
import torch.distributed
from numpy.typing import NDArray

from ..datasets.feature_files import as_features
from ..datasets.features import Features
from ..downsampling.epoch import draw_epoch, epoch_clusters, epoch_features, epoch_rows
from ..downsampling.meaningful_bounds import note_meaningless_bound
from ..downsampling.settings import DownsampleSettings, Scope, check_epoch
from ..errors import CurateError, CurateWarning
from ..whole_numbers import whole_number
from .asking_loader import check_asking_loader
from .distributed import done_by_rank_0, is_distributed, replicas_and_rank
from .epoch_order import EpochIndices, share_length, share_of_rank, shuffled
from .manifest_dataset import ManifestDataset
from .sampled_rows import features_of, sampled_rows
from .sampler_state import STATE_VERSION, check_state, is_over

AnyFeatures: TypeAlias = Features | pa.Table | Path | str | NDArray[np.floating[Any]]
FeatureFunction = Callable[[], AnyFeatures]


class DRCDownSampler(torch.utils.data.Sampler[int]):
    """Draws the rows that one epoch trains on: those that `syndr-curate downsample` keeps for the same features.

    Give it features before each epoch (`update`), or once a function that makes them: then the usual
    `set_epoch(epoch)` calls it. Only rows of split `train` are drawn. Clusters stay until new features come, and every
    epoch draws afresh from them.

    `len(sampler)` never asks for features and never clusters: it is the length of the epoch that was last drawn, by
    `update`, by `set_epoch` or by iterating. Before the first it is that of all training rows, which no epoch exceeds.
    So call `set_epoch` before the length is taken, as by Lightning or a schedule of the learning rate.

    With several processes every rank works on the same kept set (that of rank 0 is sent to the others where
    `torch.distributed` runs, since features computed on two devices may differ in their last digits) and takes every
    `num_replicas`-th row of the epoch's order. As in torch's `DistributedSampler`, the list is filled up with its first
    rows until it can be split evenly; with `drop_last` its end is left out instead. `update`, and `set_epoch` with a
    feature function, must then be called on every rank. Nothing else may split what it gives: a loader that accelerate
    or Lightning splits again is refused when the first index is drawn, and so is a loader over another dataset.

    Attributes:
        epoch: The epoch that comes next, or is running.
        sample_ids: Ids of the rows that the indices mean, in order.
        summary: Figures of the last clustering and draw, as `syndr-curate downsample --json` prints them; None before.

    Source: SynDR-IQA, Algorithm 3 (DRCDown).
    """

    def __init__(
        self,
        data: ManifestDataset | pa.Table | Path | str,
        *,
        sample_ids: Sequence[str] | None = None,
        similarity: float = DownsampleSettings.similarity,
        label_gap: float = DownsampleSettings.label_gap,
        keep_min: int = DownsampleSettings.keep_min,
        keep_fraction: float = DownsampleSettings.keep_fraction,
        scope: Scope = DownsampleSettings.scope,
        seed: int = DownsampleSettings.seed,
        device: str = DownsampleSettings.device,
        features_fn: FeatureFunction | None = None,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> None:
        """Prepare to sample.

        Args:
            data: The `ManifestDataset` that the `DataLoader` gets; for a dataset of your own a manifest, or its file.
            sample_ids: With a manifest: the ids of the items of your dataset, in order; index i means `sample_ids[i]`.
            similarity: Two rows are alike when their cosine is above this (strict) ...
            label_gap: ... and their labels, on [0, 10], are less than this apart (strict).
            keep_min: A cluster keeps at least this many members.
            keep_fraction: Share of a larger cluster that is kept.
            scope: `all`, or `mos` to leave pseudo-labeled rows alone.
            seed: Of the draws and of the order.
            device: Where cosines are computed: `cpu` or `cuda`.
            features_fn: Called without arguments when features for a new epoch are wanted; returns what `update` takes.
            num_replicas: Number of processes; by default that of `torch.distributed`, or 1, whenever it is needed: the
                sampler may be made before the processes are joined, as under Lightning.
            rank: Which of them this is; as above.
            shuffle: Whether an epoch's rows come in an order of its own; otherwise in the dataset's.
            drop_last: Whether rows that cannot be split evenly are left out, rather than some repeated.

        Raises:
            CurateError: A setting is invalid, nothing says which rows the indices mean, the rows lack labels, or
                none of them is of split `train`.
        """
        self._settings = DownsampleSettings(similarity, label_gap, keep_min, keep_fraction, scope, seed, device)
        table, self._restricted = sampled_rows(data, sample_ids)
        self._rows = epoch_rows(table, scope)
        self.sample_ids = self._rows.ids
        self._features_fn = features_fn
        self._num_replicas, self._own_rank = num_replicas, rank
        replicas_and_rank(num_replicas, rank)  # refuses what means nothing
        self._shuffle, self._drop_last = shuffle, drop_last
        self._clusters: NDArray[np.int32] | None = None
        self._clustered_for: int | None = None
        self._kept = self._rows.training
        self._bound_note: str | None = None
        self._warned: set[str] = set()
        self._digest = hashlib.sha256("\n".join(self.sample_ids).encode()).hexdigest()
        self._iteration: EpochIndices | None = None
        self._start = 0
        self._clustered_alone = False
        self._epoch_is_set = False
        self.epoch = 0
        self.summary: dict[str, Any] | None = None

    def __len__(self) -> int:
        """Return how many indices this rank draws in the epoch that was last drawn; before any, the most it can draw.

        Nothing is worked out here: a `DataLoader`, and Lightning before it sets the epoch, ask at any time.
        """
        replicas, _ = self._replicas_and_rank()
        return share_length(len(self._kept), replicas=replicas, drop_last=self._drop_last)

    def __iter__(self) -> Iterator[int]:
        """Give this rank's indices of the current epoch; with a feature function and no features yet, ask for them.

        After `load_state_dict` the first iteration begins where the saved one was, if the epoch is still the same.

        Raises:
            CurateError: Here, or at the first index: something would split the indices again, the loader's dataset has
                other rows, or features were taken before the processes were joined.
        """
        if self._features_fn is not None and self._clustered_for is None and not self._start:
            self.update(self._features_fn())
            self._epoch_is_set = False
        if self._iteration is not None and self._iteration.is_over and self._iteration.total:
            self._warn_once(
                "again",
                f"epoch {self.epoch} is iterated again, with the same rows in the same order: call set_epoch(epoch) "
                "before every epoch",
            )
        replicas, rank = self._replicas_and_rank()
        if replicas > 1 and self._clustered_alone:
            raise CurateError(
                f"features were taken before the {replicas} processes were joined, so that each may keep other rows: "
                "call update, or set_epoch with a feature function, after torch.distributed is initialized"
            )
        order = shuffled(self._kept, seed=self._settings.seed, epoch=self.epoch) if self._shuffle else self._kept

        def share_from(start: int) -> list[int]:
            share = share_of_rank(order, replicas=replicas, rank=rank, drop_last=self._drop_last, start=start)
            indices: list[int] = share.tolist()
            return indices

        self._iteration = EpochIndices(
            share_from, epoch=self.epoch, replicas=replicas, start=self._start, at_first=self._check_first
        )
        self._start = 0
        return self._iteration

    @property
    def kept_ids(self) -> list[str]:
        """Ids of the rows that the current epoch keeps, on all ranks together, in the dataset's order."""
        return [self.sample_ids[row] for row in self._kept.tolist()]

    def update(self, features: AnyFeatures, *, epoch: int | None = None) -> dict[str, Any]:
        """Take features from the current model and draw the epoch's rows.

        The first time that `similarity` means nothing for the features (everything is linked, or nothing), a
        `CurateWarning` names bounds that would thin; with several processes, on rank 0.

        Args:
            features: One row per row of the dataset (N, D): `Features` (matched by id), a file, or a matrix in the
                dataset's order. Of a dataset made with `split="train"`, features with ids may also cover the whole
                manifest.
            epoch: The epoch to come; by default the current one.

        Returns:
            `rows_in, rows_kept, clusters, largest_cluster, clusters_reduced, effective_clusters, heterogeneity`.

        Raises:
            CurateError: The features do not match the rows; the message names the ids.
        """
        number = self.epoch if epoch is None else check_epoch(epoch)
        if self._start and number == self.epoch:
            raise CurateError(
                f"the loaded state is from the middle of epoch {number}, whose rows are drawn already: call "
                f"set_epoch({number}) for it, and update(...) for the next"
            )
        self._clusters = self._shared_clusters(features) if self._is_shared() else self._clustered(features)
        self._clustered_for, self._clustered_alone = number, self._replicas_and_rank()[0] == 1
        self._epoch_is_set = True
        figures = self._draw(number)
        if self._bound_note is not None:
            self._warn_once("bound", self._bound_note)
        return figures

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch: with a feature function, take features for it (once per epoch); then draw its rows.

        Args:
            epoch: Number of the epoch to come.

        Raises:
            CurateError: The epoch is negative, or the features do not match the rows.
        """
        number = check_epoch(epoch)
        if number != self.epoch:
            self._warn_of_unseen_rows()
            self._forget_iteration()
        if self._features_fn is not None and self._clustered_for != number and not self._start:
            self.update(self._features_fn(), epoch=number)
        elif self._clusters is not None and self.epoch != number:
            self._draw(number)
        self.epoch, self._epoch_is_set = number, True

    def state_dict(self, *, rows_seen: int = 0) -> dict[str, Any]:
        """Return what is needed to go on with the same kept sets: plain values and one tensor.

        Args:
            rows_seen: How many indices of the running iteration this rank has trained on: batches times their size. A
                loader draws ahead of the loop, so the sampler cannot know. By default the iteration starts over.
                torchdata's `StatefulDataLoader` keeps the position itself.

        Raises:
            CurateError: So many were not drawn.
        """
        clusters = None if self._clusters is None else torch.from_numpy(self._clusters)
        return {
            "version": STATE_VERSION,
            "epoch": self.epoch,
            "position": self._position(whole_number("rows_seen", rows_seen, least=0)),
            "finished": self._iteration is not None and self._iteration.is_over,
            "clustered_for": self._clustered_for,
            "clusters": clusters,
            "rows": self._digest,
            "settings": self._state_settings(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        The number of ranks and the device may differ: the kept sets are the same, and the rows of the epoch that were
        not seen are split over the ranks that run now.

        Raises:
            CurateError: The state is from other rows or other settings; the message says which.
        """
        check_state(state, settings=self._state_settings(), rows=self._digest, filtered=len(self._rows.filtered))
        # A StatefulDataLoader restores its state only when it is iterated: the loop has then set its epoch before.
        restored_late = self._epoch_is_set and self._iteration is not None and self._iteration.drawn == 0
        if restored_late and is_over(state, self.epoch):
            if self._clusters is None and state["clusters"] is not None:
                self._restore_clusters(state)
                self._draw(self.epoch)
            return
        self._forget_iteration()
        self._restore_clusters(state)
        self.epoch = state["epoch"]
        if self._clusters is None:
            self._kept, self.summary = self._rows.training, None
        else:
            self._draw(self.epoch)
        self._start = state.get("position", 0)

    def _restore_clusters(self, state: Mapping[str, Any]) -> None:
        clusters = state["clusters"]
        self._clusters = None if clusters is None else clusters.cpu().numpy().astype(np.int32)
        self._clustered_for, self._clustered_alone = state["clustered_for"], False

    def _replicas_and_rank(self) -> tuple[int, int]:
        return replicas_and_rank(self._num_replicas, self._own_rank)

    def _check_first(self) -> None:
        check_asking_loader(self.sample_ids)
        if self._clusters is None:
            self._warn_once(
                "no features",
                f"DRCDownSampler has no features yet, so epoch {self.epoch} trains on all {len(self._kept)} rows: "
                "call update(features, epoch=...) before the epoch, or give features_fn",
            )

    def _position(self, rows_seen: int) -> int:
        iteration = self._iteration
        drawn = 0 if iteration is None else iteration.drawn
        if rows_seen > drawn:
            raise CurateError(f"rows_seen is {rows_seen}, but only {drawn} rows of epoch {self.epoch} were drawn")
        begun = self._start if iteration is None else iteration.start
        return begun + rows_seen * self._replicas_and_rank()[0]

    def _forget_iteration(self) -> None:
        """Leave the running iteration: a loader that still holds it gets no further index."""
        if self._iteration is not None:
            self._iteration.outdated = True
        self._iteration = None
        self._start = 0

    def _warn_of_unseen_rows(self) -> None:
        given = self._iteration
        if given is not None and 0 < given.drawn < given.total:
            # Lightning measures a loader before it sets the epoch, and stops there even if the epoch is longer.
            self._warn_once(
                "cut short",
                f"of epoch {self.epoch} only {given.drawn} of {given.total} rows were drawn: unless the loop was cut "
                "short on purpose, have the loader's length taken after set_epoch (under Lightning: call set_epoch in "
                "train_dataloader, with reload_dataloaders_every_n_epochs=1)",
            )

    def _warn_once(self, kind: str, message: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(message, CurateWarning, stacklevel=3)

    def _draw(self, epoch: int) -> dict[str, Any]:
        if self._clusters is None:
            raise RuntimeError("clusters are drawn from before there are any")
        draw = draw_epoch(self._rows, self._clusters, self._settings, epoch=epoch)
        self._forget_iteration()
        self._kept, self.summary, self.epoch = draw.kept, draw.summary, epoch
        return draw.summary

    def _clustered(self, features: AnyFeatures) -> NDArray[np.int32]:
        given = as_features(features)
        if self._restricted:
            given = features_of(given, self.sample_ids)
        rows = epoch_features(self._rows, given, "the dataset's rows")
        clusters = epoch_clusters(self._rows, rows, self._settings)
        if self._bound_note is None:
            # Only noted: a filter may turn a warning into an error, and the other ranks wait for these clusters.
            self._bound_note = note_meaningless_bound(self._rows, rows, clusters, self._settings)
        return clusters

    def _is_shared(self) -> bool:
        replicas, _ = self._replicas_and_rank()
        return replicas > 1 and is_distributed() and torch.distributed.get_world_size() == replicas

    def _shared_clusters(self, features: AnyFeatures) -> NDArray[np.int32]:
        return np.frombuffer(done_by_rank_0(lambda: self._clustered(features).tobytes()), np.int32).copy()

    def _state_settings(self) -> dict[str, Any]:
        return {**self._settings.draw_settings(), "shuffle": self._shuffle}
