"""A run that stops in the middle of an epoch goes on with exactly the rows it has not seen."""

import io

import numpy as np
import pytest
import torch
from syndr_curate import CurateError, CurateWarning, DRCDownSampler
from torch.utils.data import DataLoader

from ..making import training_rows

IDS = [f"s{number:02d}" for number in range(40)]
TABLE = training_rows(IDS, [5.0] * 40)
ALIKE = np.ones((40, 2), np.float32)  # one cluster of 40: 20 of them are kept, others in every epoch


def sampler_of(**choice) -> DRCDownSampler:
    return DRCDownSampler(TABLE, sample_ids=IDS, **choice)


def saved(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def whole_epoch(epoch: int, **choice) -> list[int]:
    sampler = sampler_of(**choice)
    sampler.update(ALIKE, epoch=epoch)
    return list(sampler)


def test_a_plain_loop_says_how_many_rows_it_has_seen():
    first = sampler_of()
    first.update(ALIKE, epoch=2)
    batches = iter(DataLoader(IDS, batch_size=3, sampler=first, num_workers=2))  # draws 4 batches ahead of the loop
    seen = [name for _ in range(3) for name in next(batches)]
    second = sampler_of()
    second.load_state_dict(saved(first.state_dict(rows_seen=9)))
    second.set_epoch(2)
    rest = [name for batch in DataLoader(IDS, batch_size=3, sampler=second) for name in batch]
    assert [IDS.index(name) for name in seen + rest] == whole_epoch(2)
    assert len(list(second)) == len(second) == 20  # only the first iteration goes on in the middle
    second.set_epoch(3)
    assert list(second) == whole_epoch(3)


def test_without_a_count_the_epoch_starts_over():
    first = sampler_of()
    first.update(ALIKE, epoch=2)
    indices = iter(first)
    next(indices)
    second = sampler_of()
    second.load_state_dict(first.state_dict())
    assert list(second) == whole_epoch(2)


def test_a_second_stop_in_the_same_epoch_is_no_trouble():
    first = sampler_of()
    first.update(ALIKE, epoch=1)
    indices, seen = iter(first), []
    for stop in (3, 4):
        seen += [next(indices) for _ in range(stop)]
        state = first.state_dict(rows_seen=stop)
        first = sampler_of()
        first.load_state_dict(state)
        indices = iter(first)
    assert seen + list(indices) == whole_epoch(1)


def test_after_a_stop_two_ranks_become_three():
    ranks = [sampler_of(num_replicas=2, rank=rank) for rank in range(2)]
    for sampler in ranks:
        sampler.update(ALIKE, epoch=1)
    seen = [next(iteration) for iteration in map(iter, ranks) for _ in [0]]
    states = [sampler.state_dict(rows_seen=1) for sampler in ranks]
    assert states[0]["position"] == states[1]["position"] == 2
    after = [sampler_of(num_replicas=3, rank=rank) for rank in range(3)]
    for sampler in after:
        sampler.load_state_dict(states[0])
    rest = [row for sampler in after for row in sampler]
    assert sorted(seen + rest) == sorted(whole_epoch(1))  # 2 + 3 x 6


def test_the_end_of_an_epoch_leaves_nothing_of_it():
    first = sampler_of()
    first.update(ALIKE, epoch=1)
    assert len(list(first)) == 20
    second = sampler_of()
    second.load_state_dict(first.state_dict(rows_seen=20))
    second.set_epoch(1)
    assert list(second) == []
    second.set_epoch(2)
    assert list(second) == whole_epoch(2)


def test_a_feature_function_is_not_asked_again_for_an_epoch_that_goes_on():
    first = sampler_of(features_fn=lambda: ALIKE)
    first.set_epoch(1)
    next(iter(first))
    second = sampler_of(features_fn=lambda: pytest.fail("asked"))
    second.load_state_dict(first.state_dict(rows_seen=1))
    second.set_epoch(1)
    assert list(second) == whole_epoch(1)[1:]


def test_new_features_for_an_epoch_that_goes_on_are_refused():
    first = sampler_of()
    first.update(ALIKE, epoch=1)
    next(iter(first))
    second = sampler_of()
    second.load_state_dict(first.state_dict(rows_seen=1))
    with pytest.raises(CurateError, match=r"from the middle of epoch 1.*call set_epoch\(1\) for it"):
        second.update(ALIKE, epoch=1)
    second.update(ALIKE, epoch=2)
    assert list(second) == whole_epoch(2)


@pytest.mark.parametrize(
    ("seen", "message"),
    [(3, "rows_seen is 3, but only 2 rows of epoch 1 were drawn"), (1.0, "rows_seen is 1.0; expected a whole number")],
)
def test_a_count_that_cannot_be_is_refused(seen, message):
    sampler = sampler_of()
    sampler.update(ALIKE, epoch=1)
    indices = iter(sampler)
    assert len([next(indices), next(indices)]) == 2
    with pytest.raises(CurateError, match=message):
        sampler.state_dict(rows_seen=seen)


def test_a_state_of_the_first_version_starts_its_epoch_over():
    first = sampler_of()
    first.update(ALIKE, epoch=1)
    state = first.state_dict()
    del state["position"], state["finished"]
    second = sampler_of()
    second.load_state_dict({**state, "version": 1})
    assert list(second) == whole_epoch(1)


def test_a_loader_whose_workers_drew_before_set_epoch_is_refused():
    sampler = sampler_of()
    sampler.update(ALIKE, epoch=0)
    batches = iter(DataLoader(IDS, batch_size=2, sampler=sampler, num_workers=2))
    with pytest.warns(CurateWarning, match="of epoch 0 only 8 of 20 rows were drawn"):
        sampler.set_epoch(1)
    with pytest.raises(CurateError, match="indices of epoch 0 are asked for after the sampler went on"):
        list(batches)


def test_persistent_workers_serve_the_rows_of_the_epoch_that_was_set():
    sampler = sampler_of()
    sampler.update(ALIKE, epoch=0)
    loader = DataLoader(IDS, batch_size=3, sampler=sampler, num_workers=2, persistent_workers=True)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        assert [IDS.index(name) for batch in loader for name in batch] == whole_epoch(epoch)


class TestStatefulDataLoader:
    """torchdata's loader, which keeps the sampler's position itself."""

    @pytest.fixture(params=[{}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}], ids=str)
    def loader_of(self, request):
        torchdata = pytest.importorskip("torchdata.stateful_dataloader", reason="no torchdata (make interop)")

        def make(sampler, **choice):
            options = {"batch_size": 3, "sampler": sampler, **request.param, **choice}
            return torchdata.StatefulDataLoader(IDS, **options)

        return make

    def rows(self, batches) -> list[int]:
        return [IDS.index(name) for batch in batches for name in batch]

    @pytest.mark.parametrize("with_sampler", [False, True])
    @pytest.mark.parametrize("every", [1, 3])
    def test_a_resumed_epoch_goes_on_with_the_rows_not_yet_seen(self, loader_of, with_sampler, every):
        first = sampler_of(features_fn=lambda: ALIKE)
        loader = loader_of(first, snapshot_every_n_steps=every)
        first.set_epoch(2)
        batches = iter(loader)
        seen = self.rows(next(batches) for _ in range(2))
        states = saved({"loader": loader.state_dict(), "sampler": first.state_dict()})
        # the model has moved on: its features would make other clusters
        second = sampler_of(features_fn=lambda: np.eye(40, dtype=np.float32))
        again = loader_of(second, snapshot_every_n_steps=every)
        if with_sampler:
            second.load_state_dict(states["sampler"])
        again.load_state_dict(states["loader"])
        second.set_epoch(2)
        assert seen + self.rows(again) == whole_epoch(2)
        second.set_epoch(3)
        assert len(self.rows(again)) == 40  # with the new features

    def test_without_set_epoch_the_state_says_which_epoch_it_is(self, loader_of):
        first = sampler_of()
        first.update(ALIKE, epoch=2)
        loader = loader_of(first)
        seen = self.rows([next(iter(loader))])
        again = loader_of(sampler_of())
        again.load_state_dict(saved(loader.state_dict()))
        assert seen + self.rows(again) == whole_epoch(2)

    @pytest.mark.parametrize("stopped", [False, True])
    def test_the_epoch_after_a_finished_one_is_the_next(self, loader_of, stopped):
        first = sampler_of()
        first.update(ALIKE, epoch=1)
        loader = loader_of(first)
        batches = iter(loader)
        assert len(self.rows(next(batches) for _ in range(7))) == 20
        if stopped:
            assert list(batches) == []  # only now does the loader know that this was the end
        second = sampler_of()
        again = loader_of(second)
        again.load_state_dict(saved(loader.state_dict()))
        second.set_epoch(2)
        assert self.rows(again) == whole_epoch(2)
        second.set_epoch(3)
        assert self.rows(again) == whole_epoch(3)

    def test_a_loop_that_begins_with_another_epoch_is_refused(self, loader_of):
        first = sampler_of()
        first.update(ALIKE, epoch=1)
        loader = loader_of(first)
        next(iter(loader))
        second = sampler_of()
        again = loader_of(second)
        again.load_state_dict(loader.state_dict())
        second.set_epoch(2)
        with pytest.raises(
            CurateError, match="saved in epoch 1, but the loop is at epoch 2: begin the loop with epoch 1"
        ):
            list(again)
