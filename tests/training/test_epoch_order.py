"""The order of an epoch and each rank's share of it, on rows one can count by hand."""

import numpy as np
import pytest
from syndr_curate.curate.training.epoch_order import CountedIndices, share_length, share_of_rank, shuffled

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


def test_indices_are_counted_as_they_are_drawn():
    indices = CountedIndices([4, 6, 8])
    assert (indices.total, indices.drawn) == (3, 0)
    assert [next(indices), next(indices)] == [4, 6]
    assert indices.drawn == 2
    assert list(indices) == [8]
    assert (list(indices), indices.drawn) == ([], 3)
