"""The demo, and a trainer that knows nothing of this package, on what the demo made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_keeps_some_candidates_and_drops_some_for_both_reasons(demo):
    _, result = demo
    (candidates,) = [step["candidates"] for step in result["steps"] if "candidates" in step]
    assert all(candidates[status] > 0 for status in ("kept", "too_close", "too_far", "thinned"))
    assert sum(candidates.values()) == 48


def test_the_demo_thins_some_clusters_and_leaves_others(demo):
    _, result = demo
    last = result["steps"][-1]
    assert 0 < last["clusters_reduced"] < last["clusters"]
    assert last["rows_kept"] < last["rows_in"] == 16 * 30 + result["steps"][1]["rows_new"]


def test_every_file_the_demo_names_is_there_and_verified(demo):
    _, result = demo
    assert all(Path(path).exists() for path in result["files"].values())
    (verdict,) = [step for step in result["steps"] if "ok" in step]
    assert verdict["ok"]
    assert verdict["files_decoded"] == result["steps"][1]["rows_total"]


def test_a_second_demo_writes_the_same_manifest(syndr_curate, demo, tmp_path):
    folder, _ = demo
    syndr_curate("demo", "--out", tmp_path / "demo", "--quiet")
    for name in ("train.parquet", "epoch0.parquet"):
        assert (tmp_path / "demo" / name).read_bytes() == (folder / name).read_bytes()


def test_a_trainer_without_our_package_runs_two_epochs(demo, tmp_path):
    folder = tmp_path / "demo"
    shutil.copytree(demo[0], folder)
    trainer = ROOT / "examples" / "train_on_manifests.py"
    assert "syndr_curate" not in [line.split()[1] for line in trainer.read_text().splitlines() if "import" in line[:8]]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, str(trainer), str(folder / "train.parquet")],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "epoch 1:" in done.stdout
    for epoch in range(2):
        kept = pd.read_parquet(folder / f"epoch{epoch}.parquet")
        assert 0 < len(kept) < 732
