"""A small network on frozen features: for the finalists, and for what needs features that are learned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from syndr_curate.curate.manifest.seeds import context_seed
from syndr_curate.curate.storage.atomic import atomic_path
from torch import nn

from ..shared.networks import one_thread
from ..shared.work import Task
from .arms import ALL, BID, KEPT, SELECTED, Arm, read_arms
from .pictures import CANDIDATES, LABELED
from .predictions import Shifted
from .renderings import read_pool
from .settings import SEED, Run
from .target import TARGET, read_target
from .thinning.epochs import AllRows, Chooser
from .thinning.length import Length, batches
from .training_rows import read_rows

FINALISTS = (ALL, BID, SELECTED)
HIDDEN, RATE, BATCH = 64, 1e-3, 128
Matrix = NDArray[np.float32]


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


def head_tasks(run: Run) -> list[Task]:
    """Return what is left to train, seed by seed, so that a run cut short compares all over the seeds that it has."""
    arms = [arm for arm in read_arms(run) if arm.key in FINALISTS]
    return [
        (_train_and_save, (run, arm, seed), {})
        for seed in range(run.size.head_seeds)
        for arm in arms
        if not _path(run, arm.key, seed).is_file()
    ]


def read_heads(run: Run, key: str) -> dict[int, NDArray[np.float64]]:
    """Return the answers (steps, T) that are there, by seed."""
    paths = {seed: _path(run, key, seed) for seed in range(run.size.head_seeds)}
    return {seed: np.load(path, allow_pickle=False) for seed, path in paths.items() if path.is_file()}


def head_set(run: Run, arm: Arm) -> HeadSet:
    """Return the rows of an arm, whose added rows may be candidates, and the target, for a head."""
    rows = read_rows(run, arm)
    features = np.empty((0, 0), np.float32)
    for pool in dict.fromkeys(rows.pools.tolist()):
        found = read_pool(run, CANDIDATES if pool == KEPT else pool)
        place = {identifier: row for row, identifier in enumerate(found.manifest["sample_id"].to_pylist())}
        own = np.flatnonzero(rows.pools == pool)
        if not features.size:
            features = np.empty((len(rows.labels), found.features.shape[1]), np.float32)
        features[own] = found.features[[place[identifier] for identifier in rows.sample_ids[own].tolist()]]
    shift = Shifted(features[rows.pools == LABELED].astype(np.float64))
    target = read_target(run, TARGET)[1]
    return HeadSet(
        shift.of(features).astype(np.float32), rows.labels.astype(np.float32), shift.of(target).astype(np.float32)
    )


def train_head(
    data: HeadSet, chooser: Chooser, length: Length, seed: int, asked: tuple[int, ...] = ()
) -> tuple[NDArray[np.float64], int]:
    """Train a head by the mean absolute error.

    Args:
        data: What it is trained on.
        chooser: The rows of each epoch, and what their errors count.
        length: When it ends.
        seed: Fixes the first weights and the order of the rows.
        asked: Ascending numbers of steps at which it is asked; by default at the end.

    Returns:
        (asked, T) predicted labels of the target's pictures, and how many steps were made.
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

        def answer() -> NDArray[np.float64]:
            with torch.no_grad():
                found: NDArray[np.float64] = network(target).double().numpy()
            return found

        answers, done = [], 0
        for batch in batches(length, chooser, BATCH, rng, hidden_features):
            rows, weights = torch.from_numpy(batch.rows), torch.from_numpy(batch.weights)
            loss = ((network(features[rows]) - labels[rows]).abs() * weights).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done in asked:
                answers.append(answer())
        return np.stack(answers if asked else [answer()]), done


def _train_and_save(run: Run, arm: Arm, seed: int) -> None:
    data, steps = head_set(run, arm), run.size.head_steps
    found, _ = train_head(data, AllRows(len(data.labels)), Length(steps=steps[-1]), seed, steps)
    with atomic_path(_path(run, arm.key, seed)) as temporary, temporary.open("wb") as file:
        np.save(file, found)


def _path(run: Run, key: str, seed: int) -> Path:
    return run.path("heads", f"{key}-{seed:02d}.npy")
