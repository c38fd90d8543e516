import numpy as np
import pytest
from syndr_curate.curate.similarity import cluster_statistics


def test_balanced_clusters_have_no_heterogeneity():
    found = cluster_statistics(np.array([0, 0, 1, 1, 2, 2]))
    assert (found.clusters, found.largest_cluster, found.share_in_large) == (3, 2, 0.0)
    assert found.effective_clusters == 3.0
    assert found.heterogeneity == 0.0


def test_sizes_of_30_and_10_worked_by_hand():
    found = cluster_statistics(np.repeat([4, 1], [30, 10]).astype(np.int32))
    assert (found.clusters, found.largest_cluster) == (2, 30)
    assert found.share_in_large == 0.75
    assert cluster_statistics(np.repeat([4, 1], [30, 10]), large=9).share_in_large == 1.0
    assert found.effective_clusters == pytest.approx(1600 / 1000)
    assert found.heterogeneity == pytest.approx(2 * 1000 / 1600 - 1)


def test_no_rows_give_zeros():
    found = cluster_statistics(np.empty(0, dtype=np.int32))
    assert (found.clusters, found.effective_clusters, found.heterogeneity) == (0, 0.0, 0.0)
