"""The scripts of docs/trainers, as printed, with two processes that are killed in mid-epoch and started again."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate import read_manifest, write_manifest
from syndr_curate.curate.rendering.distort import run_distort

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("run_trainer_page.py")
NEEDED = {
    "plain-pytorch": [],
    "accelerate": ["accelerate"],
    "lightning": ["lightning", "torchdata.stateful_dataloader"],
}
KILLED_AFTER = 3  # batches of the second epoch


@pytest.fixture
def workplace(image_folder, tmp_path):
    """A folder with the pages' manifest: 57 rows of three small photographs, whose labels rise."""
    folder = tmp_path / "manifests" / "demo"
    pictures = image_folder("photo", 3, height=64, width=72)
    run_distort(pictures, folder, types=(7, 11, 12, 16), levels=(1, 2, 3, 4, 5), recipe_only=True)
    table = read_manifest(folder / "manifest.parquet").slice(0, 57)
    for name, values in (
        ("label", pa.array(np.linspace(1, 9, 57, dtype=np.float32))),
        ("label_source", pa.array(["mos"] * 57)),
    ):
        table = table.set_column(table.column_names.index(name), name, values)
    write_manifest(table, folder / "train.parquet", training=True)
    return tmp_path


def carry_out(page: str, workplace: Path, name: str, *kill_at: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
            *(str(RUNNER), str(ROOT / "docs" / "trainers" / f"{page}.md"), name, *map(str, kill_at)),
        ],
        cwd=workplace,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def notes_of(workplace: Path, name: str) -> list[list[dict]]:
    files = [workplace / f"{name}.{rank}.jsonl" for rank in range(2)]
    return [[json.loads(line) for line in file.read_text().splitlines()] for file in files]


@pytest.mark.slow
@pytest.mark.parametrize("page", list(NEEDED))
def test_two_processes_that_are_killed_and_go_on_train_on_each_kept_row_once(page, workplace):
    for library in NEEDED[page]:
        pytest.importorskip(library, reason=f"{library} is not installed (make interop)")
    killed = carry_out(page, workplace, "first", KILLED_AFTER)
    assert "exitcode  : 9" in killed.stderr, killed.stderr[-4000:]
    resumed = carry_out(page, workplace, "second")
    assert resumed.returncode == 0, resumed.stderr[-4000:]
    first, second = notes_of(workplace, "first"), notes_of(workplace, "second")
    for rank in range(2):
        assert sum(line["epoch"] for line in first[rank]) == KILLED_AFTER
        assert {line["epoch"] for line in second[rank]} == {1}
    for epoch in range(2):
        ranks = [[line for line in first[r] + second[r] if line["epoch"] == epoch] for r in range(2)]
        kept = ranks[0][0]["kept"]
        assert 20 <= len(kept) < 57
        assert all(line["kept"] == kept for lines in ranks for line in lines)
        shares = [[row for line in lines for row in line["rows"]] for lines in ranks]
        assert len(shares[0]) == len(shares[1])
        assert set(shares[0]) | set(shares[1]) == set(kept)
        times = Counter(shares[0] + shares[1])
        assert times.total() - len(kept) == len(kept) % 2  # at most one row fills up the last turn
