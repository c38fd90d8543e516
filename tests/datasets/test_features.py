"""Features in memory: matched by id, refused by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate import CurateError
from syndr_curate.curate.datasets.feature_files import as_features
from syndr_curate.curate.datasets.features import Features, check_features, require_usable

ROWS = np.array([[1, 2], [3, 4], [5, 6]], np.float32)


@given(st.permutations(range(6)), st.permutations(range(6)))
def test_alignment_follows_ids_whatever_the_two_orders(order_of_file, order_wanted):
    ids = tuple(f"r{k}" for k in order_of_file)
    features = Features(np.array(order_of_file, np.float32)[:, None], ids, ids, "file", {})
    aligned = features.aligned_to([f"r{k}" for k in order_wanted], "rows")
    assert aligned[:, 0].tolist() == list(order_wanted)


def test_ids_that_do_not_fit_are_named():
    features = Features(ROWS, ("a", "b", "c"), None, "ours", {})
    with pytest.raises(CurateError, match="ours has no features for 2 of the rows: 'x', 'y'"):
        features.aligned_to(["x", "a", "b", "c", "y"], "the rows")
    with pytest.raises(CurateError, match="ours holds 1 ids that are not among the rows: 'b'"):
        features.aligned_to(["c", "a"], "the rows")


def test_ids_that_repeat_or_are_too_few_are_refused():
    for ids, message in ((("a", "b", "a"), "'a'"), (("a", "b"), "ours has 2 ids for 3 rows")):
        with pytest.raises(CurateError, match=message):
            check_features(Features(ROWS, ids, None, "ours", {}))


def test_features_that_fit_are_the_same_after_the_check():
    features = Features(ROWS, ("a", "b", "c"), None, "ours", {})
    assert check_features(features) is features


def test_a_matrix_in_memory_is_spoken_of_as_such():
    with pytest.raises(CurateError, match=r"the feature matrix has 3 rows, but the rows are 2; .*<stem>\.ids\.txt"):
        as_features(ROWS).aligned_to(["a", "b"], "the rows")


def test_rows_without_a_direction_are_named_by_id():
    rows = np.array([[1, 0], [np.nan, 1], [0, 0], [np.inf, 1], [-0.0, 0]])
    with pytest.raises(CurateError) as refused:
        require_usable(rows, list("abcde"), "f.npy")
    assert str(refused.value) == ("f.npy has 2 rows with NaN or infinity: 'b', 'd'; 2 rows that are all zero: 'c', 'e'")


def test_rows_whose_length_cannot_be_squared_are_named_by_id():
    with pytest.raises(CurateError, match="2 rows of a length beyond all measure: 'b', 'c'"):
        require_usable(np.array([[1.0, 0.0], [1e200, 0.0], [1e-200, 0.0]]), list("abc"), "f.npy")


def test_small_float16_rows_are_usable():
    require_usable(np.full((2, 3), 6e-8, np.float16), list("ab"), "f.npy")


def test_blocks_do_not_shift_the_ids(monkeypatch):
    monkeypatch.setattr("syndr_curate.curate.datasets.features._CHECK_BYTES", 16)
    rows = np.ones((5, 2), np.float32)
    rows[3] = 0
    with pytest.raises(CurateError, match="1 rows that are all zero: 'd'"):
        require_usable(rows, list("abcde"), "f")
