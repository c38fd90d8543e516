"""A sampler's state that is none, or was changed, is refused by what is wrong with it."""

import pytest
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
