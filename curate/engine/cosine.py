"""Cosine geometry over many rows: what the stages call, gathered in one place."""

from __future__ import annotations

from .cosine_graph import threshold_components
from .cosine_neighbors import farthest, nearest, nearest_and_farthest
from .cosine_rows import validate_features
from .cosine_statistics import ClusterStatistics, cluster_statistics
from .cosine_thin import edges_below, thin

__all__ = [
    "ClusterStatistics",
    "cluster_statistics",
    "edges_below",
    "farthest",
    "nearest",
    "nearest_and_farthest",
    "thin",
    "threshold_components",
    "validate_features",
]
