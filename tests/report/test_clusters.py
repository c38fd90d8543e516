"""Clusters of a report: sizes, statistics, members, and what is not known."""

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.downsampling.downsample import downsample_epoch
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.schema import build_table
from syndr_curate.curate.report.clusters import (
    Clusters,
    clusters_from_dropped,
    find_left_out,
    largest_clusters,
    read_clusters,
    size_figures,
)


@pytest.fixture
def thinned():
    """Three rows of one direction, of which one is kept, and one that stands alone."""
    ids = ["a", "b", "c", "z"]
    columns = {"sample_id": ids, "image_path": ids, "label": pa.array([5.0] * 4, pa.float32())}
    before = build_table({**columns, "label_source": "mos", "split": "train", "status": "ok"}, 4)
    matrix = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    features = Features(matrix, tuple(ids), tuple(ids), "the features", {})
    settings = DownsampleSettings(keep_min=1, keep_fraction=0.0)
    return before, downsample_epoch(features, before, epoch=0, settings=settings).kept, features


def test_sizes_before_and_after_are_read_from_the_epochs_manifest(thinned):
    _, after, _ = thinned
    clusters = read_clusters(after)
    assert (dict(clusters.sizes), dict(clusters.kept)) == ({0: 3, 1: 1}, {0: 1, 1: 1})


def test_a_manifest_without_clusters_has_none(thinned):
    before, _, _ = thinned
    assert read_clusters(before) is None


def test_rows_left_out_are_given_back_their_cluster(thinned):
    before, after, features = thinned
    found = find_left_out(read_clusters(after), before, after, features)
    assert found.note is None
    assert dict(found.of_row) == {"a": 0, "b": 0, "c": 0, "z": 1}


def test_other_features_than_those_of_the_epoch_are_not_taken_for_them(thinned):
    before, after, features = thinned
    other = Features(features.matrix + np.float32(0.01), features.ids, features.names, "other features", {})
    assert "not the features" in find_left_out(read_clusters(after), before, after, other).note


def test_features_of_other_rows_are_not_taken_for_them_and_the_reason_is_said(thinned):
    before, after, features = thinned
    named = tuple(f"photos/{identifier}" for identifier in features.ids)
    other = Features(features.matrix, named, named, "other features", {})
    note = find_left_out(read_clusters(after), before, after, other).note
    assert note.startswith(
        "the features are not of exactly the first manifest's ok rows; 4 would match but for a folder"
    )
    assert "'a' in the manifest and 'photos/a' in the features" in note


def test_rows_dropped_from_another_manifest_are_refused(thinned):
    before, _, _ = thinned
    dropped = pa.table({"sample_id": ["B", "x"], "cluster_id": [0, 1]})
    assert clusters_from_dropped(dropped.set_column(0, "sample_id", pa.array(["b", "x"])), before) == {"b": 0, "x": 1}
    with pytest.raises(CurateError, match="none of the first manifest's rows; 1 would match but for upper and lower"):
        clusters_from_dropped(dropped, before)


def test_classes_of_size_and_statistics_of_a_hand_made_set():
    clusters = Clusters({}, {0: 1, 1: 1, 2: 4, 3: 24}, {0: 1, 1: 1, 2: 4, 3: 20})
    figures = size_figures(clusters)
    counts = {c["label"]: (c["clusters"], c["rows_before"], c["rows_kept"]) for c in figures["classes"]}
    assert counts == {
        "1": (2, 2, 2),
        "2": (0, 0, 0),
        "3-5": (1, 4, 4),
        "6-10": (0,) * 3,
        "11-20": (0,) * 3,
        "21-50": (1, 24, 20),
    }
    # n = 30, sum of squares 1 + 1 + 16 + 576 = 594: 900 / 594; after: n = 26, 1 + 1 + 16 + 400 = 418: 676 / 418
    assert (figures["before"]["effective"], figures["after"]["effective"]) == (1.52, 1.62)
    assert (figures["before"]["share_in_large"], figures["after"]["share_in_large"]) == (0.8, 0.0)


def test_the_largest_come_first_and_equal_ones_by_number():
    clusters = Clusters({}, {5: 2, 3: 9, 1: 2}, {5: 2, 3: 9, 1: 2})
    assert [c.cluster for c in largest_clusters(clusters, [], count=2, seed=1)] == [3, 1]


def test_members_are_drawn_by_seed_whatever_their_order():
    ids = [f"s{i}" for i in range(30)]
    forwards = Clusters(dict.fromkeys(ids, 0), {0: 30}, {0: 20})
    backwards = Clusters(dict.fromkeys(reversed(ids), 0), {0: 30}, {0: 20})
    left = ids[20:]
    (one,), (other,) = (largest_clusters(c, left, members=4, seed=1) for c in (forwards, backwards))
    assert one == other
    assert set(one.shown_left) <= set(left)
    assert len(one.shown_kept) == len(one.shown_left) == 4
    assert one != largest_clusters(forwards, left, members=4, seed=2)[0]
