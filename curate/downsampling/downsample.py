"""Stage `downsample`: one epoch's manifest, redundant clusters thinned (Algorithm 3, DRCDown)."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..datasets.feature_files import as_features
from ..datasets.features import Features
from ..errors import CurateWarning
from ..manifest.joining.rows import JOINED_LABELS
from ..manifest.lost_metadata import refuse_lost_recipes
from ..manifest.manifest import ok_rows, read_manifest, validate
from ..manifest.pixel_facts import recorded_pixel_facts
from ..manifest.provenance import attach, digest_array, digest_table, make_provenance, read_provenance
from ..manifest.roots import home_of, with_home
from ..manifest.schema import CLUSTER_FIELDS
from ..runs.executors import Executor
from ..runs.progress import SILENT, Reporter
from .epoch import draw_epoch, epoch_clusters, epoch_features, epoch_rows
from .meaningful_bounds import note_meaningless_bound
from .settings import DownsampleSettings, Scope, check_epoch


@dataclass(frozen=True)
class Downsampled:
    """What one epoch keeps, what it leaves out, and the figures about it.

    Attributes:
        kept: Rows of the epoch, in the manifest's order, with `cluster_id` and `cluster_size`.
        dropped: The training rows left out, with the same columns.
        summary: `rows_in, rows_kept, clusters, largest_cluster, clusters_reduced, effective_clusters,
            heterogeneity, rows_not_ok`; and `note` where the bound means nothing for these features.
    """

    kept: pa.Table
    dropped: pa.Table
    summary: dict[str, Any]


def downsample(
    features: Features | pa.Table | Path | str | NDArray[np.floating[Any]],
    manifest: pa.Table | Path | str,
    *,
    epoch: int,
    similarity: float = DownsampleSettings.similarity,
    label_gap: float = DownsampleSettings.label_gap,
    keep_min: int = DownsampleSettings.keep_min,
    keep_fraction: float = DownsampleSettings.keep_fraction,
    scope: Scope = DownsampleSettings.scope,
    seed: int = DownsampleSettings.seed,
    device: str = DownsampleSettings.device,
    executor: Executor | None = None,
) -> pa.Table:
    """Return the rows of a training manifest that one epoch keeps.

    Args:
        features: One row per ok row of the manifest (N, D): a file, `Features`, a table as `encode` gives it, or a
            matrix in the manifest's order.
        manifest: A training manifest, or its file.
        epoch: Number of the epoch to come.
        similarity: Two rows are alike when their cosine is above this (strict) ...
        label_gap: ... and their labels, on [0, 10], are less than this apart (strict).
        keep_min: A cluster keeps at least this many members.
        keep_fraction: Share of a larger cluster that is kept.
        scope: `all`, or `mos` to leave pseudo-labeled rows alone.
        seed: The run's seed.
        device: `cpu` or `cuda`.
        executor: Who looks for clusters; by default threads of this process. It never changes what is kept.

    Returns:
        The kept rows in the manifest's order, with `cluster_id` and `cluster_size`. Where `similarity` means nothing
        for these features, a `CurateWarning` says so and names bounds that would thin.

    Raises:
        CurateError: The manifest lacks labels, or the features do not match it; the message names the ids.

    Source: SynDR-IQA, Algorithm 3 (DRCDown).
    """
    settings = DownsampleSettings(similarity, label_gap, keep_min, keep_fraction, scope, seed, device)
    result = downsample_epoch(features, manifest, epoch=epoch, settings=settings, executor=executor)
    if "note" in result.summary:
        warnings.warn(result.summary["note"], CurateWarning, stacklevel=2)
    return result.kept


def downsample_epoch(
    features: Features | pa.Table | Path | str | NDArray[np.floating[Any]],
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
        features: One row per ok row of the manifest (N, D): a file, `Features`, a table as `encode` gives it, or a
            matrix in the manifest's order.
        manifest: A training manifest, or its file.
        epoch: Number of the epoch to come.
        settings: What makes two rows alike, how much of a cluster is kept, and the seed; by default the paper's best.
        executor: Who looks for clusters; by default threads of this process. It never changes what is kept.
        reporter: Shows progress, and says where the bound means nothing for these features.

    Returns:
        Kept and dropped rows, and the summary.

    Raises:
        CurateError: The manifest lacks labels or has lost its metadata, or the features do not match it; the message
            names the ids.

    Source: SynDR-IQA, Algorithm 3 (DRCDown).
    """
    settings = settings or DownsampleSettings()
    epoch = check_epoch(epoch)
    table = (
        read_manifest(manifest, training=True)
        if isinstance(manifest, str | Path)
        else validate(manifest, training=True)
    )
    refuse_lost_recipes(table)
    usable = ok_rows(table)
    rows = epoch_rows(usable, settings.scope)
    feature_rows = epoch_features(rows, as_features(features), "the manifest's ok rows")
    clusters = epoch_clusters(rows, feature_rows, settings, executor, reporter)
    note = note_meaningless_bound(rows, feature_rows, clusters, settings)
    if note is not None:
        reporter.note(note)
    draw = draw_epoch(rows, clusters, settings, epoch=epoch)

    clustered = _with_clusters(usable, rows.filtered, clusters)
    config = {**settings.draw_settings(), "epoch": epoch}
    inputs = {"manifest": digest_table(table), "features": digest_array(feature_rows.matrix, rows.ids)}
    provenance = _provenance(read_provenance(table), config, inputs)
    return Downsampled(
        kept=with_home(attach(_rows(clustered, draw.kept), provenance), home_of(table)),
        dropped=with_home(attach(_rows(clustered, draw.dropped), {**provenance, "rows": "dropped"}), home_of(table)),
        summary={
            **draw.summary,
            "rows_not_ok": len(table) - len(usable),
            **({} if note is None else {"note": note}),
        },
    )


def _with_clusters(usable: pa.Table, filtered: NDArray[np.int64], clusters: NDArray[np.int32]) -> pa.Table:
    of_row = np.full(len(usable), -1, np.int64)
    of_row[filtered] = clusters
    sizes = np.zeros(len(usable), np.int64)
    sizes[filtered] = np.bincount(clusters)[clusters] if len(clusters) else 0
    absent = of_row < 0
    table = usable.drop_columns([f.name for f in CLUSTER_FIELDS if f.name in usable.column_names])
    for field, values in zip(CLUSTER_FIELDS, (of_row, sizes), strict=True):
        table = table.append_column(field, pa.array(values, pa.int32(), mask=absent))
    return table


def _rows(table: pa.Table, numbers: NDArray[np.int64]) -> pa.Table:
    mask = np.zeros(len(table), bool)
    mask[numbers] = True
    return table.filter(pa.array(mask))


def _provenance(before: dict[str, Any], config: dict[str, Any], inputs: dict[str, str]) -> dict[str, Any]:
    kept = {key: before.get(key) for key in ("label_scale", "roots", JOINED_LABELS)} | recorded_pixel_facts(before)
    parent = {
        "stage": before.get("stage"),
        "config_digest": before.get("config_digest"),
        "inputs": before.get("inputs"),
    }
    return make_provenance("downsample", config, inputs, parent=parent if before else None, **kept)
