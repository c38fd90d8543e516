"""Cosine geometry over many rows: what the stages call, gathered in one place."""

from __future__ import annotations

from .close_pairs import edges_below
from .components import threshold_components
from .feature_rows import FeatureRows, check_rows
from .neighbors import farthest, nearest, nearest_and_farthest
from .statistics import ClusterStatistics, cluster_statistics
from .thinning.greedy_thinning import thin

__all__ = [
    "ClusterStatistics",
    "FeatureRows",
    "check_rows",
    "cluster_statistics",
    "edges_below",
    "farthest",
    "nearest",
    "nearest_and_farthest",
    "thin",
    "threshold_components",
]
