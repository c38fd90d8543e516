"""`upsample` as a long run: encoding, labeling and rendering go on where they stopped."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from syndr_curate import read_manifest

from ..conftest import SCRIPT


@pytest.fixture(scope="module")
def place(tmp_path_factory, image_folder) -> Path:
    folder = tmp_path_factory.mktemp("upsample")
    (folder / "references").symlink_to(image_folder("ref", 5, height=48, width=48))
    (folder / "candidates").symlink_to(image_folder("cand", 8, first_seed=50, height=48, width=48))
    return folder


def arguments(place: Path, out: str, *more: str) -> list[str]:
    inputs = ["--references", str(place / "references"), "--candidates-root", str(place / "candidates")]
    flags = ["--encoder", "gist", "--types", "1,9", "--levels", "1,3", "--rows-per-shard", "8", "--workers", "1"]
    manifest = str(place / out / "train.parquet")
    return [str(SCRIPT), "upsample", "--proxy-labels", *inputs, *flags, "--out", manifest, *more]


def go(command: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    everything = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=everything)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(place) -> dict[str, bytes]:
    done = go(arguments(place, "whole"))
    assert done.returncode == 0, done.stderr
    return tree(place / "whole")


# Parts: 1 and 2 of the features, 3 to 9 of the labeled references (50 rows), 10 of the new rows.
@pytest.mark.parametrize("crash", ["part:2", "part:5", "part:10"])
def test_a_killed_upsample_goes_on_to_the_same_bytes(place, undisturbed, crash):
    out = crash.replace(":", "-")
    assert go(arguments(place, out), SYNDR_CURATE_CRASH_AT=crash).returncode == -signal.SIGKILL
    done = go(arguments(place, out))
    assert done.returncode == 0, done.stderr
    assert tree(place / out) == undisturbed


def test_a_finished_upsample_does_nothing_the_second_time(place, undisturbed):
    times = {path: path.stat().st_mtime_ns for path in (place / "whole").rglob("*") if path.is_file()}
    done = go(arguments(place, "whole"))
    assert done.returncode == 0
    assert "is complete; nothing to do" in done.stderr
    now = {path: path.stat().st_mtime_ns for path in (place / "whole").rglob("*") if path.is_file()}
    assert now == times
    assert tree(place / "whole") == undisturbed


def test_what_a_kill_at_the_very_end_leaves_goes_with_the_next_call(place, undisturbed):
    left = place / "whole" / "train.parquet.references.run"
    left.mkdir()
    (left / "part-00000.parquet").write_bytes(b"done")
    assert go(arguments(place, "whole")).returncode == 0
    assert not left.exists()
    assert tree(place / "whole") == undisturbed


def test_archives_of_labeled_and_new_rows_are_side_by_side(place, syndr_curate):
    done = go(arguments(place, "tars", "--layout", "webdataset"))
    assert done.returncode == 0, done.stderr
    table = read_manifest(place / "tars" / "train.parquet")
    archives = {path.partition("/")[0] for path in table["image_path"].to_pylist()}
    assert archives == {path.name for path in (place / "tars" / "images").iterdir()}
    assert len(archives) == 8
    syndr_curate("verify", place / "tars" / "train.parquet")


def test_another_setting_does_not_go_on_with_it(place):
    assert go(arguments(place, "other"), SYNDR_CURATE_CRASH_AT="part:10").returncode == -signal.SIGKILL
    changed = go(arguments(place, "other", "--seed", "7"))
    assert changed.returncode == 2
    assert changed.stderr.splitlines()[-1].startswith("error: cannot resume ")
    assert go(arguments(place, "other", "--seed", "7", "--overwrite")).returncode == 0


def test_a_finished_upsample_with_held_out_references_measures_nothing_again(place):
    (place / "split.csv").write_text("reference_id,split\nref0,val\n")
    command = arguments(place, "held-out", "--split-file", str(place / "split.csv"))
    assert go(command).returncode == 0
    again = go(command, SYNDR_CURATE_CRASH_AT="part:1")
    assert again.returncode == 0, "a part was written: references were measured again"
    assert "is complete; nothing to do" in again.stderr
