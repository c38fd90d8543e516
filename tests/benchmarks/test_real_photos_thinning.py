"""Ways of thinning: their rows, their weights, their ends, and what they are compared with."""

import numpy as np
import pytest
from syndr_curate.curate.downsampling.epoch import EpochRows
from syndr_curate.curate.similarity import check_rows

from benchmarks.real_photos.heads import HeadSet, train_head
from benchmarks.real_photos.spread import verdict
from benchmarks.real_photos.thinning.epochs import (
    AllRows,
    RandomRows,
    ThinnedRows,
    expected_gradient_weights,
    similarity_quantile,
)
from benchmarks.real_photos.thinning.heads import Trained, epochs_for, fewer_steps
from benchmarks.real_photos.thinning.length import Length, batches
from benchmarks.real_photos.thinning.variants import VARIANTS, Quantile, Variant, variant_of

# Six rows in one direction and two in another; all labels alike.
FEATURES = np.array([[1, 0]] * 6 + [[0, 1]] * 2, np.float32)
LABELS = np.full(8, 5.0, np.float32)
IDS = list("abcdefgh")
IS_NEW = np.array([False, False, True, True, True, True, False, False])


def thinned(keep_min=2, seed=0, **facts):
    variant = Variant("x", "x", facts.pop("bound", 0.9), **facts)
    return ThinnedRows(IDS, LABELS, IS_NEW, variant, seed, keep_min=keep_min)


def epoch(chooser, number=0, *, late=False):
    return chooser(number, late, lambda: FEATURES)


def test_a_cluster_is_thinned_and_the_small_one_is_left_alone():
    chooser = thinned()
    chosen = epoch(chooser)
    assert len(chosen.rows) == 3 + 2
    assert {6, 7} <= set(chosen.rows.tolist())
    assert chosen.weights.tolist() == [1.0] * 5
    assert (chooser.counts, chooser.bounds, chooser.largest) == ([5], [0.9], [0.75])


def test_weights_give_every_cluster_the_sum_that_it_has_with_all_rows():
    chosen = epoch(thinned(weighted=True))
    in_first = chosen.rows < 6
    assert chosen.weights[in_first].sum() == pytest.approx(6)
    assert chosen.weights[~in_first].tolist() == [1.0, 1.0]


def test_weights_are_size_by_number_kept():
    clusters, kept = np.array([0, 0, 0, 1, 0], np.int32), np.array([True, False, False, True, True])
    assert expected_gradient_weights(clusters, kept).tolist() == [2.0, 1.0, 2.0]


def test_only_rows_of_new_contents_are_thinned_or_only_the_others():
    pseudo = epoch(thinned(which="pseudo")).rows
    assert set(np.flatnonzero(~IS_NEW)) <= set(pseudo.tolist())
    assert len(pseudo) == 4 + 2
    human = epoch(thinned(which="human", keep_min=1)).rows
    assert set(np.flatnonzero(IS_NEW)) <= set(human.tolist())
    assert len(human) == 4 + 1 + 1


def test_the_last_eighth_sees_all_rows_only_where_the_way_says_so():
    assert len(epoch(thinned(stops=True), late=True).rows) == 8
    assert len(epoch(thinned(), late=True).rows) == 5


def test_a_bound_that_no_cosine_passes_thins_nothing():
    chooser = ThinnedRows(IDS, np.arange(8, dtype=np.float32), IS_NEW, variant_of("half"), 0, keep_min=2)
    assert len(epoch(chooser).rows) == 8  # labels are too far apart for any link
    assert chooser.bounds == [1.0]


def test_the_quantile_is_that_of_pairs_with_near_labels():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(40, 5)).astype(np.float32), rng.uniform(0, 10, 40).astype(np.float32)
    ids = [f"{k:02d}" for k in range(40)]
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    cosines = [unit[i] @ unit[j] for i in range(40) for j in range(i) if abs(labels[i] - labels[j]) < 1]
    rows = EpochRows(ids, labels, np.arange(40), np.arange(40))
    found = similarity_quantile(rows, check_rows(features, ids), 0.9, 1.0)
    assert found == pytest.approx(np.quantile(cosines, 0.9), abs=1e-6)


def test_as_many_rows_are_dropped_at_random_epoch_by_epoch():
    chooser = RandomRows(8, [5, 3], seed=0)
    drawn = [epoch(chooser, number) for number in range(3)]
    assert [len(each.rows) for each in drawn] == [5, 3, 3]
    assert all(len(set(each.rows.tolist())) == len(each.rows) for each in drawn)


def lengths_of(length, chooser, size=3):
    rng = np.random.default_rng(0)
    return [len(batch.rows) for batch in batches(length, chooser, size, rng, lambda: FEATURES)]


def test_a_training_ends_after_its_steps_or_after_its_epochs_however_short_they_are():
    assert lengths_of(Length(steps=4), AllRows(8)) == [3, 3, 2, 3]
    assert lengths_of(Length(epochs=2), AllRows(8)) == [3, 3, 2] * 2
    assert lengths_of(Length(epochs=2), RandomRows(8, [5, 3], 0)) == [3, 2, 3]
    with pytest.raises(ValueError, match="after steps or after epochs"):
        Length(steps=1, epochs=1)


def test_the_epoch_in_which_the_last_eighth_begins_is_cut_short_so_that_all_rows_come():
    chooser = thinned(stops=True)
    # 16 steps: from the 15th on all rows. Epochs of five rows have two batches, so the eighth begins with an epoch.
    assert lengths_of(Length(steps=16), chooser) == [3, 2] * 7 + [3, 3]
    assert chooser.counts == [5] * 7 + [8]
    chooser = thinned(stops=True)
    # 17 steps: from the 16th on. The epoch of the 15th loses its second batch.
    assert lengths_of(Length(steps=17), chooser) == [3, 2] * 7 + [3, 3, 3]
    assert chooser.counts == [5] * 8 + [8]


def test_epochs_stop_thinning_in_their_last_eighth_and_at_least_in_the_last():
    chooser = thinned(stops=True)
    assert lengths_of(Length(epochs=3), chooser) == [3, 2, 3, 2, 3, 3, 2]


def test_weights_change_what_a_head_learns_and_weights_of_one_do_not():
    rng = np.random.default_rng(0)
    data = HeadSet(
        rng.normal(size=(8, 3)).astype(np.float32), LABELS + np.arange(8, dtype=np.float32), np.eye(3, dtype=np.float32)
    )

    class Weighted(AllRows):
        def __init__(self, weights):
            super().__init__(8)
            self._all = self._all.__class__(self._all.rows, np.array(weights, np.float32))

    def trained(weights):
        return train_head(data, Weighted(weights), Length(steps=20), 0)[0]

    plain = train_head(data, AllRows(8), Length(steps=20), 0)[0]
    assert np.array_equal(trained([1] * 8), plain)
    assert not np.array_equal(trained([3, 1, 1, 1, 1, 1, 1, 1]), plain)


def test_the_control_with_fewer_steps_is_the_nearest_that_was_asked():
    trained = {f"plain@{n}": Trained(np.zeros(1), 1.0, n, 1.0, 0.0) for n in (5, 10, 15)}
    assert [fewer_steps(trained, made).made for made in (1, 7, 8, 40)] == [5, 5, 10, 15]


def test_epochs_come_nearest_to_a_number_of_steps():
    assert [epochs_for(200, 128, rows) for rows in (540, 1620, 6480, 10**6)] == [47, 16, 4, 1]


def test_a_way_helps_only_where_both_halves_say_so():
    def parts(a, b):
        return {"all": None, "a": {"mean": a, "half_width": 0.01}, "b": {"mean": b, "half_width": 0.01}}

    assert [verdict(parts(*pair)) for pair in ((0.02, 0.02), (0.02, 0.005), (-0.02, -0.03))] == ["helps", "", "hurts"]
    assert verdict({part: {"mean": 1.0, "half_width": None} for part in ("a", "b")}) == ""


def test_every_way_has_a_key_of_its_own():
    keys = [variant.key for variant in VARIANTS]
    assert len(set(keys)) == len(keys)
    assert isinstance(variant_of("quantile-0.99").bound, Quantile)
