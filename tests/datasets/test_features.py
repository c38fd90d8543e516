"""Features in memory: matched by id, refused by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate import CurateError
from syndr_curate.curate.datasets.feature_files import as_features
from syndr_curate.curate.datasets.features import Features, check_features

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


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (["A", "B", "C"], "3 would match but for upper and lower case, e.g. 'A' in the rows and 'a' in ours"),
        (["a", "b", "c.png"], "1 would match but for the image suffix, e.g. 'c.png' in the rows and 'c' in ours"),
        (["x", "y"], "no id is in both, e.g. 'x' in the rows and 'a' in ours"),
    ],
)
def test_why_ids_do_not_fit_is_said(wanted, reason):
    with pytest.raises(CurateError, match=reason):
        Features(ROWS, ("a", "b", "c"), None, "ours", {}).aligned_to(wanted, "the rows")


def test_one_text_is_no_list_of_ids():
    with pytest.raises(CurateError, match="the rows: 'abc' is one text"):
        Features(ROWS, ("a", "b", "c"), None, "ours", {}).aligned_to("abc", "the rows")


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
