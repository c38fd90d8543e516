"""Pivots: which dropped rows a cosine with a row that stays rules out."""

import numpy as np
import pytest
from syndr_curate.curate.similarity import check_rows
from syndr_curate.curate.similarity.thinning.drop_distances import NONE, DropDistances, Lowest
from syndr_curate.curate.similarity.thinning.pivots import add_members, compare_members, no_pivots
from syndr_curate.curate.similarity.tiles import Patch

LIMIT = 0.2


def on_a_circle(*degrees):
    angles = np.radians(degrees)
    return check_rows(np.stack([np.cos(angles), np.sin(angles)], axis=1))


def dropped_at(rows, droppers):
    """Drop distances of rows that were dropped at the rows named; NONE stays."""
    cosines = rows.matrix @ rows.matrix.T
    values = [np.inf if at == NONE else 1.0 - cosines[row, at] for row, at in enumerate(droppers)]
    return DropDistances(np.arange(len(droppers)), LIMIT, np.array(values), np.array(droppers))


def test_the_pivot_is_the_row_that_stays_at_the_end_of_the_chain_of_droppers():
    rows = on_a_circle(16, 10, 0)  # 16° was dropped at 10°, and 10° at 0°, which stays
    pivots = no_pivots(3)
    add_members(pivots, rows, dropped_at(rows, [1, 2, NONE]), 0, 3)
    assert pivots.pivot.tolist() == [2, 2, NONE]
    assert np.degrees(pivots.angle[:2]) == pytest.approx([16, 10], abs=1e-4)
    assert (pivots.first[2], pivots.following[0], pivots.following[1]) == (0, 1, NONE)
    # a row counts for 16° within 6° of it, and for 10° within 10° of it: within 22° and 20° of the pivot
    assert np.degrees(np.arccos(pivots.reach[2])) == pytest.approx(22, abs=1e-4)


@pytest.mark.parametrize(
    ("degrees", "within"), [(-5, False), (-1, False), (1, True), (12, True), (19, True), (21, False)]
)
def test_a_row_is_lowered_by_a_member_that_is_as_close_to_it_as_to_its_dropper(degrees, within):
    rows = on_a_circle(degrees, 10, 0)  # 10° was dropped at 0°, which stays
    drops = dropped_at(rows, [NONE, 2, NONE])
    pivots = no_pivots(3)
    add_members(pivots, rows, drops, 1, 3)
    lowest = Lowest(np.array([LIMIT]), np.array([NONE]))
    cosines = np.array([[np.cos(np.radians(degrees))]], dtype=np.float32)
    compare_members(Patch(cosines, np.array([0]), np.array([2])), rows, drops, lowest, pivots, rows.rounding, 1)
    assert lowest.droppers.tolist() == [1 if within else NONE]
    assert lowest.distances == pytest.approx(1 - np.cos(np.radians(degrees - 10)) if within else LIMIT)
    assert not pivots.crowded.any()


def test_a_pivot_with_more_rows_in_reach_than_asked_is_marked_crowded_and_its_members_are_left():
    rows = on_a_circle(12, 8, 90, 10, 0)
    drops = dropped_at(rows, [NONE, NONE, NONE, 4, NONE])
    cosines = np.cos(np.radians([[12], [8], [90]])).astype(np.float32)
    patch = Patch(cosines, np.arange(3), np.array([4]))
    for most, crowded, droppers in ((1, True, [NONE] * 3), (2, False, [3, 3, NONE])):
        pivots = no_pivots(5)
        add_members(pivots, rows, drops, 3, 5)
        lowest = Lowest(np.full(3, LIMIT), np.full(3, NONE))
        compare_members(patch, rows, drops, lowest, pivots, rows.rounding, most)
        assert pivots.crowded.tolist() == [False] * 4 + [crowded]
        assert lowest.droppers.tolist() == droppers


def test_a_member_farther_than_half_a_turn_in_all_leaves_every_row_in_reach():
    rows = on_a_circle(180, 100, 0)
    far = 1 - np.cos(np.radians(100))
    drops = DropDistances(np.arange(3), 2.5, np.array([np.inf, far, np.inf]), np.array([NONE, 2, NONE]))
    pivots = no_pivots(3)
    add_members(pivots, rows, drops, 1, 3)
    assert pivots.reach[2] < -1
    lowest = Lowest(np.array([2.5]), np.array([NONE]))
    compare_members(
        Patch(np.array([[-1.0]], dtype=np.float32), np.array([0]), np.array([2])),
        rows,
        drops,
        lowest,
        pivots,
        rows.rounding,
        1,
    )
    assert lowest.droppers.tolist() == [1]  # 80° from the member, which is 100° from its dropper


def test_copies_of_a_pivot_reach_hardly_beyond_it():
    rows = on_a_circle(0.1, 0, 0)
    drops = dropped_at(rows, [NONE, 2, NONE])
    pivots = no_pivots(3)
    add_members(pivots, rows, drops, 1, 3)
    assert 0 < np.degrees(np.arccos(pivots.reach[2])) < 0.01
