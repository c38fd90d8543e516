"""Points that neighbors draw near and others push away."""

import numpy as np
import pytest
from syndr_curate.curate.report.maps.neighbor_graph import Graph
from syndr_curate.curate.report.maps.umap_layout import CURVE_A, CURVE_B, lay_out_graph, table_of_forces


def graph(*pairs):
    heads, tails, weights = zip(*pairs, strict=True) if pairs else ((), (), ())
    return Graph(np.array(heads, np.int32), np.array(tails, np.int32), np.array(weights, np.float32))


def leading_bits(square):
    return int(np.float32(square).view(np.int32)) >> 16


@pytest.mark.parametrize("square", [1e-6, 0.01, 0.5, 1.0, 4.0, 900.0])
def test_forces_are_the_slopes_of_the_papers_curve(square):
    # The slope of log(1 / (1 + a d^2b)) by d is the pull, that of log(1 - ...) the push; both divided by d.
    forces, entry = table_of_forces(), leading_bits(square)
    powers = CURVE_A * square**CURVE_B
    assert forces.pull[entry] == pytest.approx(-2 * CURVE_B * powers / square / (1 + powers), rel=0.01)
    assert forces.push[entry] == pytest.approx(2 * CURVE_B / (0.001 + square) / (1 + powers), rel=0.01)


def test_two_alone_move_towards_each_other_by_the_pull_less_the_push():
    # Each end is pushed five times from a row drawn out of two: from the other, or from itself, which counts nothing.
    points = lay_out_graph(graph((0, 1, 1.0)), np.array([[-20, 0], [20, 0]], np.float32), epochs=1, seed=1)
    assert -20 < points[0, 0] < points[1, 0] < 20
    assert points[:, 1].tolist() == [0, 0]


def test_a_weak_pair_takes_part_in_few_epochs():
    # Pairs far apart: the pull on the second is a tenth as often, and no push reaches so far.
    start = np.array([[0, 0], [900, 0], [0, 9e6], [900, 9e6]], np.float32)
    points = lay_out_graph(graph((0, 1, 1.0), (2, 3, 0.1)), start, epochs=10, seed=1)
    nearer = 900 - (points[1::2, 0] - points[::2, 0])
    assert 0 < nearer[1] < nearer[0] / 5


def test_what_has_no_neighbor_stays_where_it_is():
    start = np.array([[1, 2], [3, 4]], np.float32)
    assert np.array_equal(lay_out_graph(graph(), start, epochs=5, seed=1), start)


def test_rows_in_one_place_stay_finite():
    points = lay_out_graph(graph((0, 1, 1.0), (1, 2, 1.0)), np.zeros((3, 2), np.float32), epochs=50, seed=1)
    assert np.isfinite(points).all()


def test_the_seed_settles_every_push():
    rng = np.random.default_rng(4)
    start = rng.normal(size=(50, 2)).astype(np.float32)
    ring = graph(*((row, row + 1, 1.0) for row in range(49)))
    first, again, other = (lay_out_graph(ring, start, 20, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
