"""What a clustering says about redundancy and diversity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGE_CLUSTER = 20  # Algorithm 3: clusters above this size are thinned


@dataclass(frozen=True)
class ClusterStatistics:
    """Sizes of clusters n₁…n_m with n = Σ nᵢ, in a few numbers.

    Attributes:
        clusters: m.
        largest_cluster: Rows in the largest cluster, 0 where there is no row.
        share_in_large: Share of rows in large clusters, 0 to 1.
        effective_clusters: n²/Σnᵢ², 1 to m: as many clusters of equal size would be as diverse. 0 without rows.
        heterogeneity: η = mΣnᵢ²/n² - 1, the squared coefficient of variation of the sizes; 0 is perfectly balanced.
            This is this project's estimator of the redundancy heterogeneity of the paper, not a formula from it.

    Source:
        The notion: SynDR-IQA (NeurIPS 2025), Theorem 3.1.
    """

    clusters: int
    largest_cluster: int
    share_in_large: float
    effective_clusters: float
    heterogeneity: float


def cluster_statistics(components: NDArray[np.integer], *, large: int = LARGE_CLUSTER) -> ClusterStatistics:
    """Describe the sizes of clusters.

    Args:
        components: N cluster numbers, one per row, any numbering from 0 up.
        large: Clusters of more rows than this are large.

    Returns:
        The statistics; zeros where there is no row.

    >>> found = cluster_statistics(np.array([0, 0, 0, 1]))
    >>> found.clusters, found.largest_cluster, found.effective_clusters  # 4^2 / (3^2 + 1^2)
    (2, 3, 1.6)
    """
    sizes = np.unique(components, return_counts=True)[1].astype(np.float64)
    if sizes.size == 0:
        return ClusterStatistics(0, 0, 0.0, 0.0, 0.0)
    rows, squares = float(sizes.sum()), float((sizes**2).sum())
    return ClusterStatistics(
        clusters=sizes.size,
        largest_cluster=int(sizes.max()),
        share_in_large=float(sizes[sizes > large].sum()) / rows,
        effective_clusters=rows**2 / squares,
        heterogeneity=sizes.size * squares / rows**2 - 1.0,
    )
