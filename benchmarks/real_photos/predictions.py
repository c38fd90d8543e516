"""The target's pictures as each arm rates them, under every penalty: no score is needed, none is read."""

from __future__ import annotations

from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.storage.atomic import atomic_path
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ..shared.work import Task
from .arms import Arm, read_arms, read_random_sets
from .labels import CONDITION
from .pictures import LABELED
from .ridge import FeatureSums, LabelSums, fit_ridge
from .settings import PENALTIES, TYPES, Run
from .target import TARGET, read_target
from .training_rows import ArmRows, Pool, read_pools, read_rows

Vector = NDArray[np.float64]
Block = tuple[str, int | None]


def prediction_tasks(run: Run) -> list[Task]:
    """Return what is left: all arms under one resample of the references each (0: none), and the random sets."""
    left: list[Task] = [
        (_predict_arms, (run, number), {})
        for number in range(run.size.resamples + 1)
        if not _path(run, f"resample-{number:02d}").is_file()
    ]
    if not _path(run, "random").is_file():
        left.append((_predict_random_sets, (run,), {}))
    return left


def read_predictions(run: Run, arm: Arm) -> Vector:
    """Return (1 + R, penalties, T) predicted labels of the target's pictures."""
    parts = []
    for number in range(run.size.resamples + 1):
        with np.load(_path(run, f"resample-{number:02d}"), allow_pickle=False) as stored:
            parts.append(stored[arm.key])
    return np.stack(parts)


def read_random_predictions(run: Run) -> Vector:
    """Return (sets, penalties, T) predicted labels of the target's pictures."""
    with np.load(_path(run, "random"), allow_pickle=False) as stored:
        predicted: Vector = stored["random"]
    return predicted


class Shifted:
    """Features in units of the labeled pool's spread: sums of squares keep their digits then."""

    def __init__(self, features: Vector) -> None:
        """Take mean and spread from (N, D) features."""
        spread = features.std(0)
        self.mean, self.scale = features.mean(0), np.where(spread > 0, spread, 1.0)

    def of(self, features: NDArray[np.floating]) -> Vector:
        """Return (N, D) features, shifted and scaled."""
        shifted: Vector = (features - self.mean) / self.scale
        return shifted


def _predict_arms(run: Run, resample: int) -> None:
    pools = read_pools(run)
    shift = Shifted(pools[LABELED].features)
    target = shift.of(read_target(run, TARGET)[1])
    sums: dict[Block, FeatureSums] = {}
    predicted = {}
    with threadpool_limits(limits=1):
        features = {name: shift.of(pool.features) for name, pool in pools.items()}
        for arm in read_arms(run):
            rows = read_rows(run, arm)
            weights = rows.weights[:, resample].astype(np.float64)
            labels, start = [], 0
            for block in arm.blocks():
                pool, kind = block
                places = pools[pool].rows(kind)
                stop = start + len(places)
                _require_block(rows, start, pools[pool], pool, places)
                x, w = features[pool][places], weights[start:stop]
                if block not in sums:
                    sums[block] = FeatureSums.of(x, w)
                labels.append(LabelSums.of(x, rows.labels[start:stop], w))
                start = stop
            together = reduce(add, (sums[block] for block in arm.blocks()))
            fitted = fit_ridge(together, reduce(add, labels), PENALTIES)
            predicted[arm.key] = np.stack([model.predict(target) for model in fitted])
    _save(_path(run, f"resample-{resample:02d}"), predicted)


def _predict_random_sets(run: Run) -> None:
    pool = read_pools(run)[LABELED]
    shift = Shifted(pool.features)
    target, features = shift.of(read_target(run, TARGET)[1]), shift.of(pool.features)
    sums = {}
    with threadpool_limits(limits=1):
        for kind in TYPES:
            rows = pool.rows(kind)
            x, ones = features[rows], np.ones(len(rows))
            sums[kind] = FeatureSums.of(x, ones), LabelSums.of(x, pool.labels[CONDITION][rows], ones)
        predicted = []
        for types in read_random_sets(run):
            together = reduce(add, (sums[kind][0] for kind in types))
            labels = reduce(add, (sums[kind][1] for kind in types))
            predicted.append([model.predict(target) for model in fit_ridge(together, labels, PENALTIES)])
    _save(_path(run, "random"), {"random": np.array(predicted)})


def _require_block(rows: ArmRows, start: int, pool: Pool, name: str, places: NDArray[np.intp]) -> None:
    """Hold the rows that were written down to those that the sums are of."""
    part = slice(start, start + len(places))
    if (rows.sample_ids[part] != pool.sample_ids[places]).any() or (rows.pools[part] != name).any():
        raise ValueError(f"the rows of an arm are not those of the pool {name}")


def _save(path: Path, arrays: dict[str, Vector]) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _path(run: Run, name: str) -> Path:
    return run.path("predictions", f"{name}.npz")
