"""A bound on cosines that means nothing for a model's features: the sampler says so once, and draws as it would."""

import json
import os
import warnings

import numpy as np
import pytest
import torch
import torch.multiprocessing
from syndr_curate import CurateWarning, DRCDownSampler, ManifestDataset
from syndr_curate.curate.downsampling.downsample import downsample_epoch

from ..making import training_rows

IDS = [f"s{i:03d}" for i in range(60)]
TABLE = training_rows(IDS, [5.0] * 60)
LINKED = 1 + 0.1 * np.random.Generator(np.random.PCG64(0)).normal(size=(60, 8))  # every cosine is above 0.9
TWO_CLUSTERS = np.repeat(np.eye(2), 30, axis=0)


def test_features_that_are_all_linked_are_warned_of_once_with_the_commands_words(recwarn):
    sampler = DRCDownSampler(ManifestDataset(TABLE), keep_min=5)
    for epoch in range(3):
        sampler.update(LINKED + 0.001 * epoch, epoch=epoch)
        sampler.set_epoch(epoch)
        list(sampler)
    (warning,) = recwarn
    assert warning.filename == __file__
    message = str(warning.message)
    assert message.startswith(
        "similarity 0.9 means nothing for these features: the largest cluster holds 60 of 60 rows; similarity 0.9"
    )
    assert message.count("\n") == 0
    commands = DRCDownSampler(ManifestDataset(TABLE), keep_min=5)
    assert message == downsample_epoch(LINKED, TABLE, epoch=0, settings=commands._settings).summary["note"]


def test_other_bounds_are_searched_for_once(monkeypatch):
    searched = []
    monkeypatch.setattr(
        "syndr_curate.curate.training.drcdown_sampler.note_meaningless_bound",
        lambda *_: searched.append(1) or "the bound means nothing",
    )
    sampler = DRCDownSampler(ManifestDataset(TABLE), features_fn=lambda: LINKED)
    with pytest.warns(CurateWarning, match="the bound means nothing"):
        sampler.set_epoch(0)
    sampler.set_epoch(1)
    sampler.set_epoch(2)
    assert searched == [1]


def test_a_bound_that_becomes_meaningless_later_is_warned_of_then():
    sampler = DRCDownSampler(ManifestDataset(TABLE), keep_min=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = sampler.update(TWO_CLUSTERS, epoch=0)
    assert figures["largest_cluster"] == 30
    with pytest.warns(CurateWarning, match="holds 1 of 60 rows, and none up to keep_min 5 is thinned"):
        sampler.update(np.eye(60), epoch=1)


def test_what_is_drawn_does_not_depend_on_the_warning(monkeypatch):
    told = DRCDownSampler(ManifestDataset(TABLE))
    with pytest.warns(CurateWarning, match="means nothing"):
        figures = told.update(LINKED, epoch=4)
    monkeypatch.setattr("syndr_curate.curate.training.drcdown_sampler.note_meaningless_bound", lambda *_: None)
    silent = DRCDownSampler(ManifestDataset(TABLE))
    assert silent.update(LINKED, epoch=4) == figures == told.summary
    assert list(silent) == list(told)


def _run_rank(rank: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1")
    store = torch.distributed.FileStore(f"{folder}/store", 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    sampler = DRCDownSampler(ManifestDataset(TABLE), keep_min=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            sampler.update(LINKED, epoch=1)
            said = ""
        except CurateWarning as warning:
            said = str(warning)
    with open(f"{folder}/{rank}.json", "w") as file:
        json.dump({"said": said, "kept": sampler.kept_ids}, file)
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_of_two_processes_the_first_says_it_and_an_error_made_of_it_leaves_the_other_not_waiting(tmp_path):
    torch.multiprocessing.spawn(_run_rank, args=(str(tmp_path),), nprocs=2)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert "means nothing for these features" in first["said"]
    assert second["said"] == ""
    assert first["kept"] == second["kept"]
    assert len(second["kept"]) == 30
