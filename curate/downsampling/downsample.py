"""Stage `downsample`: one epoch's manifest, redundant clusters thinned (Algorithm 3, DRCDown)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..datasets.feature_files import as_features
from ..datasets.features import Features
from ..errors import CurateError
from ..manifest.manifest import ok_rows, read_manifest, validate
from ..manifest.provenance import attach, digest_array, digest_table, make_provenance, read_provenance
from ..manifest.schema import CLUSTER_FIELDS
from ..runs.executors import Executor
from ..runs.progress import SILENT, Reporter
from ..similarity import check_rows, cluster_statistics
from .clusters import (
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
from .draw import keep_mask, number_by_smallest_id

DownsampleSettings = Thresholds


@dataclass(frozen=True)
class Downsampled:
    """What one epoch keeps, what it leaves out, and the figures about it.

    Attributes:
        kept: Rows of the epoch, in the manifest's order, with `cluster_id` and `cluster_size`.
        dropped: The training rows left out, with the same columns.
        summary: `rows_in, rows_kept, clusters, largest_cluster, clusters_reduced, effective_clusters,
            heterogeneity, rows_not_ok`.
    """

    kept: pa.Table
    dropped: pa.Table
    summary: dict[str, Any]


def downsample(
    features: Features | Path | str | NDArray[np.floating[Any]],
    manifest: pa.Table | Path | str,
    *,
    epoch: int,
    similarity: float = SIMILARITY,
    label_gap: float = LABEL_GAP,
    keep_min: int = KEEP_MIN,
    keep_fraction: float = KEEP_FRACTION,
    scope: Scope = "all",
    seed: int = 123,
    device: str = "cpu",
    executor: Executor | None = None,
) -> pa.Table:
    """Return the rows of a training manifest that one epoch keeps.

    Args:
        features: One row per ok row of the manifest (N, D): a file, `Features`, or a matrix in the manifest's order.
        manifest: A training manifest, or its file.
        epoch: Number of the epoch to come.
        similarity: Two rows are alike when their cosine is above this (strict) ...
        label_gap: ... and their labels, on [0, 10], are less than this apart (strict).
        keep_min: A cluster keeps at least this many members.
        keep_fraction: Share of a larger cluster that is kept.
        scope: `all`, or `mos` to leave pseudo-labelled rows alone.
        seed: The run's seed.
        device: `cpu` or `cuda`.
        executor: Who looks for clusters; by default threads of this process. It never changes what is kept.

    Returns:
        The kept rows in the manifest's order, with `cluster_id` and `cluster_size`.

    Raises:
        CurateError: The manifest lacks labels, or the features do not match it; the message names the ids.

    Source: SynDR-IQA, Algorithm 3 (DRCDown).
    """
    settings = DownsampleSettings(similarity, label_gap, keep_min, keep_fraction, scope, seed, device)
    return downsample_epoch(features, manifest, epoch=epoch, settings=settings, executor=executor).kept


def downsample_epoch(
    features: Features | Path | str | NDArray[np.floating[Any]],
    manifest: pa.Table | Path | str,
    *,
    epoch: int,
    settings: DownsampleSettings | None = None,
    executor: Executor | None = None,
    reporter: Reporter = SILENT,
) -> Downsampled:
    """Filter a training manifest for one epoch.

    Rows with status `ok` and split `train` are clustered: two are linked when their features' cosine is above
    `similarity` and their labels less than `label_gap` apart; a cluster is a connected component. Clusters above
    `keep_min` keep max(keep_min, floor(size x keep_fraction)) members, drawn by (seed, epoch, members).

    Args:
        features: One row per ok row of the manifest (N, D): a file, `Features`, or a matrix in the manifest's order.
        manifest: A training manifest, or its file.
        epoch: Number of the epoch to come.
        settings: Thresholds.
        executor: Who looks for clusters; by default threads of this process. It never changes what is kept.
        reporter: Shows progress.

    Returns:
        Kept and dropped rows, and the summary.

    Raises:
        CurateError: The manifest lacks labels, or the features do not match it; the message names the ids.

    Source: SynDR-IQA, Algorithm 3 (DRCDown).
    """
    settings = settings or DownsampleSettings()
    table = (
        read_manifest(manifest, training=True)
        if isinstance(manifest, str | Path)
        else validate(manifest, training=True)
    )
    usable = ok_rows(table)
    ids: list[str] = usable["sample_id"].to_pylist()
    found = as_features(features)
    matrix = found.aligned_to(ids, "the manifest's ok rows")
    feature_rows = check_rows(matrix, ids, found.source)
    if epoch < 0:
        raise CurateError(f"epoch is {epoch}; expected 0 or more")

    training = training_rows(usable)
    filtered = filtered_rows(usable, training, settings.scope)
    components = cluster_rows(usable, feature_rows, filtered, settings, executor, reporter)
    filtered_ids = [ids[int(row)] for row in filtered]
    mask = keep_mask(
        filtered_ids,
        components,
        keep_min=settings.keep_min,
        keep_fraction=settings.keep_fraction,
        seed=settings.seed,
        epoch=epoch,
    )
    keep = np.zeros(len(usable), dtype=bool)
    keep[training] = True
    keep[filtered[~mask]] = False
    drop = np.zeros(len(usable), dtype=bool)
    drop[filtered[~mask]] = True

    clustered = _with_clusters(usable, filtered, number_by_smallest_id(filtered_ids, components))
    provenance = _provenance(table, matrix, ids, epoch, settings)
    return Downsampled(
        kept=attach(clustered.filter(pa.array(keep)), provenance),
        dropped=attach(clustered.filter(pa.array(drop)), {**provenance, "rows": "dropped"}),
        summary={
            **_summary(components, mask, len(training), int(keep.sum())),
            "rows_not_ok": len(table) - len(usable),
        },
    )


def _with_clusters(usable: pa.Table, rows: NDArray[np.int64], numbers: NDArray[np.int32]) -> pa.Table:
    clusters = np.full(len(usable), -1, np.int64)
    clusters[rows] = numbers
    sizes = np.zeros(len(usable), np.int64)
    sizes[rows] = np.bincount(numbers)[numbers] if len(numbers) else 0
    absent = clusters < 0
    table = usable.drop_columns([f.name for f in CLUSTER_FIELDS if f.name in usable.column_names])
    for field, values in zip(CLUSTER_FIELDS, (clusters, sizes), strict=True):
        table = table.append_column(field, pa.array(values, pa.int32(), mask=absent))
    return table


def _summary(components: NDArray[np.integer], mask: NDArray[np.bool_], rows_in: int, rows_kept: int) -> dict[str, Any]:
    statistics = cluster_statistics(components)
    return {
        "rows_in": rows_in,
        "rows_kept": rows_kept,
        "clusters": statistics.clusters,
        "largest_cluster": statistics.largest_cluster,
        "clusters_reduced": len(np.unique(components[~mask])),
        "effective_clusters": statistics.effective_clusters,
        "heterogeneity": statistics.heterogeneity,
    }


def _provenance(
    table: pa.Table,
    matrix: NDArray[np.floating[Any]],
    ids: list[str],
    epoch: int,
    settings: DownsampleSettings,
) -> dict[str, Any]:
    before = read_provenance(table)
    config = {
        "similarity": settings.similarity,
        "label_gap": settings.label_gap,
        "keep_min": settings.keep_min,
        "keep_fraction": settings.keep_fraction,
        "scope": settings.scope,
        "seed": settings.seed,
        "epoch": epoch,
    }
    inputs = {"manifest": digest_table(table), "features": digest_array(matrix, ids)}
    kept = {key: before.get(key) for key in ("label_scale", "roots", "pixels", "exif_orient")}
    parent = {
        "stage": before.get("stage"),
        "config_digest": before.get("config_digest"),
        "inputs": before.get("inputs"),
    }
    return make_provenance("downsample", config, inputs, parent=parent if before else None, **kept)
