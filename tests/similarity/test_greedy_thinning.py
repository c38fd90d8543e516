"""Thinning against the definition (closest pair, again and again) and the sorted sweep."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.similarity import edges_below, farthest, nearest, nearest_and_farthest, thin
from syndr_curate.curate.similarity.thinning import greedy_thinning
from syndr_curate.curate.similarity.thinning.drop_distances import lower_drop_distances
from syndr_curate.curate.similarity.upper_bounds import sketch, tried_sketch


def exact_distances(rows):
    distances, indices = nearest(rows, rows, len(rows))
    square = np.empty((len(rows), len(rows)))
    np.put_along_axis(square, indices, distances, axis=1)
    return square


def drop_first_of_closest_pair(rows, distance):
    """Algorithm 1, step 3, word for word."""
    square = exact_distances(rows)
    square[np.tril_indices(len(rows))] = np.inf
    alive = np.ones(len(rows), dtype=bool)
    while alive.sum() > 1:
        first, second = np.unravel_index(np.argmin(square), square.shape)
        if not square[first, second] < distance:
            break
        alive[first] = False
        square[first, :] = np.inf
        square[:, first] = np.inf
    return alive


def sweep(rows, distance):
    d, i, j = edges_below(rows, distance)
    alive = np.ones(len(rows), dtype=bool)
    for edge in np.lexsort((j, i, d)):
        if alive[i[edge]] and alive[j[edge]]:
            alive[i[edge]] = False
    return alive


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 120),
    d=st.sampled_from([2, 3, 16, 200]),
    copies=st.sampled_from([1, 4]),
    distance=st.sampled_from([0.0, 0.01, 0.1, 0.3, 0.7, 2.5]),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    tile=st.sampled_from([1, 8, 64, 1024]),
)
def test_thinning_follows_the_definition(*, seed, n, d, copies, distance, dtype, tile):
    rng = np.random.default_rng(seed)
    few = rng.standard_normal((max(1, n // copies), d)).astype(dtype)
    rows = few[rng.integers(0, len(few), n)] if copies > 1 else few
    expected = drop_first_of_closest_pair(rows, distance)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(greedy_thinning, "TILE_ROWS", tile)
        ours = thin(rows, distance)
        assert sweep(rows, distance).tolist() == expected.tolist()
    assert ours.dtype == np.bool_
    assert ours.tolist() == expected.tolist()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(20, 150),
    copies=st.sampled_from([1, 4]),
    noise=st.sampled_from([0.0, 0.2, 0.5]),
    distance=st.sampled_from([0.01, 0.1, 0.3, 0.7]),
    axes=st.sampled_from([1, 8, 20]),
    patience=st.sampled_from([0, 10, 10**12]),
    tile=st.sampled_from([1, 3, 4]),
)
def test_a_sketch_changes_nothing(*, seed, n, copies, noise, distance, axes, patience, tile):
    rng = np.random.default_rng(seed)
    few = rng.standard_normal((max(1, n // copies), 40))
    rows = (few[rng.integers(0, len(few), n)] + noise * rng.standard_normal((n, 40))).astype(np.float32)
    expected = drop_first_of_closest_pair(rows, distance)
    used = []

    def sketch_anyway(rows, order, found, _trial, _pairs):
        used.append(axes)
        return sketch(rows, order, found[:, :axes])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(greedy_thinning, "TILE_ROWS", tile)
        patch.setattr(greedy_thinning, "most_axes", lambda _width: 20)
        patch.setattr(greedy_thinning, "worth_a_trial", lambda _pairs, _width: True)
        patch.setattr(greedy_thinning, "tried_sketch", sketch_anyway)
        patch.setattr(greedy_thinning, "decisions_for", lambda *_: patience)
        assert thin(rows, distance).tolist() == expected.tolist()
    assert used


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(20, 150),
    d=st.sampled_from([2, 3, 40]),
    copies=st.sampled_from([1, 4, 15]),
    noise=st.sampled_from([0.0, 1e-5, 0.2, 0.5]),
    distance=st.sampled_from([0.01, 0.1, 0.3, 0.7, 2.5]),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    in_reach=st.sampled_from([1, 2, 10**9]),
    sketched=st.booleans(),
    tile=st.sampled_from([1, 3, 4, 16]),
)
def test_pivots_change_nothing(*, seed, n, d, copies, noise, distance, dtype, in_reach, sketched, tile):
    rng = np.random.default_rng(seed)
    few = rng.standard_normal((max(1, n // copies), d))
    rows = (few[rng.integers(0, len(few), n)] + noise * rng.standard_normal((n, d))).astype(dtype)
    expected = drop_first_of_closest_pair(rows, distance)

    def sketch_anyway(rows, order, axes, _trial, _pairs):
        return sketch(rows, order, axes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(greedy_thinning, "TILE_ROWS", tile)
        patch.setattr(greedy_thinning, "IN_REACH", in_reach)
        if sketched:
            patch.setattr(greedy_thinning, "most_axes", lambda width: min(8, width))
            patch.setattr(greedy_thinning, "worth_a_trial", lambda _pairs, _width: True)
            patch.setattr(greedy_thinning, "tried_sketch", sketch_anyway)
        assert thin(rows, distance).tolist() == expected.tolist()


def test_dropped_rows_of_families_that_lie_apart_are_compared_with_their_own_family_only(monkeypatch):
    # ten near copies of each of 30 axes: nine of ten are dropped, and the cosine with the one that stays rules them out
    rng = np.random.default_rng(3)
    rows = np.eye(30, 64)[np.arange(300) % 30] + 0.02 * rng.standard_normal((300, 64))
    expected = drop_first_of_closest_pair(rows, 0.3)
    columns = []

    def watched(patch, rows, drops, lowest, allowance):
        columns.extend(int(column) for column in patch.columns if column >= patch.rows[-1] + 1)
        return lower_drop_distances(patch, rows, drops, lowest, allowance)

    monkeypatch.setattr(greedy_thinning, "TILE_ROWS", 20)
    monkeypatch.setattr(greedy_thinning, "IN_REACH", 4)
    monkeypatch.setattr(greedy_thinning, "lower_drop_distances", watched)
    assert thin(rows, 0.3).tolist() == expected.tolist()
    assert expected.tolist() == [False] * 270 + [True] * 30
    assert set(columns) == set(range(270, 300))  # the rows that stay; no product of a dropped row behind a block


def test_a_pool_large_enough_to_be_sketched_keeps_the_same_rows(monkeypatch):
    # families of ten near copies that have much in common: some rows are in reach of most pivots, and a sketch helps
    rng = np.random.default_rng(5)
    centers = np.zeros((300, 128), dtype=np.float32)
    centers[:, :40] = rng.standard_normal((300, 40))
    centers[:, 0] = 7.0
    rows = centers[np.arange(3000) % 300] + 0.25 * rng.standard_normal((3000, 128)).astype(np.float32)
    plain = thin(rows, 0.2)
    found = []

    def watched(rows, order, axes, trial, pairs):
        found.append(tried_sketch(rows, order, axes, trial, 1000 * pairs))
        return found[-1]

    monkeypatch.setattr(greedy_thinning, "TILE_ROWS", 256)
    monkeypatch.setattr(greedy_thinning, "IN_REACH", 10**9)
    monkeypatch.setattr(greedy_thinning, "worth_a_trial", lambda _pairs, _width: True)
    monkeypatch.setattr(greedy_thinning, "tried_sketch", watched)
    assert (thin(rows, 0.2) == plain).all()
    assert plain.sum() == 300
    assert any(sketch is not None for sketch in found)


def test_a_sketch_that_leaves_too_much_over_is_dropped_and_tried_again(monkeypatch):
    # unrelated rows, at a distance that one axis says nothing about: every tile is given up
    rows = np.random.default_rng(7).standard_normal((400, 80)).astype(np.float32)
    plain = thin(rows, 0.9)
    tried = []

    def one_axis(rows, order, axes, _trial, _pairs):
        tried.append(len(order))
        return sketch(rows, order, axes[:, :1])

    monkeypatch.setattr(greedy_thinning, "TILE_ROWS", 10)
    monkeypatch.setattr(greedy_thinning, "worth_a_trial", lambda _pairs, _width: True)
    monkeypatch.setattr(greedy_thinning, "tried_sketch", one_axis)
    assert (thin(rows, 0.9) == plain).all()
    assert 3 <= len(tried) <= 6  # at an eighth, a quarter and half of the rows, for each of the two groups


def test_of_three_rows_in_a_row_the_first_of_the_closest_pair_goes():
    # angles 0°, 10°, 25°: the pair (0, 1) is closest, 0 goes; then (1, 2) is too close, 1 goes
    angles = np.radians([0, 10, 25])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert thin(rows, 0.2).tolist() == [False, False, True]
    assert thin(rows, 0.02).tolist() == [False, True, True]
    assert thin(rows, 0.01).tolist() == [True, True, True]


def test_a_fallen_row_pulls_nobody_down():
    # 1 is between 0 and 2; (1, 2) is closest, so 1 is dropped first and 0, far from 2, stays
    angles = np.radians([0, 20, 35])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert thin(rows, 0.1).tolist() == [True, False, True]


def test_of_copies_only_the_last_stays():
    assert thin(np.ones((5, 3), dtype=np.float32), 0.1).tolist() == [False] * 4 + [True]


def test_only_the_rows_named_take_part_in_their_order():
    angles = np.radians([0, 90, 10, 25])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert thin(rows, 0.05, among=np.array([0, 2, 3])).tolist() == [False, False, True]
    assert thin(rows, 0.05, among=np.array([3, 2, 0])).tolist() == [True, False, True]
    assert thin(rows, 0.2, among=np.array([], dtype=np.int64)).tolist() == []


def test_a_pair_exactly_at_the_distance_stays():
    rows = np.array([[3, 4], [1, 0]], dtype=np.float32)  # distance 1 - 3/5
    assert thin(rows, 1.0 - 0.6).tolist() == [True, True]
    assert thin(rows, 0.41).tolist() == [False, True]


def test_edges_below_lists_pairs_in_order_with_exact_distances():
    rows = np.array([[1, 0], [0, 1], [1, 1], [1, 0]], dtype=np.float32)
    d, i, j = edges_below(rows, 0.5)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(0, 2), (0, 3), (1, 2), (2, 3)]
    np.testing.assert_allclose(d, [1 - 0.5**0.5, 0, 1 - 0.5**0.5, 1 - 0.5**0.5], atol=1e-15)
    assert len(edges_below(rows[:0], 0.5)[0]) == 0


REFERENCE_DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", "../shared/data")) / "refset"


@pytest.mark.skipif(not REFERENCE_DATA.exists(), reason="the shared reference features are not here")
def test_the_real_references_give_the_published_bounds_and_counts():
    training, candidates = (
        np.load(REFERENCE_DATA / name)["features"] for name in ("train_ref.npz", "additional_ref.npz")
    )
    lower = np.median(nearest(training, training, 1, exclude_self=True)[0])
    upper = farthest(training, training).max()
    assert (round(lower, 5), round(upper, 5)) == (0.27837, 0.64790)
    near, _, far = nearest_and_farthest(candidates, training)
    kept = (near > lower) & (far < upper)
    assert ((near > lower).sum(), (far < upper).sum(), kept.sum()) == (33, 76, 29)
    assert thin(candidates[kept], lower).sum() == 24
