"""DRCDown's epoch, which command, sampler and report share: the rows, the clusters, the draw, the figures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..datasets.features import Features
from ..errors import CurateError
from ..runs.executors import Executor
from ..runs.progress import SILENT, Reporter, counting
from ..similarity import FeatureRows, check_rows, cluster_statistics, threshold_components
from .draw import keep_mask, number_by_smallest_id
from .settings import DownsampleSettings, Scope, check_epoch


@dataclass(frozen=True)
class EpochRows:
    """The rows that epochs are drawn from.

    Attributes:
        ids: Sample ids of N rows with status `ok`; row r is `ids[r]`.
        labels: (N,) quality on [0, 10], higher is better.
        training: (T,) ascending numbers of the rows with split `train`: only these can be kept.
        filtered: (F,) ascending numbers of the training rows that Algorithm 3 looks at: all, or those of the scope.
    """

    ids: list[str]
    labels: NDArray[np.floating[Any]]
    training: NDArray[np.int64]
    filtered: NDArray[np.int64]

    @property
    def filtered_ids(self) -> list[str]:
        """Sample ids of the filtered rows, in order."""
        return [self.ids[row] for row in self.filtered.tolist()]


@dataclass(frozen=True)
class EpochDraw:
    """What one epoch keeps.

    Attributes:
        kept: Ascending numbers of the training rows that are kept.
        dropped: Ascending numbers of those that are not.
        summary: `rows_in, rows_kept, clusters, largest_cluster, clusters_reduced, effective_clusters, heterogeneity`.
    """

    kept: NDArray[np.int64]
    dropped: NDArray[np.int64]
    summary: dict[str, Any]


def epoch_rows(rows: pa.Table, scope: Scope) -> EpochRows:
    """Find the rows that take part.

    Args:
        rows: N rows of a manifest with status `ok`, each with a label.
        scope: `all`, or `mos` to leave pseudo-labeled rows alone.

    Raises:
        CurateError: None of them has split `train`.
    """
    training = np.flatnonzero(_equals(rows, "split", "train")).astype(np.int64)
    if not len(training):
        raise CurateError(
            "the manifest has no row with status ok and split train; `syndr-curate inspect` counts its rows"
        )
    pseudo = _equals(rows, "label_source", "pseudo")
    filtered = training if scope == "all" else training[~pseudo[training]]
    return EpochRows(rows["sample_id"].to_pylist(), rows["label"].to_numpy(), training, filtered)


def epoch_features(rows: EpochRows, features: Features, what: str) -> FeatureRows:
    """Put features in the order of the rows and check them, reading them once.

    Args:
        rows: N rows.
        features: (N, D), matched by id where they have ids.
        what: What the rows are, for messages ("the manifest's ok rows").

    Returns:
        The features of all N rows, whether they are filtered or not.

    Raises:
        CurateError: Features are missing, superfluous, or have no direction; the message names the ids.
    """
    return check_rows(features.aligned_to(rows.ids, what), rows.ids, features.source)


def epoch_clusters(
    rows: EpochRows,
    features: FeatureRows,
    settings: DownsampleSettings,
    executor: Executor | None = None,
    reporter: Reporter = SILENT,
) -> NDArray[np.int32]:
    """Cluster the filtered rows.

    Two rows are linked when their features' cosine is above `similarity` and their labels are less than `label_gap`
    apart; a cluster is a connected component.

    Args:
        rows: N rows, F of them filtered.
        features: (N, D), as `epoch_features` gives them.
        settings: What makes two rows alike.
        executor: Who looks for clusters; by default threads of this process. It never changes what is found.
        reporter: Shows progress.

    Returns:
        (F,) the cluster of each filtered row, 0 to m-1, numbered by the smallest sample id.

    Source: SynDR-IQA, Algorithm 3 (DRCDown), lines 1-8.
    """
    if not len(rows.filtered):
        return np.zeros(0, np.int32)
    with reporter.task("cluster", len(rows.filtered)) as task:
        components = threshold_components(
            features.take(rows.filtered),
            rows.labels[rows.filtered],
            settings.similarity,
            settings.label_gap,
            device=settings.device,
            executor=executor,
            progress=counting(task, len(rows.filtered)),
        )
    return number_by_smallest_id(rows.filtered_ids, components)


def draw_epoch(rows: EpochRows, clusters: NDArray[np.int32], settings: DownsampleSettings, *, epoch: int) -> EpochDraw:
    """Draw what one epoch keeps: every training row, but of each large cluster only a share.

    Args:
        rows: N rows, F of them filtered.
        clusters: (F,) the cluster of each filtered row.
        settings: How much of a cluster is kept, and the seed.
        epoch: Number of the epoch to come, 0 or more.

    Raises:
        CurateError: The epoch is negative.

    Source: SynDR-IQA, Algorithm 3 (DRCDown), lines 9-15.
    """
    mask = keep_mask(
        rows.filtered_ids,
        clusters,
        keep_min=settings.keep_min,
        keep_fraction=settings.keep_fraction,
        seed=settings.seed,
        epoch=check_epoch(epoch),
    )
    dropped = rows.filtered[~mask]
    kept = np.setdiff1d(rows.training, dropped, assume_unique=True)
    statistics = cluster_statistics(clusters)
    summary = {
        "rows_in": len(rows.training),
        "rows_kept": len(kept),
        "clusters": statistics.clusters,
        "largest_cluster": statistics.largest_cluster,
        "clusters_reduced": len(np.unique(clusters[~mask])),
        "effective_clusters": statistics.effective_clusters,
        "heterogeneity": statistics.heterogeneity,
    }
    return EpochDraw(kept, dropped, summary)


def _equals(table: pa.Table, column: str, value: str) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = pc.fill_null(pc.equal(table[column], value), False).to_numpy()
    return mask
