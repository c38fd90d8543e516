"""The script for a CUDA device: it runs in miniature, and a step that fails stops no other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("downsample-200k", "downsample-700k", "encode-resnet50", "encode-clip", "denoise", "domains", "finetune")
ONE_FAILS = """#!/usr/bin/env bash
case "$*" in
  *encode.py*clip*) echo "| half a table | 1 | |"; echo "no | room" >&2; exit 3 ;;
  -c*) echo "a card" ;;
  *) echo "not a line of a table"; echo "| $1 | 1 | |" ;;
esac
"""


def run(python, *flags, **environment):
    return subprocess.run(
        ["bash", "benchmarks/gpu.sh", *map(str, flags)],
        cwd=ROOT,
        env={**os.environ, "PYTHON": str(python), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def python_where_one_fails(tmp_path):
    file = tmp_path / "python"
    file.write_text(ONE_FAILS)
    file.chmod(0o755)
    return file


@pytest.mark.slow
def test_everything_runs_on_the_processor_in_miniature(tmp_path):
    done = run(sys.executable, "--tiny", "--out", tmp_path / "gpu")
    table = (tmp_path / "gpu" / "gpu.md").read_text()
    assert done.returncode == 0, table + done.stderr
    assert done.stdout == table
    assert "the processor, in miniature" in table
    assert "same clusters" in table
    for line in (
        "encode resnet50, random weights, batches of 2, network alone",
        "encode clip-vit-b-16, random weights, batches of 2, with decoding",
        "denoise (type 15) as the toolkit runs it",
        "domain classifier, ResNet-50 learns",
        "`domains fit --kind resnet50`",
        "fine-tuning on painted photographs, random weights, bid:plain and bid:half | 2 of 2 trainings",
    ):
        assert line in table
    rows = [line for line in table.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {4}


def test_a_step_that_fails_has_its_line_and_the_others_go_on(tmp_path, python_where_one_fails):
    done = run(python_where_one_fails, "--out", tmp_path / "gpu")
    assert done.returncode == 1
    assert done.stdout.startswith("Run on: a card.\n\n| what | figure | besides |\n")
    lines = done.stdout.splitlines()[4:]
    assert lines[3:5] == ["| half a table | 1 | |", "| encode-clip | failed | exit status 3: no / room |"]
    assert len(lines) == len(STEPS) + 1
    assert {f"{step}.log" for step in STEPS} == {path.name for path in (tmp_path / "gpu").glob("*.log")}


def test_what_the_time_does_not_allow_is_named(tmp_path, python_where_one_fails):
    done = run(python_where_one_fails, "--out", tmp_path / "gpu", GPU_SECONDS="0")
    assert done.returncode == 1
    assert done.stdout.splitlines()[4:] == [f"| {step} | not started | the time was up |" for step in STEPS]


@pytest.mark.parametrize(
    ("flag", "message"), [("--small", "--small: expected --tiny or --out FOLDER"), ("--out", "--out needs a folder")]
)
def test_wrong_flags_are_refused(flag, message):
    done = run("python-that-is-never-called", flag)
    assert (done.returncode, done.stderr) == (2, f"error: {message}\n")
