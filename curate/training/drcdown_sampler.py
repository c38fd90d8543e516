"""DRCDown inside a training loop: a sampler that thins redundant clusters anew for every epoch."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import torch.distributed
from numpy.typing import NDArray

from ..datasets.feature_files import as_features
from ..datasets.features import Features
from ..downsampling.clusters import (
    KEEP_FRACTION,
    KEEP_MIN,
    LABEL_GAP,
    SIMILARITY,
    Scope,
    Thresholds,
    cluster_rows,
    filtered_rows,
    training_rows,
)
from ..downsampling.draw import keep_mask, number_by_smallest_id
from ..errors import CurateError
from ..manifest.manifest import ok_rows, read_manifest, validate
from ..manifest.seeds import digest_ids
from ..similarity import FeatureRows, check_rows, cluster_statistics
from .distributed import is_distributed, replicas_and_rank
from .manifest_dataset import ManifestDataset

AnyFeatures = Features | Path | str | NDArray[np.floating[Any]]
FeatureFunction = Callable[[], AnyFeatures]

_STATE_VERSION = 1


class DRCDownSampler(torch.utils.data.Sampler[int]):
    """Draws the rows that one epoch trains on: those that `syndr-curate downsample` keeps for the same features.

    Give it features before each epoch (`update`), or once a function that makes them: then the usual
    `set_epoch(epoch)` calls it. Only rows of split `train` are drawn. Clusters stay until new features come, and every
    epoch draws afresh from them.

    With several processes every rank works on the same kept set (that of rank 0 is sent to the others where
    `torch.distributed` runs, since features computed on two devices may differ in their last digits) and takes every
    `num_replicas`-th row of the epoch's order. As in torch's `DistributedSampler`, the list is filled up with its first
    rows until it can be split evenly; with `drop_last` its end is left out instead. `update`, and `set_epoch` with a
    feature function, must then be called on every rank.

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
        similarity: float = SIMILARITY,
        label_gap: float = LABEL_GAP,
        keep_min: int = KEEP_MIN,
        keep_fraction: float = KEEP_FRACTION,
        scope: Scope = "all",
        seed: int = 123,
        device: str = "cpu",
        features_fn: FeatureFunction | None = None,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        drop_last: bool = False,
    ) -> None:
        """Prepare to sample.

        Args:
            data: The dataset that the `DataLoader` gets; or a manifest, where index i means its i-th ok row.
            similarity: Two rows are alike when their cosine is above this (strict) ...
            label_gap: ... and their labels, on [0, 10], are less than this apart (strict).
            keep_min: A cluster keeps at least this many members.
            keep_fraction: Share of a larger cluster that is kept.
            scope: `all`, or `mos` to leave pseudo-labelled rows alone.
            seed: Of the draws and of the order.
            device: Where cosines are computed: `cpu` or `cuda`.
            features_fn: Called without arguments when features for a new epoch are wanted; returns what `update` takes.
            num_replicas: Number of processes; by default that of `torch.distributed`, or 1.
            rank: Which of them this is; likewise.
            shuffle: Whether an epoch's rows come in an order of its own; otherwise in the dataset's.
            drop_last: Whether rows that cannot be split evenly are left out, rather than some repeated.

        Raises:
            CurateError: A setting means nothing, the rows lack labels, or none of them is of split `train`.
        """
        self._thresholds = Thresholds(similarity, label_gap, keep_min, keep_fraction, scope, seed, device)
        self._rows, self._restricted = _rows_of(data)
        self.sample_ids: list[str] = self._rows["sample_id"].to_pylist()
        self._training = training_rows(self._rows)
        self._filtered = filtered_rows(self._rows, self._training, scope)
        self._features_fn = features_fn
        self._replicas, self._rank = replicas_and_rank(num_replicas, rank)
        self._shuffle, self._drop_last = shuffle, drop_last
        self._clusters: NDArray[np.int32] | None = None
        self._clustered_for: int | None = None
        self._kept = self._training
        self._warned: set[str] = set()
        self._left = _Left(0)
        self.epoch = 0
        self.summary: dict[str, Any] | None = None

    def __len__(self) -> int:
        """Return how many indices this rank draws in the current epoch."""
        self._have_features()
        if self._drop_last:
            return len(self._kept) // self._replicas
        return math.ceil(len(self._kept) / self._replicas)

    def __iter__(self) -> Iterator[int]:
        """Give this rank's indices of the current epoch."""
        self._have_features()
        if self._clusters is None:
            self._warn_once(
                "no features",
                f"DRCDownSampler has no features yet, so epoch {self.epoch} trains on all {len(self._kept)} rows: "
                "call update(features, epoch=...) before the epoch, or give features_fn",
            )
        indices = self._indices().tolist()
        self._left = _Left(len(indices))
        return _counted(indices, self._left)

    @property
    def kept_ids(self) -> list[str]:
        """Ids of the rows that the current epoch keeps, on all ranks together, in the dataset's order."""
        return [self.sample_ids[place] for place in self._kept.tolist()]

    def update(self, features: AnyFeatures, *, epoch: int | None = None) -> dict[str, Any]:
        """Take features from the current model and draw the epoch's rows.

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
        number = self.epoch if epoch is None else _checked_epoch(epoch)
        self._clusters = self._clustered_by_rank_0(features) if self._is_shared() else self._clustered(features)
        self._clustered_for = number
        return self._draw(number)

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch: with a feature function, take features for it (once per epoch); then draw its rows.

        Args:
            epoch: Number of the epoch to come.

        Raises:
            CurateError: The epoch is negative, or the features do not match the rows.
        """
        number = _checked_epoch(epoch)
        if number != self.epoch:
            self._look_back()
        if self._features_fn is not None and self._clustered_for != number:
            self.update(self._features_fn(), epoch=number)
        elif self._clusters is not None and self.epoch != number:
            self._draw(number)
        self.epoch = number

    def state_dict(self) -> dict[str, Any]:
        """Return what is needed to go on with the same kept sets: plain values and one tensor."""
        clusters = None if self._clusters is None else torch.from_numpy(self._clusters.copy())
        return {
            "version": _STATE_VERSION,
            "epoch": self.epoch,
            "clustered_for": self._clustered_for,
            "clusters": clusters,
            "rows": self._digest(),
            "settings": self._settings(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        The number of ranks and the device may differ: the kept sets are the same.

        Raises:
            CurateError: The state is from other rows or other settings; the message says which.
        """
        if state.get("version") != _STATE_VERSION:
            raise CurateError(f"sampler state of version {state.get('version')!r}; expected {_STATE_VERSION}")
        for name, value in self._settings().items():
            saved = state["settings"].get(name)
            if saved != value:
                raise CurateError(f"the sampler's state was saved with {name} = {saved!r}, this one has {value!r}")
        if state["rows"] != self._digest():
            raise CurateError("the sampler's state was saved for other rows: the ids, or their order, are not the same")
        clusters = state["clusters"]
        self._clusters = None if clusters is None else clusters.cpu().numpy().astype(np.int32)
        self._clustered_for = state["clustered_for"]
        self.epoch = state["epoch"]
        if self._clusters is None:
            self._kept, self.summary = self._training, None
        else:
            self._draw(self.epoch)

    def _look_back(self) -> None:
        drawn = self._left.total - self._left.count
        if self._left.count and drawn:
            # Lightning measures a loader before it sets the epoch, and stops there even if the epoch is longer.
            self._warn_once(
                "cut short",
                f"of epoch {self.epoch} only {drawn} of {self._left.total} rows were drawn: unless the loop was cut "
                "short on purpose, have the loader's length taken after set_epoch (under Lightning: call set_epoch in "
                "train_dataloader, with reload_dataloaders_every_n_epochs=1)",
            )

    def _warn_once(self, kind: str, message: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(message, stacklevel=3)

    def _have_features(self) -> None:
        if self._features_fn is not None and self._clustered_for is None:
            self.set_epoch(self.epoch)

    def _aligned(self, features: Features) -> FeatureRows:
        if features.ids is not None and self._restricted:
            # Those of the manifest's other splits are not asked for, whatever they are.
            wanted = set(self.sample_ids)
            places = [place for place, identifier in enumerate(features.ids) if identifier in wanted]
            if len(places) < len(features.ids):
                ids = tuple(features.ids[place] for place in places)
                features = Features(features.matrix[np.array(places, np.int64)], ids, None, features.source, {})
        matrix = features.aligned_to(self.sample_ids, "the dataset's rows")
        return check_rows(matrix, self.sample_ids, features.source)

    def _draw(self, epoch: int) -> dict[str, Any]:
        if self._clusters is None:
            raise RuntimeError("clusters are drawn from before there are any")
        mask = keep_mask(
            [self.sample_ids[place] for place in self._filtered.tolist()],
            self._clusters,
            keep_min=self._thresholds.keep_min,
            keep_fraction=self._thresholds.keep_fraction,
            seed=self._thresholds.seed,
            epoch=epoch,
        )
        keep = np.zeros(len(self._rows), dtype=bool)
        keep[self._training] = True
        keep[self._filtered[~mask]] = False
        self._kept = np.flatnonzero(keep).astype(np.int64)
        self.epoch = epoch
        statistics = cluster_statistics(self._clusters)
        self.summary = {
            "rows_in": len(self._training),
            "rows_kept": len(self._kept),
            "clusters": statistics.clusters,
            "largest_cluster": statistics.largest_cluster,
            "clusters_reduced": len(np.unique(self._clusters[~mask])),
            "effective_clusters": statistics.effective_clusters,
            "heterogeneity": statistics.heterogeneity,
        }
        return self.summary

    def _indices(self) -> NDArray[np.int64]:
        order = self._kept
        if self._shuffle:
            # Raw words of the generator, not its shuffle, which may change from one numpy to the next.
            stream = int(digest_ids([f"order of epoch {self.epoch} from seed {self._thresholds.seed}"]), 16)
            order = order[np.argsort(np.random.PCG64(stream).random_raw(len(order)), kind="stable")]
        total = len(self) * self._replicas
        if total > len(order):
            order = np.resize(order, total)  # numpy fills up with the first rows, again and again
        return order[self._rank : total : self._replicas]

    def _clustered(self, features: AnyFeatures) -> NDArray[np.int32]:
        components = cluster_rows(self._rows, self._aligned(as_features(features)), self._filtered, self._thresholds)
        return number_by_smallest_id([self.sample_ids[place] for place in self._filtered.tolist()], components)

    def _is_shared(self) -> bool:
        return self._replicas > 1 and is_distributed() and torch.distributed.get_world_size() == self._replicas

    def _clustered_by_rank_0(self, features: AnyFeatures) -> NDArray[np.int32]:
        box: list[bytes | str] = [b""]
        if torch.distributed.get_rank() == 0:
            try:
                box = [self._clustered(features).tobytes()]
            except CurateError as error:
                box = [str(error)]  # the other ranks wait for something
        torch.distributed.broadcast_object_list(box, src=0)
        if isinstance(box[0], str):
            raise CurateError(box[0])
        return np.frombuffer(box[0], np.int32).copy()

    def _settings(self) -> dict[str, Any]:
        names = ("similarity", "label_gap", "keep_min", "keep_fraction", "scope", "seed")
        return {**{name: getattr(self._thresholds, name) for name in names}, "shuffle": self._shuffle}

    def _digest(self) -> str:
        return hashlib.sha256("\n".join(self.sample_ids).encode()).hexdigest()


class _Left:
    """How many indices of an iteration have not been drawn."""

    def __init__(self, total: int) -> None:
        self.total = self.count = total


def _counted(indices: list[int], left: _Left) -> Iterator[int]:
    for index in indices:
        left.count -= 1
        yield index


def _rows_of(data: ManifestDataset | pa.Table | Path | str) -> tuple[pa.Table, bool]:
    if isinstance(data, ManifestDataset):
        rows = data.rows.append_column("status", pa.repeat(pa.scalar("ok"), len(data)))
        unlabelled = rows["label"].null_count
        if unlabelled:
            first = rows.filter(rows["label"].is_null())["sample_id"][0].as_py()
            raise CurateError(f"{unlabelled} rows have no label, e.g. {first!r}: they cannot be clustered")
        return rows, data.split is not None
    table = validate(data, training=True) if isinstance(data, pa.Table) else read_manifest(data, training=True)
    return ok_rows(table), False


def _checked_epoch(epoch: int) -> int:
    if epoch < 0:
        raise CurateError(f"epoch is {epoch}; expected 0 or more")
    return int(epoch)
