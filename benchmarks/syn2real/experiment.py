"""One unit of work: train one arm with one seed, and rate the targets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.downsampling.downsample import downsample_epoch
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.labeling.correlation.coefficients import linear_correlation, rank_correlation
from syndr_curate.curate.storage.atomic import write_bytes

from ..shared.networks import one_thread, with_direction
from .network import rate, seen, train
from .pictures import CONDITIONS, load_pictures, roles_of, target_ids
from .settings import PUBLISHED_SIMILARITY, Arm, Run
from .training_sets import training_manifest, true_quality


def carry_out(run: Run, ids: Sequence[str], arm: Arm, seed: int) -> None:
    """Train one arm with one seed and write its result; nothing if that is done.

    Args:
        run: Where files lie.
        ids: All photographs.
        arm: How the training set is made.
        seed: Deals the photographs out, and fixes the first weights and the order of the rows.
    """
    path = run.result_path(arm, seed)
    if path.is_file():
        return
    with one_thread():
        result = _result(run, ids, arm, seed)
    write_bytes(path, json.dumps(result).encode())


def _result(run: Run, ids: Sequence[str], arm: Arm, seed: int) -> dict[str, Any]:
    started, worked = time.perf_counter(), time.process_time()
    roles = roles_of(ids, run, seed)
    table = training_manifest(run, arm, roles, seed)
    new = table.filter(pa.array(np.array(table["label_source"].to_pylist()) == "pseudo"))
    labels = table["label"].to_numpy().astype(np.float32)
    epochs = _Epochs(table, arm, seed)
    trained = train(seen(_images(run, table)), labels, run.size, seed, run.device, epochs.rows)
    targets = [load_pictures(run, identifier) for identifier in target_ids(ids, run)]
    others = [load_pictures(run, identifier) for identifier in roles.held_out]
    predicted = [
        rate(trained.network, seen(np.concatenate([p.images for p in each])), run.size.crop, run.device)
        for each in (targets, others)
    ]
    truth = [np.concatenate([p.quality for p in each]) for each in (targets, others)]
    return {
        "arm": arm.key,
        "seed": seed,
        "target": _agreement(truth[0], predicted[0]),
        "held_out": _agreement(truth[1], predicted[1]),
        "rows": len(table),
        "new_rows": len(new),
        "new_references": len(set(new["reference_id"].to_pylist())),
        "new_label_mae": _label_error(run, new),
        "steps": trained.steps,
        "epochs": trained.epochs,
        "last_loss": trained.last_loss,
        "epochs_thinned": epochs.figures,
        "predicted": np.round(predicted[0], 4).tolist(),
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(time.process_time() - worked, 2),
    }


class _Epochs:
    """Chooses the rows of each epoch: all of them, or what Algorithm 3 keeps."""

    def __init__(self, table: pa.Table, arm: Arm, seed: int) -> None:
        self.table, self.arm = table, arm
        self.settings = DownsampleSettings(similarity=arm.similarity or PUBLISHED_SIMILARITY, seed=seed)
        self.ids = tuple(table["sample_id"].to_pylist())
        self.place = {identifier: row for row, identifier in enumerate(self.ids)}
        self.figures: list[dict[str, float]] = []

    def rows(self, epoch: int, features: Callable[[], NDArray[np.float32]]) -> NDArray[np.int64]:
        if self.arm.similarity is None:
            return np.arange(len(self.ids))
        matrix = Features(with_direction(features()), self.ids, self.ids, "the network", {})
        thinned = downsample_epoch(matrix, self.table, epoch=epoch, settings=self.settings)
        wanted = ("rows_kept", "clusters", "largest_cluster", "clusters_reduced")
        self.figures.append({key: thinned.summary[key] for key in wanted})
        return np.array([self.place[identifier] for identifier in thinned.kept["sample_id"].to_pylist()])


def _images(run: Run, table: pa.Table) -> NDArray[np.uint8]:
    place = {condition: number for number, condition in enumerate(CONDITIONS)}
    cells: Iterable[tuple[str, int, int]] = zip(
        *(table[name].to_pylist() for name in ("reference_id", "distortion_id", "level")), strict=True
    )
    return np.stack([load_pictures(run, identifier).images[place[kind, level]] for identifier, kind, level in cells])


def _label_error(run: Run, new: pa.Table) -> float | None:
    if not len(new):
        return None
    return float(np.abs(new["label"].to_numpy() - true_quality(run, new)).mean())


def _agreement(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "srcc": rank_correlation(truth, predicted),
        "plcc": linear_correlation(truth, predicted),
        "mae": float(np.abs(truth - predicted).mean()),
    }
