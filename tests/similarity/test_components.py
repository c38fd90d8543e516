"""threshold_components against a dense float64 reference, on every regime, order and tile size."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.runs import threads
from syndr_curate.curate.similarity import threshold_components, tile_search
from syndr_curate.curate.similarity.tiles import joined_pairs

GUARD = 1e-12


def dense_components(features, labels, similarity=0.9, label_gap=1.0):
    """The definition: all cosines at once in float64, every edge walked."""
    x = np.asarray(features, dtype=np.float64)
    x = x / np.abs(x).max(axis=1, keepdims=True)
    dots = x @ x.T
    lengths = np.sqrt(np.diag(dots))
    edge = dots / np.outer(lengths, lengths) > similarity + GUARD
    if labels is not None:
        y = np.asarray(labels).astype(np.float64)
        edge &= np.abs(y[:, None] - y[None, :]) < label_gap
    components = np.full(len(x), -1)
    for number, start in enumerate(_starts(components)):
        frontier = [start]
        components[start] = number
        while frontier:
            reached = np.flatnonzero(edge[frontier.pop()] & (components < 0))
            components[reached] = number
            frontier.extend(reached)
    return components


def _starts(components):
    for row in range(len(components)):
        if components[row] < 0:
            yield row


def clusters(rng, n, d, spread=0.25):
    centers = rng.standard_normal((max(1, n // 12), d))
    noise = rng.standard_normal((n, d)) * spread
    return centers[rng.integers(0, len(centers), n)] + noise


def collapsed(rng, n, d):
    return rng.standard_normal(d) + rng.standard_normal((n, d)) * rng.uniform(0.02, 0.15)


def mostly_one(rng, n, d):
    """Collapsed but for a few rows."""
    return np.where(rng.random((n, 1)) < 0.9, collapsed(rng, n, d), rng.standard_normal((n, d)))


def around_the_threshold(rng, n, d):
    """Cosines heaped about 0.9, so that many must be decided again in float64."""
    return rng.standard_normal(d) * 3.0 + rng.standard_normal((n, d))


def far_apart(rng, n, d):
    return rng.standard_normal((n, d)) * np.where(rng.random((n, 1)) < 0.5, 1e-3, 1e3)


def duplicates(rng, n, d):
    few = clusters(rng, max(1, n // 6), d)
    return few[rng.integers(0, len(few), n)]


def few_directions(rng, n, d):
    """Rows in a space of 3 dimensions: long chains, every cosine, bridges between clusters."""
    return rng.standard_normal((n, 3)) @ rng.standard_normal((3, d))


REGIMES = [clusters, collapsed, mostly_one, around_the_threshold, far_apart, duplicates, few_directions]
LABELS = {
    "spread": lambda rng, n: rng.uniform(0, 10, n).astype(np.float32),
    "equal": lambda _, n: np.full(n, 5.0, dtype=np.float32),
    "steps": lambda rng, n: rng.integers(0, 11, n).astype(np.float32),
    "half steps": lambda rng, n: (rng.integers(0, 21, n) / 2).astype(np.float32),
    "none": lambda _rng, _n: None,
}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32 - 1),
    regime=st.sampled_from(REGIMES),
    rating=st.sampled_from(sorted(LABELS)),
    shape=st.tuples(st.integers(0, 600), st.sampled_from([1, 2, 8, 31, 32, 100, 512])),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    tile_rows=st.sampled_from([None, 1, 7, 64, 1000]),
    similarity=st.sampled_from([0.9, 0.5, 0.99, 0.0, -0.5]),
)
def test_components_are_those_of_dense_float64(*, seed, regime, rating, shape, dtype, tile_rows, similarity):
    n, d = shape
    rng = np.random.default_rng(seed)
    n = min(n, 60) if tile_rows == 1 else n
    features = regime(rng, n, d).astype(dtype)
    features[~features.any(axis=1)] = 1.0
    labels = LABELS[rating](rng, n)
    ours = threshold_components(features, labels, similarity, tile_rows=tile_rows)
    assert ours.dtype == np.int32
    assert ours.tolist() == dense_components(features, labels, similarity).tolist()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), regime=st.sampled_from(REGIMES), rating=st.sampled_from(sorted(LABELS)))
def test_the_partition_does_not_depend_on_row_order(seed, regime, rating):
    rng = np.random.default_rng(seed)
    features = regime(rng, 300, 64).astype(np.float32)
    labels = LABELS[rating](rng, 300)
    shuffle = rng.permutation(300)
    straight = threshold_components(features, labels)
    shuffled = threshold_components(features[shuffle], None if labels is None else labels[shuffle])
    pairs = set(zip(straight[shuffle].tolist(), shuffled.tolist(), strict=True))
    assert len(pairs) == straight.max() + 1 == shuffled.max() + 1


@pytest.mark.parametrize("regime", REGIMES)
def test_wide_rows_of_4096_numbers(regime):
    rng = np.random.default_rng(7)
    features = regime(rng, 250, 4096).astype(np.float32)
    labels = LABELS["spread"](rng, 250)
    assert threshold_components(features, labels).tolist() == dense_components(features, labels).tolist()


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("rating", sorted(LABELS))
def test_every_regime_with_every_kind_of_label(regime, rating):
    rng = np.random.default_rng(11)
    features = regime(rng, 600, 48).astype(np.float32)
    labels = LABELS[rating](rng, 600)
    ours = threshold_components(features, labels, tile_rows=128)
    assert ours.tolist() == dense_components(features, labels).tolist()


def test_labels_exactly_one_apart_are_not_joined():
    features = np.ones((3, 4), dtype=np.float32)
    labels = np.array([2.0, 3.0, np.nextafter(np.float32(2.0), np.float32(3.0))], dtype=np.float32)
    assert threshold_components(features[:2], labels[:2]).tolist() == [0, 1]
    assert threshold_components(features, labels).tolist() == [0, 0, 0]  # the third is within 1 of both


def test_the_label_gap_is_taken_in_float64_of_the_float32_labels():
    # 1 - 1e-9 is below 1 in float64, but rounds to 1 in float32
    low, high = np.float32(1e-9), np.float32(1.0)
    assert high - low == np.float32(1.0)
    assert threshold_components(np.ones((2, 4)), np.array([low, high])).tolist() == [0, 0]


@pytest.mark.parametrize("scale", [1.0, 2.0**-40, 2.0**60])
def test_a_cosine_exactly_at_the_threshold_is_not_above_it(scale):
    # (3, 4) and (1, 0): cosine 3/5; (4, 3) and (1, 0): 4/5, all exact in float64
    features = (np.array([[3, 4], [1, 0]]) * scale).astype(np.float32)
    assert threshold_components(features, None, similarity=0.6).tolist() == [0, 1]
    assert threshold_components(features, None, similarity=0.6 - 1e-10).tolist() == [0, 0]
    assert threshold_components(features, None, similarity=0.6 - 1e-13).tolist() == [0, 1]  # within the guard


def test_cosines_a_millionth_of_a_millionth_about_the_threshold_are_told_apart():
    for step, joined in [(-1e-11, False), (0.0, False), (1e-11, True)]:
        angle = math.acos(0.9 + step)
        features = np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
        assert threshold_components(features, None).tolist() == ([0, 0] if joined else [0, 1])


def test_a_chain_is_one_cluster_though_its_ends_are_opposite():
    angles = np.linspace(0, np.pi, 40)
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert set(threshold_components(features, None)) == {0}
    assert set(threshold_components(features[::8], None)) == set(range(5))


def test_labels_chain_only_through_similar_rows():
    # equal directions rated 0, 0.9, 1.8, ... hang together; one missing link cuts the chain
    labels = (np.arange(10) * 0.9).astype(np.float32)
    features = np.ones((10, 3), dtype=np.float32)
    assert set(threshold_components(features, labels)) == {0}
    features[5] = [1, -1, 0]
    assert threshold_components(features, labels).tolist() == [0] * 5 + [1] + [2] * 4


def test_clusters_are_numbered_by_first_row():
    features = np.eye(4, dtype=np.float32)[[2, 0, 2, 3, 0, 1]]
    assert threshold_components(features, None).tolist() == [0, 1, 0, 2, 1, 3]


@pytest.mark.parametrize("tile_rows", [None, 1])
def test_no_rows_and_one_row(tile_rows):
    empty = threshold_components(np.empty((0, 5), dtype=np.float32), np.empty(0, np.float32), tile_rows=tile_rows)
    assert empty.shape == (0,)
    assert threshold_components(np.ones((1, 5), dtype=np.float32), None, tile_rows=tile_rows).tolist() == [0]


def test_a_memory_mapped_file_reads_like_an_array(tmp_path):
    rng = np.random.default_rng(3)
    features = clusters(rng, 500, 40).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert threshold_components(mapped, None).tolist() == threshold_components(features, None).tolist()


def test_views_with_gaps_and_foreign_byte_order_read_like_plain_arrays():
    rng = np.random.default_rng(4)
    features = clusters(rng, 200, 40).astype(np.float32)
    expected = threshold_components(features, None).tolist()
    assert threshold_components(np.asfortranarray(features), None).tolist() == expected
    assert threshold_components(features.astype(">f4"), None).tolist() == expected
    assert threshold_components(np.repeat(features, 2, axis=0)[::2], None).tolist() == expected


def test_rows_of_one_component_are_not_compared_again(monkeypatch):
    features = np.ones((600, 8), dtype=np.float32)
    features[[100, 300, 500], 0] = -9.0
    compared = []

    def counted(patch, *rest):
        compared.append(patch.numbers.size)
        return joined_pairs(patch, *rest)

    monkeypatch.setattr(threads, "cores", lambda: 1)  # one tile after the other
    monkeypatch.setattr(tile_search, "joined_pairs", counted)
    found = threshold_components(features, None, tile_rows=200)
    assert np.unique(found).tolist() == [0, 1]
    assert np.flatnonzero(found).tolist() == [100, 300, 500]
    # neighbors leave the runs 0-99, 101-299, 301-499, 501-599; the tile of rows 0-199 joins the two halves of it all
    assert sum(compared) < 600 * 600 / 2


def test_progress_counts_up_to_the_whole():
    seen = []
    features = clusters(np.random.default_rng(5), 300, 20)
    threshold_components(features, None, tile_rows=64, progress=lambda done, total: seen.append((done, total)))
    done, totals = zip(*seen, strict=True)
    assert all(a < b for a, b in itertools.pairwise(done))
    assert set(totals) == {done[-1]}


def test_an_interrupt_ends_the_run_at_once():
    totals = []

    def interrupt(_done, total):
        totals.append(total)
        raise KeyboardInterrupt

    features = clusters(np.random.default_rng(6), 600, 20)
    with pytest.raises(KeyboardInterrupt):
        threshold_components(features, None, tile_rows=16, progress=interrupt)
    # Every thread finishes the tile that it is at, and takes no other.
    assert len(totals) <= min(threads.cores(), totals[0] - 1)


@pytest.mark.parametrize(
    ("features", "labels", "settings_", "named"),
    [
        (np.ones(5), None, {}, "NxD"),
        (np.ones((5, 2), dtype=np.int64), None, {}, "int64"),
        (np.ones((5, 0)), None, {}, "NxD"),
        (np.ones((5, 2)), np.ones(4), {}, "5 in all"),
        (np.ones((2, 2)), np.array([1.0, np.nan]), {}, "rows 1"),
        (np.ones((5, 2)), None, {"similarity": 1.5}, "similarity is 1.5"),
        (np.ones((5, 2)), None, {"similarity": math.nan}, "similarity is nan"),
        (np.ones((5, 2)), None, {"label_gap": 0.0}, "label gap is 0.0"),
        (np.ones((5, 2)), None, {"tile_rows": 0}, "tile rows is 0"),
        (np.ones((5, 2)), None, {"device": "tpu"}, "tpu"),
    ],
)
def test_malformed_input_is_refused_with_what_was_given(features, labels, settings_, named):
    with pytest.raises(CurateError, match=named):
        threshold_components(features, labels, **settings_)
