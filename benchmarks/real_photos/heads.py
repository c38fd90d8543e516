"""A small network on frozen features: for the finalists, and for DRCDown, which needs features that are learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from syndr_curate import Features, label
from syndr_curate.curate.downsampling.downsample import downsample_epoch
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.manifest.seeds import context_seed
from syndr_curate.curate.storage.atomic import atomic_path
from torch import nn

from ..shared.networks import one_thread, with_direction
from ..shared.work import Task
from .arms import ALL, BID, SELECTED, Arm, read_arms
from .pictures import LABELED
from .predictions import Shifted
from .renderings import read_pool
from .settings import SEED, SIMILARITIES, Run
from .target import TARGET, read_target
from .training_rows import read_rows

FINALISTS = (ALL, BID, SELECTED)
HIDDEN, RATE, BATCH = 64, 1e-3, 128
Matrix = NDArray[np.float32]
# Given an epoch and the hidden features of all rows: the rows to train on.
EpochRows = Callable[[int, Callable[[], Matrix]], NDArray[np.int64]]


@dataclass(frozen=True)
class HeadSet:
    """What a head is trained on and asked about.

    Attributes:
        features: (N, D), standardized.
        labels: N on [0, 10].
        target: (T, D), by the same mean and spread.
    """

    features: Matrix
    labels: Matrix
    target: Matrix


@dataclass(frozen=True)
class HeadRun:
    """Predictions of one training: (steps, T) of a head that saw all rows, or those that DRCDown kept.

    Attributes:
        predicted: Of the head.
        at_random: Of a head whose epochs lost as many rows at random; None without DRCDown.
        kept_share: Mean share of rows that an epoch kept.
    """

    predicted: NDArray[np.float64]
    at_random: NDArray[np.float64] | None
    kept_share: float


def head_tasks(run: Run) -> list[Task]:
    """Return what is left to train, seed by seed, so that a run cut short compares all over the seeds that it has."""
    arms = [arm for arm in read_arms(run) if arm.key in FINALISTS]
    return [
        (_train_and_save, (run, arm, similarity, seed), {})
        for seed in range(run.size.head_seeds)
        for arm in arms
        for similarity in (None, *SIMILARITIES)
        if not _path(run, arm.key, similarity, seed).is_file()
    ]


def read_heads(run: Run, key: str, similarity: float | None) -> dict[int, HeadRun]:
    """Return the trainings that are there, by seed."""
    found = {}
    for seed in range(run.size.head_seeds):
        path = _path(run, key, similarity, seed)
        if path.is_file():
            with np.load(path, allow_pickle=False) as stored:
                at_random = stored.get("at_random")
                found[seed] = HeadRun(stored["predicted"], at_random, float(stored["kept_share"]))
    return found


def train_head(data: HeadSet, steps: tuple[int, ...], seed: int, choose_rows: EpochRows) -> NDArray[np.float64]:
    """Train a head by the mean absolute error.

    Args:
        data: What it is trained on.
        steps: Ascending numbers of steps at which it is asked.
        seed: Fixes the first weights and the order of the rows.
        choose_rows: Names the rows of each epoch.

    Returns:
        (steps, T) predicted labels of the target's pictures.
    """
    with one_thread():
        torch.manual_seed(seed)
        rng = np.random.Generator(np.random.PCG64(context_seed("real-photos-head", SEED, seed)))
        hidden = nn.Sequential(nn.Linear(data.features.shape[1], HIDDEN), nn.ReLU())
        last = nn.Linear(HIDDEN, 1)
        network = nn.Sequential(hidden, last, nn.Flatten(0))
        # The first answer is the mean label: the few steps are for differences.
        with torch.no_grad():
            last.bias.fill_(float(data.labels.mean()))
        optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
        features, labels, target = (torch.from_numpy(part) for part in (data.features, data.labels, data.target))

        def hidden_features() -> Matrix:
            with torch.no_grad():
                found: Matrix = hidden(features).numpy()
            return found

        answers, done, epoch = [], 0, 0
        while done < steps[-1]:
            order = rng.permutation(choose_rows(epoch, hidden_features))
            for start in range(0, len(order), BATCH):
                batch = torch.from_numpy(order[start : start + BATCH])
                loss = (network(features[batch]) - labels[batch]).abs().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                done += 1
                if done in steps:
                    with torch.no_grad():
                        answers.append(network(target).double().numpy())
                if done == steps[-1]:
                    break
            epoch += 1
    return np.stack(answers)


class ThinnedEpochs:
    """Chooses the rows of each epoch by DRCDown, from the head's own features before the epoch."""

    def __init__(self, table: pa.Table, similarity: float, seed: int) -> None:
        """Take the training manifest and the bound."""
        self.table, self.settings = table, DownsampleSettings(similarity=similarity, seed=seed)
        self.ids = tuple(table["sample_id"].to_pylist())
        self.place = {identifier: row for row, identifier in enumerate(self.ids)}
        self.counts: list[int] = []

    def __call__(self, epoch: int, features: Callable[[], Matrix]) -> NDArray[np.int64]:
        """Return the rows that an epoch keeps."""
        matrix = Features(with_direction(features()), self.ids, self.ids, "the head", {})
        kept = downsample_epoch(matrix, self.table, epoch=epoch, settings=self.settings).kept
        self.counts.append(len(kept))
        return np.array([self.place[identifier] for identifier in kept["sample_id"].to_pylist()])


def _train_and_save(run: Run, arm: Arm, similarity: float | None, seed: int) -> None:
    pool = read_pool(run, LABELED)
    rows = read_rows(run, arm)
    place = {identifier: row for row, identifier in enumerate(pool.manifest["sample_id"].to_pylist())}
    # In the manifest's order, as downsampled rows come.
    order = np.argsort([place[identifier] for identifier in rows.sample_ids.tolist()])
    places = np.array([place[identifier] for identifier in rows.sample_ids[order].tolist()])
    shift = Shifted(pool.features[places].astype(np.float64))
    target = read_target(run, TARGET)[1]
    data = HeadSet(
        shift.of(pool.features[places]).astype(np.float32),
        rows.labels[order].astype(np.float32),
        shift.of(target).astype(np.float32),
    )
    every = np.arange(len(places))
    steps = run.size.head_steps
    if similarity is None:
        _save(_path(run, arm.key, None, seed), HeadRun(train_head(data, steps, seed, lambda *_: every), None, 1.0))
        return
    thinned = ThinnedEpochs(label(manifest=pool.manifest.take(places), conditions="kadid10k"), similarity, seed)
    predicted = train_head(data, steps, seed, thinned)
    rng = np.random.Generator(np.random.PCG64(context_seed("real-photos-drop", SEED, seed)))

    def at_random(epoch: int, _: Callable[[], Matrix]) -> NDArray[np.int64]:
        # Kept rows differ in number: the last epoch of the one may be one earlier than that of the other.
        count = thinned.counts[min(epoch, len(thinned.counts) - 1)]
        return np.sort(rng.choice(every, count, replace=False))

    share = float(np.mean(thinned.counts)) / len(every)
    _save(_path(run, arm.key, similarity, seed), HeadRun(predicted, train_head(data, steps, seed, at_random), share))


def _save(path: Path, found: HeadRun) -> None:
    arrays = {"predicted": found.predicted, "kept_share": np.array(found.kept_share)}
    if found.at_random is not None:
        arrays["at_random"] = found.at_random
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _path(run: Run, key: str, similarity: float | None, seed: int) -> Path:
    return run.path("heads", f"{key}-{'plain' if similarity is None else similarity}-{seed:02d}.npz")
