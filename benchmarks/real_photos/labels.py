"""The labels that each source gives the rows of a pool."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from syndr_curate import encode, label
from syndr_curate.curate.labeling.calibrated.model import QualityMap, mdsi_quality
from syndr_curate.curate.storage.atomic import atomic_path

from .pictures import CANDIDATES, LABELED, frames_folder
from .renderings import POOLS, Rendered, encode_to, read_pool
from .settings import Run

CONDITION, MDSI, CALIBRATED, KNN = "condition", "mdsi", "calibrated", "knn"
SINGLE = (LABELED, CANDIDATES)  # pools of single types, which people have rated the likes of
Vector = NDArray[np.float64]


def make_labels(run: Run) -> None:
    """Write the labels of every pool by every source that labels it; nothing if that is done."""
    if all(_path(run, pool).is_file() for pool in POOLS):
        return
    pools = {pool: read_pool(run, pool) for pool in POOLS}
    source = pools[LABELED]
    quality = QualityMap(source.measures, _by_condition(source))
    for name, pool in pools.items():
        labels = {MDSI: mdsi_quality(pool.measures), CALIBRATED: quality.predict(pool.measures)}
        if name in SINGLE:
            labels[CONDITION] = _by_condition(pool)
            if run.inputs.neighbor_labels is not None:
                labels[KNN] = _by_neighbors(run, name, pool)
        table = pa.table({"sample_id": pool.manifest["sample_id"], **labels})
        with atomic_path(_path(run, name)) as temporary:
            pq.write_table(table, temporary)


def read_labels_of(run: Run, pool: str) -> dict[str, Vector]:
    """Return the labels of a pool's rows on [0, 10], by source."""
    table = pq.read_table(_path(run, pool))
    return {name: table[name].to_numpy() for name in table.column_names if name != "sample_id"}


def content_features(run: Run, role: str) -> pa.Table:
    """Return content features of the frames of a role; computed once."""
    path = run.path("content", f"{role}.parquet")
    encode_to(frames_folder(run, role), path, run.size.encoder, None)
    return pq.read_table(path)


def _by_condition(pool: Rendered) -> Vector:
    return _labels(label(manifest=pool.manifest, conditions="kadid10k"))


def _by_neighbors(run: Run, role: str, pool: Rendered) -> Vector:
    given = run.inputs.neighbor_labels
    assert given is not None
    content = encode(frames_folder(run, role), given.encoder)
    return _labels(label(given.labels, given.features, content, manifest=pool.manifest))


def _labels(table: pa.Table) -> Vector:
    found: Vector = table["label"].to_numpy().astype(np.float64)
    return found


def _path(run: Run, pool: str) -> Path:
    return run.path("labels", f"{pool}.parquet")
