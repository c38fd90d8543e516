"""States of the sampler: one that was saved goes on as it was, any other is refused."""

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from syndr_curate import DRCDownSampler

from ..making import training_rows
from .driving import EFFORTS, JSON, drive, value_or_error

pytestmark = pytest.mark.filterwarnings("ignore:DRCDownSampler has no features")
IDS = [f"s{number}" for number in range(30)]
TABLE = training_rows(IDS, [5.0] * 30)
ENTRIES = ["version", "epoch", "position", "finished", "clustered_for", "clusters", "rows", "settings"]
VALUES = st.one_of(
    JSON,
    st.sampled_from([torch.zeros(30), torch.zeros(3, dtype=torch.int32), torch.zeros((30, 2), dtype=torch.int32)]),
    st.sampled_from([np.zeros(30, np.int32), torch.full((30,), -5, dtype=torch.int32), 10**12, -1, 2**70]),
)


def saved_state(sampler):
    sampler.update(np.ones((30, 2), np.float32), epoch=2)
    return sampler.state_dict()


@EFFORTS
def test_an_entry_that_is_something_else(inputs):
    whole = saved_state(DRCDownSampler(TABLE, sample_ids=IDS))
    kept = list(loaded(whole))

    def check(changes, lost):
        state = {**whole, **changes}
        for name in lost:
            state.pop(name, None)
        sampler = value_or_error(lambda: loaded(state))
        if sampler is not None:
            rows = value_or_error(lambda: list(sampler))
            assert rows is None or set(rows) <= set(range(30))

    assert len(kept) == 20
    drive(
        inputs,
        check,
        changes=st.dictionaries(st.sampled_from(ENTRIES), VALUES, max_size=2),
        lost=st.lists(st.sampled_from(ENTRIES), max_size=1),
    )


@EFFORTS
def test_a_position_in_an_epoch_that_is_something_else(inputs):
    sampler = loaded(saved_state(DRCDownSampler(TABLE, sample_ids=IDS)))
    iteration = iter(sampler)
    whole = iteration.state_dict()

    def check(state):
        value_or_error(lambda: iteration.load_state_dict(state))

    states = st.dictionaries(st.sampled_from(["epoch", "position", "finished"]), VALUES).map(
        lambda new: {**whole, **new}
    )
    drive(inputs, check, state=st.one_of(states, VALUES))


def loaded(state):
    sampler = DRCDownSampler(TABLE, sample_ids=IDS)
    sampler.load_state_dict(state)
    return sampler
