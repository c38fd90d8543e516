"""The rows of each arm with their labels and weights: written down before a score is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from syndr_curate import select
from syndr_curate.curate.manifest.seeds import context_seed
from syndr_curate.curate.manifest.selection import kept_rows
from syndr_curate.curate.storage.atomic import atomic_path

from .arms import KEPT, Arm, read_arms
from .labels import content_features, read_labels_of
from .pictures import CANDIDATES, LABELED
from .renderings import CAMERA_POOL, CHAINS, POOLS, read_pool
from .settings import SEED, Run

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Rows that arms draw on.

    Attributes:
        sample_ids: N ids.
        references: N ids.
        types: N distortion ids; 0 in a pool that arms take as a whole.
        levels: N, likewise.
        features: (N, D).
        labels: N labels on [0, 10], by source.
    """

    sample_ids: NDArray[np.str_]
    references: NDArray[np.str_]
    types: NDArray[np.int64]
    levels: NDArray[np.int64]
    features: Vector
    labels: dict[str, Vector]

    def rows(self, kind: int | None) -> NDArray[np.intp]:
        """Return the rows of a type; None: all."""
        return np.arange(len(self.types)) if kind is None else np.flatnonzero(self.types == kind)


def read_pools(run: Run) -> dict[str, Pool]:
    """Return all pools by name; `kept` holds the candidates that `select` keeps."""
    pools = {}
    for name in POOLS:
        found = read_pool(run, name)
        whole = name in (CHAINS, CAMERA_POOL)
        none = np.zeros(len(found.manifest), np.int64)
        pools[name] = Pool(
            sample_ids=np.array(found.manifest["sample_id"].to_pylist()),
            references=np.array(found.manifest["reference_id"].to_pylist()),
            types=none if whole else found.manifest["distortion_id"].to_numpy().astype(np.int64),
            levels=none if whole else found.manifest["level"].to_numpy().astype(np.int64),
            features=found.features.astype(np.float64),
            labels=read_labels_of(run, name),
        )
    new = pools[CANDIDATES]
    kept = np.isin(new.references, read_kept(run))
    labels = {source: labels[kept] for source, labels in new.labels.items()}
    pools[KEPT] = Pool(
        new.sample_ids[kept], new.references[kept], new.types[kept], new.levels[kept], new.features[kept], labels
    )
    return pools


def keep_candidates(run: Run) -> None:
    """Select candidates by their content (Algorithm 1); nothing if that is done."""
    if not _kept_path(run).is_file():
        found = select(content_features(run, LABELED), content_features(run, CANDIDATES), count=None, seed=SEED)
        with atomic_path(_kept_path(run)) as temporary:
            pq.write_table(pa.table({"reference_id": [name for name, _ in kept_rows(found)]}), temporary)


def read_kept(run: Run) -> list[str]:
    """Return the candidates that `select` kept."""
    names: list[str] = pq.read_table(_kept_path(run))["reference_id"].to_pylist()
    return names


def write_rows(run: Run) -> None:
    """Write the rows, labels and weights of every arm; those that are there stay."""
    pools = read_pools(run)
    weights = reference_weights(run, pools)
    for arm in read_arms(run):
        path = _rows_path(run, arm)
        if path.is_file():
            continue
        blocks = [(pool, pools[pool].rows(kind)) for pool, kind in arm.blocks()]
        table = pa.table(
            {
                "pool": np.concatenate([np.full(len(rows), pool) for pool, rows in blocks]).tolist(),
                "sample_id": np.concatenate([pools[pool].sample_ids[rows] for pool, rows in blocks]).tolist(),
                "label": np.concatenate(arm_labels(arm, pools)),
                "weights": [
                    weights[pools[pool].references[row]].tolist() for pool, rows in blocks for row in rows.tolist()
                ],
            }
        )
        with atomic_path(path) as temporary:
            pq.write_table(table, temporary)


def arm_labels(arm: Arm, pools: dict[str, Pool]) -> list[Vector]:
    """Return the labels of an arm's rows, block by block."""
    labels = []
    for pool, kind in arm.blocks():
        found = pools[pool].labels[arm.source][pools[pool].rows(kind)]
        labels.append(_shuffled(found, pools[pool], kind) if arm.control == "shuffled" else found)
    if arm.control == "constant":
        mean = np.concatenate([y for y, (pool, _) in zip(labels, arm.blocks(), strict=True) if pool == LABELED]).mean()
        labels = [
            y if pool == LABELED else np.full_like(y, mean) for y, (pool, _) in zip(labels, arm.blocks(), strict=True)
        ]
    return labels


def reference_weights(run: Run, pools: dict[str, Pool]) -> dict[str, NDArray[np.int64]]:
    """Return, for every reference, its weight without resampling, and in each resample.

    Labeled references and candidates are drawn with replacement, each among themselves.
    """
    weights = {}
    for pool in (LABELED, CANDIDATES):
        names = sorted(set(pools[pool].references.tolist()))
        counts = [np.ones(len(names), np.int64)]
        for number in range(run.size.resamples):
            rng = np.random.Generator(np.random.PCG64(context_seed("real-photos-resample", SEED, pool, number)))
            counts.append(rng.multinomial(len(names), np.full(len(names), 1 / len(names))))
        weights.update(dict(zip(names, np.array(counts).T, strict=True)))
    return weights


@dataclass(frozen=True)
class ArmRows:
    """What was written down of an arm: R is the number of resamples.

    Attributes:
        pools: N names.
        sample_ids: N ids.
        labels: N on [0, 10].
        weights: (N, 1 + R): without resampling, and in each resample.
    """

    pools: NDArray[np.str_]
    sample_ids: NDArray[np.str_]
    labels: Vector
    weights: NDArray[np.int64]


def read_rows(run: Run, arm: Arm) -> ArmRows:
    """Return the rows of an arm."""
    table = pq.read_table(_rows_path(run, arm))
    pools, ids = (np.array(table[name].to_pylist()) for name in ("pool", "sample_id"))
    return ArmRows(pools, ids, table["label"].to_numpy(), np.array(table["weights"].to_pylist()))


def _shuffled(labels: Vector, pool: Pool, kind: int | None) -> Vector:
    """Let labels change places among the references of one type and level."""
    levels = pool.levels[pool.rows(kind)]
    result = labels.copy()
    for level in np.unique(levels).tolist():
        rng = np.random.Generator(np.random.PCG64(context_seed("real-photos-shuffle", SEED, kind or 0, level)))
        places = np.flatnonzero(levels == level)
        result[places] = labels[rng.permutation(places)]
    return result


def _kept_path(run: Run) -> Path:
    return run.path("content", "kept.parquet")


def _rows_path(run: Run, arm: Arm) -> Path:
    return run.path("arms", f"{arm.key}.parquet")
