"""Which members of the clusters survive an epoch (Algorithm 3, lines 9-15)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.downsampling.draw import keep_mask, number_by_smallest_id

PAPER = {"keep_min": 20, "keep_fraction": 0.5, "seed": 123, "epoch": 3}


def ids_of(count):
    return [f"s{k:04d}" for k in range(count)]


@pytest.mark.parametrize(
    ("size", "kept"),
    [(1, 1), (19, 19), (20, 20), (21, 20), (39, 20), (40, 20), (41, 20), (42, 21), (43, 21), (100, 50)],
)
def test_identical_rows_in_one_cluster_keep_half_but_at_least_20(size, kept):
    mask = keep_mask(ids_of(size), np.zeros(size, int), **PAPER)
    assert mask.sum() == kept


def test_each_cluster_is_thinned_by_itself():
    components = np.array([0] * 100 + [1] * 10 + [2] * 50)
    mask = keep_mask(ids_of(160), components, **PAPER)
    assert [mask[components == c].sum() for c in range(3)] == [50, 10, 25]


@pytest.mark.parametrize(
    ("size", "fraction", "kept"),
    [(100, 0.29, 29), (100, 0.57, 57), (10, 0.3, 3), (10, 0.35, 3), (10, 0.0, 1), (10, 1.0, 10)],
)
def test_a_share_is_rounded_down_as_in_decimal_arithmetic(size, fraction, kept):
    mask = keep_mask(ids_of(size), np.zeros(size, int), keep_min=1, keep_fraction=fraction, seed=1, epoch=0)
    assert mask.sum() == kept


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_the_kept_set_does_not_depend_on_row_order_or_on_how_clusters_are_numbered(data):
    count = data.draw(st.integers(1, 60))
    components = np.array(data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    order = np.array(data.draw(st.permutations(range(count))))
    names = data.draw(st.permutations(range(-1, 3)))
    ids = np.array(ids_of(count))
    settings_ = {"keep_min": 5, "keep_fraction": 0.5, "seed": 9, "epoch": 2}
    kept = set(ids[keep_mask(ids.tolist(), components, **settings_)])
    renamed = np.array([names[c] for c in components])[order]
    assert set(ids[order][keep_mask(ids[order].tolist(), renamed, **settings_)]) == kept


def test_a_cluster_draws_alike_whatever_else_there_is():
    alone = keep_mask(ids_of(50), np.zeros(50, int), **PAPER)
    others = [f"x{k}" for k in range(70)]
    beside = keep_mask(others + ids_of(50), np.array([7] * 70 + [2] * 50), **PAPER)
    assert np.array_equal(beside[70:], alone)


def test_another_epoch_seed_or_member_draws_again():
    known = keep_mask(ids_of(60), np.zeros(60, int), **PAPER)
    for change in ({"epoch": 4}, {"seed": 124}):
        assert not np.array_equal(keep_mask(ids_of(60), np.zeros(60, int), **{**PAPER, **change}), known)
    another = keep_mask([*ids_of(59), "another"], np.zeros(60, int), **PAPER)
    assert not np.array_equal(another[:59], known[:59])


def test_over_many_epochs_every_member_has_its_turn():
    counts = sum(keep_mask(ids_of(40), np.zeros(40, int), **{**PAPER, "epoch": e}).astype(int) for e in range(400))
    # 400 draws of 20 of 40: 200 each, with a standard deviation of 10
    assert abs(counts - 200).max() < 50


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint32])
def test_components_may_be_any_integers(dtype):
    components = np.array([0, 1] * 30, dtype)
    assert keep_mask(ids_of(60), components, **PAPER).sum() == 40


def test_a_component_numbered_minus_one_is_a_cluster_too():
    components = np.array([-1] * 30 + [0] * 30)
    mask = keep_mask(ids_of(60), components, **PAPER)
    assert (mask[:30].sum(), mask[30:].sum()) == (20, 20)


def test_no_rows_keep_nothing():
    assert keep_mask([], np.zeros(0, int), **PAPER).tolist() == []
    assert number_by_smallest_id([], np.zeros(0, int)).tolist() == []


def test_clusters_are_numbered_by_their_smallest_id():
    numbers = number_by_smallest_id(["d", "b", "c", "a"], np.array([7, 2, 7, 2]))
    assert numbers.tolist() == [1, 0, 1, 0]
    assert numbers.dtype == np.int32


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_numbers_follow_ids_in_any_order(components, random):
    ids = ids_of(len(components))
    known = dict(zip(ids, number_by_smallest_id(ids, np.array(components)).tolist(), strict=True))
    order = list(range(len(ids)))
    random.shuffle(order)
    shuffled = number_by_smallest_id([ids[k] for k in order], np.array([components[k] for k in order]))
    assert shuffled.tolist() == [known[ids[k]] for k in order]
    assert set(known.values()) == set(range(len(set(components))))
