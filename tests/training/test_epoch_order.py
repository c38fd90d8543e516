"""The order of an epoch and each rank's share of it, on rows one can count by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.training.epoch_order import EpochIndices, share_length, share_of_rank, shuffled

ROWS = np.array([2, 3, 5, 7, 11])


@pytest.mark.parametrize(
    ("drop_last", "shares"),
    [(False, [[2, 5, 11], [3, 7, 2]]), (True, [[2, 5], [3, 7]])],
)
def test_five_rows_on_two_ranks_repeat_the_first_or_leave_out_the_last(drop_last, shares):
    found = [share_of_rank(ROWS, replicas=2, rank=rank, drop_last=drop_last).tolist() for rank in range(2)]
    assert found == shares
    assert {len(share) for share in found} == {share_length(5, replicas=2, drop_last=drop_last)}


def test_more_ranks_than_rows_repeat_the_order_as_often_as_needed():
    assert [share_of_rank(ROWS[:2], replicas=5, rank=rank, drop_last=False).tolist() for rank in range(5)] == [
        [2],
        [3],
        [2],
        [3],
        [2],
    ]


def test_an_order_depends_on_seed_and_epoch_alone():
    rows = np.arange(50)
    first = shuffled(rows, seed=1, epoch=0)
    assert sorted(first) == rows.tolist() != first.tolist()
    assert np.array_equal(shuffled(rows, seed=1, epoch=0), first)
    assert not np.array_equal(shuffled(rows, seed=1, epoch=1), first)
    assert not np.array_equal(shuffled(rows, seed=2, epoch=0), first)


def test_the_order_of_an_epoch_is_pinned():
    assert shuffled(np.arange(8), seed=123, epoch=0).tolist() == [7, 1, 0, 3, 4, 5, 6, 2]


def from_position(start):
    return [4, 6, 8][start // 2 :]


def test_indices_are_counted_as_they_are_drawn():
    indices = EpochIndices(from_position, epoch=1, replicas=2)
    assert (indices.total, indices.drawn, indices.is_over) == (3, 0, False)
    assert [next(indices), next(indices)] == [4, 6]
    assert indices.drawn == 2
    assert list(indices) == [8]
    assert (list(indices), indices.drawn, indices.is_over) == ([], 3, True)


def test_a_position_counts_the_rows_of_all_ranks_and_is_gone_back_to():
    indices = EpochIndices(from_position, epoch=1, replicas=2)
    next(indices)
    state = indices.state_dict()
    assert state == {"epoch": 1, "position": 2, "finished": False}
    again = EpochIndices(from_position, epoch=1, replicas=2)
    again.load_state_dict(state)
    assert (again.total, list(again)) == (2, [6, 8])
    assert again.state_dict() == {"epoch": 1, "position": 6, "finished": True}


def test_a_position_of_another_epoch_is_refused_unless_that_epoch_is_over():
    indices = EpochIndices(from_position, epoch=2, replicas=2)
    with pytest.raises(CurateError, match="saved in epoch 1, but the loop is at epoch 2: begin the loop with epoch 1"):
        indices.load_state_dict({"epoch": 1, "position": 2, "finished": False})
    indices.load_state_dict({"epoch": 1, "position": 6, "finished": True})
    assert list(indices) == [4, 6, 8]


def test_indices_of_rows_that_are_no_longer_drawn_are_refused():
    indices = EpochIndices(from_position, epoch=2, replicas=1)
    next(indices)
    indices.outdated = True
    with pytest.raises(CurateError, match="indices of epoch 2 are asked for after the sampler went on"):
        next(indices)


@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10), st.booleans())
def test_what_a_position_leaves_is_dealt_once_to_any_number_of_ranks(count, before, after, turns, drop_last):
    order = np.random.Generator(np.random.PCG64(count)).permutation(count)
    whole = [share_of_rank(order, replicas=before, rank=r, drop_last=drop_last) for r in range(before)]
    turns = min(turns, len(whole[0]))
    seen = [int(row) for share in whole for row in share[:turns]]
    rest = [
        share_of_rank(order, replicas=after, rank=r, drop_last=drop_last, start=turns * before) for r in range(after)
    ]
    assert len({len(share) for share in rest}) == 1
    dealt = [int(row) for turn in zip(*rest, strict=True) for row in turn]
    left = [int(row) for row in order[turns * before :]]
    if drop_last:
        assert dealt == left[: len(dealt)]
        assert len(left) - len(dealt) < after
    else:
        assert dealt[: len(left)] == left
        assert len(dealt) - len(left) < after
        assert set(seen + dealt) == set(order.tolist())
    if before == after:
        assert all(np.array_equal(whole[r][turns:], rest[r]) for r in range(before))
