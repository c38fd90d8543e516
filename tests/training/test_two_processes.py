"""Two real processes under plain torch, accelerate, Lightning's ddp and transformers: every kept row once per epoch."""

import json
from collections import Counter
from pathlib import Path

import pytest

from ..running import run_in_two_processes

SCRIPT = Path(__file__).with_name("two_processes.py")
NEEDED = {
    "plain": [],
    "accelerate": ["accelerate"],
    "lightning": ["lightning", "torchdata.stateful_dataloader"],
    "transformers": ["accelerate", "transformers"],
}
ADVICE = {
    "accelerate": "leave the loader out of accelerator.prepare",
    "lightning": "use_distributed_sampler=False",
    "transformers": "return the plain DataLoader from get_train_dataloader",
}


def run_two(framework: str, folder: Path, workers: int) -> list[dict]:
    for library in NEEDED[framework]:
        pytest.importorskip(library, reason=f"{library} is not installed (make interop)")
    run_in_two_processes(SCRIPT, framework, str(folder), str(workers))
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def assert_each_once(shares: list[list[int]], kept: list[int]) -> None:
    times = Counter(row for share in shares for row in share)
    assert set(times) == set(kept)
    assert len(shares[0]) == len(shares[1])
    assert times.total() - len(kept) == len(kept) % 2  # at most one row fills up the last turn


def assert_each_epoch_is_whole(ranks: list[dict]) -> None:
    for epoch in range(2):
        kept = ranks[0]["epochs"][epoch]["kept"]
        assert kept == ranks[1]["epochs"][epoch]["kept"]
        assert len(kept) == 23
        assert_each_once([rank["epochs"][epoch]["rows"] for rank in ranks], kept)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("framework", "workers"), [("plain", 2), ("accelerate", 2), ("lightning", 0), ("lightning", 2)]
)
def test_two_processes_see_each_kept_row_once_per_epoch_also_after_a_stop(framework, workers, tmp_path):
    ranks = run_two(framework, tmp_path, workers)
    assert_each_epoch_is_whole(ranks)
    for rank in ranks:
        assert len(rank["resumed"]["before"]) == 6
        assert rank["resumed"]["before"] + rank["resumed"]["after"] == rank["epochs"][1]["rows"]
        if framework in ADVICE:
            assert ADVICE[framework] in rank["prepared"]


@pytest.mark.slow
def test_two_processes_under_transformers_see_each_kept_row_once_per_epoch(tmp_path):
    ranks = run_two("transformers", tmp_path, 0)
    assert_each_epoch_is_whole(ranks)
    for rank in ranks:
        assert ADVICE["transformers"] in rank["prepared"]
