"""The clusters of a report: how large they were, what was kept of them, and who was in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..datasets.features import Features
from ..downsampling.epoch import epoch_clusters, epoch_features, epoch_rows
from ..downsampling.settings import DownsampleSettings
from ..errors import CurateError
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.manifest import ok_rows
from ..manifest.provenance import digest_array, read_provenance
from ..manifest.seeds import uniform_draw
from ..runs.progress import SILENT, Reporter
from ..similarity import ClusterStatistics, cluster_statistics
from ..storage.mapped_pages import give_back_pages
from .rows import LEFT

# Sizes are drawn in classes that double: a cluster of 3 and one of 300 both stay visible.
SIZE_CLASSES = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, 100), (101, 200), (201, 500), (501, None))
GALLERY_CLUSTERS, GALLERY_MEMBERS = 12, 12


@dataclass(frozen=True)
class Clusters:
    """The clusters that `downsample` wrote into an epoch's manifest.

    Attributes:
        of_row: Sample id to cluster, for every row whose cluster is known.
        sizes: Cluster to its rows before thinning.
        kept: Cluster to the rows kept of it.
        note: Why the clusters of rows left out are not known; None where they are.
    """

    of_row: Mapping[str, int]
    sizes: Mapping[int, int]
    kept: Mapping[int, int]
    note: str | None = None


@dataclass(frozen=True)
class GalleryCluster:
    """One of the largest clusters, with some of its members.

    Attributes:
        cluster: Its number.
        size: Its rows before thinning.
        kept: The rows kept of it.
        shown_kept: Sample ids of some that were kept, sorted.
        shown_left: Sample ids of some that were left out, sorted; none where their clusters are not known.
    """

    cluster: int
    size: int
    kept: int
    shown_kept: list[str] = field(default_factory=list)
    shown_left: list[str] = field(default_factory=list)


def read_clusters(after: pa.Table) -> Clusters | None:
    """Take the clusters out of an epoch's manifest; None where it has none."""
    if "cluster_id" not in after.column_names or "cluster_size" not in after.column_names:
        return None
    rows = after.filter(pc.and_(pc.is_valid(after["cluster_id"]), pc.equal(after["status"], "ok")))
    if not len(rows):
        return None
    numbers = rows["cluster_id"].to_pylist()
    sizes = dict(zip(numbers, rows["cluster_size"].fill_null(0).to_pylist(), strict=True))
    kept = dict(zip(*(part.tolist() for part in np.unique(numbers, return_counts=True)), strict=True))
    return Clusters(dict(zip(rows["sample_id"].to_pylist(), numbers, strict=True)), sizes, kept)


def with_left_out(clusters: Clusters, left: Mapping[str, int]) -> Clusters:
    """Add the clusters of rows that were left out."""
    return Clusters({**left, **clusters.of_row}, clusters.sizes, clusters.kept)


def clusters_from_dropped(dropped: pa.Table, before: pa.Table) -> dict[str, int]:
    """Read sample id to cluster from what `downsample --dropped` wrote.

    Args:
        dropped: The rows left out.
        before: The manifest that they were left out of.

    Raises:
        CurateError: None of the rows is of that manifest.
    """
    if "cluster_id" not in dropped.column_names:
        return {}
    rows = dropped.filter(pc.is_valid(dropped["cluster_id"]))
    ids, known = rows["sample_id"].to_pylist(), set(before["sample_id"].to_pylist())
    if ids and known.isdisjoint(ids):
        reason = explain_mismatch(ids, known, wanted_in="the dropped rows", given_in="the first manifest")
        raise CurateError(f"the dropped rows are of none of the first manifest's rows{reason}")
    return dict(zip(ids, rows["cluster_id"].to_pylist(), strict=True))


def find_left_out(
    clusters: Clusters, before: pa.Table, after: pa.Table, features: Features, reporter: Reporter = SILENT
) -> Clusters:
    """Work out which clusters the rows left out were in, by clustering again as the epoch's manifest says it was done.

    Args:
        clusters: Those of the epoch's manifest.
        before: The manifest that was thinned.
        after: The epoch's manifest, with the settings of `downsample` in its provenance.
        features: One row per ok row of `before`; without ids, in their order.
        reporter: Shows progress.

    Returns:
        The clusters with the rows left out, or with a note why they cannot be told: another features file, other rows,
        or a manifest that `downsample` did not make from `before`.
    """
    usable = ok_rows(before)
    wanted = usable["sample_id"].to_pylist()
    if features.ids is not None and set(features.ids) != set(wanted):
        reason = explain_mismatch(wanted, features.ids, wanted_in="the manifest", given_in="the features")
        return _noted(clusters, f"the features are not of exactly the first manifest's ok rows{reason}")
    provenance = read_provenance(after)
    config = provenance.get("config", {})
    if provenance.get("stage") != "downsample" or not {"similarity", "label_gap", "scope"} <= set(config):
        return _noted(clusters, "the later manifest does not say how it was thinned")
    settings = DownsampleSettings(
        similarity=float(config["similarity"]), label_gap=float(config["label_gap"]), scope=config["scope"]
    )
    rows = epoch_rows(usable, settings.scope)
    feature_rows = epoch_features(rows, features, "the first manifest's ok rows")
    if (provenance.get("inputs") or {}).get("features") != digest_array(feature_rows.matrix, rows.ids):
        return _noted(clusters, "these are not the features that the later manifest was thinned by")
    found = epoch_clusters(rows, feature_rows, settings, reporter=reporter)
    give_back_pages(features.matrix)
    numbers = dict(zip(rows.filtered_ids, found.tolist(), strict=True))
    sizes = dict(enumerate(np.bincount(found).tolist()))
    if sizes != clusters.sizes or any(numbers.get(kept) != number for kept, number in clusters.of_row.items()):
        return _noted(clusters, "clustering again gave other clusters")
    return with_left_out(clusters, numbers)


def size_figures(clusters: Clusters) -> dict[str, Any]:
    """Return rows and clusters per class of size, and the statistics before and after thinning.

    Returns:
        `classes`: `label, clusters, rows_before, rows_kept` of each class from the smallest up to the largest that
        occurs; `before`, `after`: `clusters, largest, effective, heterogeneity, share_in_large`.
    """
    sizes = np.array([clusters.sizes[number] for number in clusters.sizes], dtype=np.int64)
    kept = np.array([clusters.kept[number] for number in clusters.sizes], dtype=np.int64)
    classes = []
    for low, high in SIZE_CLASSES:
        inside = (sizes >= low) & (sizes <= (high or sizes.max()))
        classes.append(
            {
                "label": f"{low}" if low == high else f"{low}-{high}" if high else f"over {low - 1}",
                "clusters": int(inside.sum()),
                "rows_before": int(sizes[inside].sum()),
                "rows_kept": int(kept[inside].sum()),
            }
        )
    while classes and not classes[-1]["clusters"]:
        classes.pop()
    return {"classes": classes, "before": _statistics(sizes), "after": _statistics(kept)}


def largest_clusters(
    clusters: Clusters,
    left_ids: Sequence[str],
    *,
    count: int = GALLERY_CLUSTERS,
    members: int = GALLERY_MEMBERS,
    seed: int,
) -> list[GalleryCluster]:
    """Choose the largest clusters, and draw some members of each.

    Args:
        clusters: All clusters.
        left_ids: Sample ids of the rows that were left out.
        count: How many clusters.
        members: At most so many of either kind from each.
        seed: Seed of the draw, which depends on it, the cluster and its members alone.

    Returns:
        The clusters by size, largest first; of equal ones the smaller number first.
    """
    order = sorted(clusters.sizes, key=lambda number: (-clusters.sizes[number], number))[:count]
    left = set(left_ids)
    by_cluster: dict[int, tuple[list[str], list[str]]] = {number: ([], []) for number in order}
    for sample_id, number in clusters.of_row.items():
        if number in by_cluster:
            by_cluster[number][sample_id in left].append(sample_id)
    return [
        GalleryCluster(
            number,
            clusters.sizes[number],
            clusters.kept.get(number, 0),
            sorted(uniform_draw(by_cluster[number][0], members, seed, "report gallery", number)),
            sorted(uniform_draw(by_cluster[number][1], members, seed, "report gallery", number)),
        )
        for number in order
    ]


def left_out(frame: pd.DataFrame) -> list[str]:
    """Return the sample ids of the rows that were left out."""
    ids: list[str] = frame["sample_id"][frame["state"] == LEFT].tolist()
    return ids


def _noted(clusters: Clusters, note: str) -> Clusters:
    return Clusters(clusters.of_row, clusters.sizes, clusters.kept, note)


def _statistics(sizes: NDArray[np.int64]) -> dict[str, float | int]:
    statistics: ClusterStatistics = cluster_statistics(np.repeat(np.arange(len(sizes)), sizes))
    return {
        "clusters": statistics.clusters,
        "largest": statistics.largest_cluster,
        "effective": round(statistics.effective_clusters, 2),
        "heterogeneity": round(statistics.heterogeneity, 4),
        "share_in_large": round(statistics.share_in_large, 4),
    }
