"""The example trainer in two real processes under accelerate: every kept row once per epoch, also after a stop."""

import json
from collections import Counter
from pathlib import Path

import pytest
from safetensors import safe_open

from ..running import run_in_two_processes

SCRIPT = Path(__file__).with_name("two_trainers.py")


def run_two(notes, arguments):
    """Train in two processes; return what each was given, as (epoch, ids of a step)."""
    pytest.importorskip("accelerate", reason="accelerate is not installed (make interop)")
    printed = run_in_two_processes(SCRIPT, str(notes), *arguments)
    found = [json.loads(Path(f"{notes}.{rank}.json").read_text()) for rank in range(2)]
    assert [each["world"] for each in found] == [2, 2]
    return [each["given"] for each in found], printed


def rows_of(given, epoch):
    return [name for number, names in given if number == epoch for name in names]


@pytest.mark.slow
@pytest.mark.parametrize(("variant", "kept", "all_rows"), [("downsampling", 14, 39), ("baseline", 19, 19)])
def test_two_processes_see_each_kept_row_once_per_epoch_also_after_a_stop(variant, kept, all_rows, flags, tmp_path):
    wide = ["--similarity", "-1", "--label-gap", "99", "--keep-min", "14", "--keep-fraction", "0.1"]
    choice = ["--variant", variant, "--batch-size", "3", *wide]
    whole, printed = run_two(tmp_path / "whole", flags(*choice, out=f"two-{variant}"))
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    assert [(line["epoch"], line["rows"], line.get("of", line["rows"])) for line in lines] == [
        (0, kept, all_rows),
        (1, kept, all_rows),
    ]  # printed by one of the two
    for epoch in range(2):
        shares = [rows_of(given, epoch) for given in whole]
        times = Counter(shares[0] + shares[1])
        assert len(shares[0]) == len(shares[1])
        assert len(times) == kept
        assert times.total() - kept == kept % 2  # at most one row fills up the last turn
    # A stop after one step of the second epoch, a resumed run, and the same rows in the same places.
    steps = -(-kept // 2 // 3) if kept % 2 == 0 else -(-(kept + 1) // 2 // 3)
    parts = flags(*choice, out=f"two-{variant}-parts")
    before, _ = run_two(tmp_path / "before", [*parts, "--stop-after-steps", str(steps + 1)])
    after, _ = run_two(tmp_path / "after", [*parts, "--resume"])
    for rank in range(2):
        assert len(rows_of(before[rank], 1)) == 3
        assert rows_of(before[rank], 0) + rows_of(before[rank], 1) + rows_of(after[rank], 1) == [
            *rows_of(whole[rank], 0),
            *rows_of(whole[rank], 1),
        ]
    states = []
    for folder in (f"two-{variant}", f"two-{variant}-parts"):
        out = Path(flags(out=folder)[flags().index("--out") + 1])
        with safe_open(out / "checkpoint.safetensors", framework="pt") as file:
            states.append({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    assert all(states[0][name].equal(states[1][name]) for name in states[0])
