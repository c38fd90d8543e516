"""Nearest and farthest references against sorted dense distances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.similarity import farthest, nearest, nearest_and_farthest, neighbors


def dense_distances(queries, references):
    a, b = np.asarray(queries, dtype=np.float64), np.asarray(references, dtype=np.float64)
    return 1.0 - (a @ b.T) / np.outer(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    q=st.integers(0, 200),
    r=st.integers(6, 200),
    d=st.sampled_from([2, 8, 33, 300]),
    k=st.integers(1, 5),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    tile=st.sampled_from([5, 64, 1024]),
)
def test_nearest_are_the_first_k_of_the_sorted_distances(*, seed, q, r, d, k, dtype, tile):
    rng = np.random.default_rng(seed)
    queries, references = rng.standard_normal((q, d)).astype(dtype), rng.standard_normal((r, d)).astype(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "QUERY_ROWS", tile)
        patch.setattr(neighbors, "REFERENCE_ROWS", tile)
        distances, indices = nearest(queries, references, k)
        near, which, far = nearest_and_farthest(queries, references)
    dense = dense_distances(queries, references)
    np.testing.assert_allclose(distances, np.sort(dense, axis=1)[:, :k], rtol=0, atol=1e-13)
    np.testing.assert_allclose(np.take_along_axis(dense, indices, axis=1), distances, rtol=0, atol=1e-13)
    assert near.tolist() == distances[:, 0].tolist()
    assert which.tolist() == indices[:, 0].tolist()
    np.testing.assert_allclose(far, dense.max(axis=1, initial=-np.inf), rtol=0, atol=1e-13)
    assert far.tolist() == farthest(queries, references).tolist()


def test_equal_distances_go_to_the_smallest_index():
    references = np.array([[0, 1], [1, 0], [2, 0], [0, 3], [4, 0]], dtype=np.float32)
    distances, indices = nearest(np.array([[5, 0]], dtype=np.float32), references, 4)
    assert indices.tolist() == [[1, 2, 4, 0]]
    assert distances.tolist() == [[0.0, 0.0, 0.0, 1.0]]


def test_a_tie_of_copies_does_not_depend_on_the_tile(monkeypatch):
    rng = np.random.default_rng(1)
    references = rng.standard_normal((40, 130)).astype(np.float32)[rng.integers(0, 40, 400)]
    queries = rng.standard_normal((30, 130)).astype(np.float32)
    expected = nearest(queries, references, 12)
    for tile in (1, 3, 17, 399):
        monkeypatch.setattr(neighbors, "REFERENCE_ROWS", tile)
        distances, indices = nearest(queries, references, 12)
        assert distances.tolist() == expected[0].tolist()
        assert indices.tolist() == expected[1].tolist()


def test_exclude_self_leaves_out_the_row_but_not_its_copies():
    rows = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    distances, indices = nearest(rows, rows, 1, exclude_self=True)
    assert indices[:, 0].tolist() == [1, 0, 0]
    assert distances[:, 0].tolist() == [0.0, 0.0, 1.0]


def test_the_distance_of_a_pair_is_the_same_from_both_sides():
    rows = np.random.default_rng(2).standard_normal((60, 777)).astype(np.float32)
    distances, indices = nearest(rows, rows, 60)
    square = np.empty((60, 60))
    np.put_along_axis(square, indices, distances, axis=1)
    assert (square == square.T).all()


def test_mixed_dtypes_are_compared_exactly():
    rng = np.random.default_rng(3)
    queries, references = rng.standard_normal((20, 50)).astype(np.float16), rng.standard_normal((9, 50))
    np.testing.assert_allclose(
        nearest(queries, references, 9)[0], np.sort(dense_distances(queries, references), axis=1)
    )


def test_more_neighbors_than_references_are_refused():
    rows = np.eye(3, dtype=np.float32)
    with pytest.raises(CurateError, match="4 nearest references asked for; expected 1 to 3"):
        nearest(rows, rows, 4)
    with pytest.raises(CurateError, match="expected 1 to 2"):
        nearest(rows, rows, 3, exclude_self=True)
    with pytest.raises(CurateError, match="no reference features"):
        farthest(rows, rows[:0])
    with pytest.raises(CurateError, match="3 numbers a row, references 2"):
        nearest(rows, rows[:2, :2], 1)


def test_subnormal_and_huge_float32_rows_have_a_direction():
    features = np.array([[1e-44, 0], [3e38, 3e38], [-3e38, 0]], dtype=np.float32)
    np.testing.assert_allclose(nearest(features, features, 3)[0][1], [0, 1 - 0.5**0.5, 1 + 0.5**0.5], atol=1e-15)
