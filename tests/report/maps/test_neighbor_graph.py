"""Neighbors of rows, and how strongly each is one."""

import numpy as np
from syndr_curate.curate.report.maps import neighbor_graph as module
from syndr_curate.curate.report.maps.neighbor_graph import membership_strengths, nearest_in_trees, neighbor_graph


def brute_force(rows, count):
    between = np.linalg.norm(rows[:, None] - rows, axis=2)
    np.fill_diagonal(between, np.inf)
    return np.argsort(between, axis=1, kind="stable")[:, :count]


def test_nearest_rows_on_a_line_are_found_with_their_distances():
    rows = np.array([[0.0], [1.0], [3.0], [7.0]], np.float32)
    distances, found = nearest_in_trees(rows, 2, seed=1)
    assert found.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert distances.tolist() == [[1, 3], [1, 2], [2, 3], [4, 6]]


def test_a_row_has_no_neighbor_where_there_is_none():
    distances, found = nearest_in_trees(np.array([[0.0], [1.0]], np.float32), 3, seed=1)
    assert found.tolist() == [[1, -1, -1], [0, -1, -1]]
    assert np.isinf(distances[:, 1:]).all()


def test_several_trees_find_most_neighbors_and_none_twice():
    rows = np.random.default_rng(5).normal(size=(3000, 6)).astype(np.float32)
    _, found = nearest_in_trees(rows, 10, seed=1)
    assert all(len(set(names)) == 10 and row not in names for row, names in enumerate(found.tolist()))
    true = brute_force(rows, 10)
    shared = [len(set(names) & set(others)) for names, others in zip(found.tolist(), true.tolist(), strict=True)]
    assert np.mean(shared) > 8


def test_copies_of_one_row_are_cut_into_leaves_too():
    _, found = nearest_in_trees(np.ones((1000, 3), np.float32), 4, seed=1)
    assert (found >= 0).all()


def test_the_nearest_has_strength_1_and_all_sum_to_the_logarithm():
    # A mass of log2(4) = 2: exp(0) + 2 exp(-1 / scale) = 2, so the two others have a half each.
    strengths = membership_strengths(np.array([[1.0, 2.0, 2.0]], np.float32), neighbors=4)
    assert np.allclose(strengths, [[1, 0.5, 0.5]], atol=1e-4)


def test_a_neighbor_that_is_not_there_has_no_strength():
    strengths = membership_strengths(np.array([[1.0, np.inf]], np.float32), neighbors=3)
    assert strengths.tolist() == [[1, 0]]


def test_two_rows_are_joined_once_by_either_ones_opinion():
    # Of three rows on a line with two neighbors (itself and one more), 0 and 1 name each other, 2 names 1 alone.
    graph = neighbor_graph(np.array([[0.0], [1.0], [3.0]], np.float32), neighbors=2, seed=1)
    assert list(zip(graph.heads.tolist(), graph.tails.tolist(), strict=True)) == [(0, 1), (1, 2)]
    assert graph.weights.tolist() == [1, 1]


def test_the_same_seed_gives_the_same_graph(monkeypatch):
    monkeypatch.setattr(module, "LEAF_ROWS", 20)
    rows = np.random.default_rng(2).normal(size=(400, 5)).astype(np.float32)
    first, again, other = (neighbor_graph(rows, 8, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert len(first.heads) != len(other.heads) or not np.array_equal(first.tails, other.tails)
