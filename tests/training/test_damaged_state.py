"""A sampler's state that is none, or was changed, is refused by what is wrong with it."""

import numpy as np
import pytest
import torch
from syndr_curate import CurateError, DRCDownSampler


@pytest.fixture
def sampler(training_table):
    ids = [f"r{number}" for number in range(6)]
    return DRCDownSampler(training_table(ids, [float(number) for number in range(6)]), sample_ids=ids)


@pytest.mark.parametrize("state", [None, [], "abc", 3])
def test_what_is_no_mapping_is_refused(sampler, state):
    with pytest.raises(CurateError, match="expected what `state_dict` gave"):
        sampler.load_state_dict(state)


@pytest.mark.parametrize("lost", ["epoch", "rows", "settings", "clusters", "clustered_for"])
def test_what_lacks_an_entry_is_refused(sampler, lost):
    state = sampler.state_dict()
    del state[lost]
    with pytest.raises(CurateError, match=f"the sampler's state lacks {lost}; expected what `state_dict` gave"):
        sampler.load_state_dict(state)


@pytest.mark.parametrize("entry", ["epoch", "position"])
@pytest.mark.parametrize("value", [1.5, None, "1", True, -1])
def test_an_epoch_and_a_position_are_whole_numbers(sampler, entry, value):
    with pytest.raises(
        CurateError, match=f"{entry} .* the sampler's state is .*; expected a whole number|the {entry} "
    ):
        sampler.load_state_dict({**sampler.state_dict(), entry: value})


CLUSTERS = {
    "an array": np.zeros(6, np.int32),
    "too few": torch.zeros(3, dtype=torch.int32),
    "floats": torch.zeros(6),
    "negative": torch.full((6,), -1, dtype=torch.int32),
    "beyond the rows": torch.full((6,), 6, dtype=torch.int64),
}


@pytest.mark.parametrize("case", CLUSTERS)
def test_clusters_are_a_whole_number_for_each_row(sampler, case):
    with pytest.raises(CurateError, match="no tensor of 6 whole numbers from 0 to 5"):
        sampler.load_state_dict({**sampler.state_dict(), "clusters": CLUSTERS[case]})


@pytest.mark.parametrize(
    ("entry", "value"), [("clustered_for", "1"), ("rows", 3), ("finished", "yes"), ("version", [])]
)
def test_other_entries_are_what_they_were(sampler, entry, value):
    with pytest.raises(CurateError, match="sampler"):
        sampler.load_state_dict({**sampler.state_dict(), entry: value})


@pytest.mark.filterwarnings("ignore:DRCDownSampler has no features")
def test_a_position_past_the_end_leaves_no_row(sampler):
    sampler.load_state_dict({**sampler.state_dict(), "position": 10**15})
    assert list(sampler) == []


@pytest.mark.parametrize("state", [None, {}, {"epoch": 0}, {"epoch": 0, "position": "1"}])
def test_a_damaged_state_of_an_iteration_is_refused(sampler, state):
    with pytest.raises(CurateError, match="state is"):
        iter(sampler).load_state_dict(state)
