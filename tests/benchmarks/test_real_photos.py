"""The benchmark on real photographs: arms are fixed before a score is read, it goes on, and it adds up."""

import dataclasses
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import syndr_curate
from syndr_curate import CurateError, LabelColumns, write_manifest
from syndr_curate.curate.storage.images import decode_image

from benchmarks.real_photos.arms import ALL, BID, KEPT, SELECTED, read_arms, read_random_sets, type_sets
from benchmarks.real_photos.pictures import CANDIDATES, LABELED, find_photographs, roles_of
from benchmarks.real_photos.report import as_markdown
from benchmarks.real_photos.settings import SIZES, TYPES, Inputs, Run
from benchmarks.real_photos.stages import Clock, carry_on, fix_arms
from benchmarks.real_photos.training_rows import read_kept, read_pools, read_rows

TARGET_PICTURES = 12


@pytest.fixture(scope="module")
def folders(image_folder):
    return {
        "pristine": image_folder("pristine", 5),
        "candidates": (image_folder("new", 3, first_seed=5), image_folder("more", 2, first_seed=8)),
        "target": image_folder("real", TARGET_PICTURES, first_seed=10),
    }


def make_inputs(folders, scores, folder):
    lines = ["name,score", *(f"real{k}.png,{score}" for k, score in enumerate(scores))]
    (folder / "scores.csv").write_text("\n".join(lines))
    columns = LabelColumns(id="name", label="score", std=None)
    table = syndr_curate.testset("csv", images=folders["target"], labels=folder / "scores.csv", columns=columns)
    write_manifest(table, folder / "target.parquet")
    return Inputs(folders["pristine"], folders["candidates"], folder / "target.parquet")


@pytest.fixture(scope="module")
def finished(folders, tmp_path_factory):
    inputs = make_inputs(folders, range(TARGET_PICTURES), tmp_path_factory.mktemp("scores"))
    run = Run(tmp_path_factory.mktemp("run"), SIZES["tiny"], inputs)
    started = time.monotonic()
    results = carry_on(run, Clock(1))
    print("tiny", time.monotonic() - started)
    return run, results


def files_of(run, *folders):
    paths = [path for name in folders for path in run.folder.glob(name) if path.is_file()]
    return {path.relative_to(run.folder).as_posix(): path.read_bytes() for path in paths}


def copy_files(run, other, *folders):
    for name in folders:
        shutil.copytree(run.folder / name, other.folder / name)


FIXED = ("arms.json", "arms/*", "domains/*", "content/*", "labels/*", "target/*", "predictions/*", "heads/*")


def test_scores_of_noise_leave_every_arm_and_every_prediction_as_they_are(folders, finished, tmp_path_factory):
    run, _ = finished
    noise = np.random.default_rng(3).normal(50, 20, TARGET_PICTURES).round(3)
    inputs = make_inputs(folders, noise.tolist(), tmp_path_factory.mktemp("noise"))
    other = Run(tmp_path_factory.mktemp("other"), SIZES["tiny"], inputs)
    copy_files(run, other, "references", "manifests", "parts", "features", "measures")  # none has seen the target
    carry_on(other, Clock(1))
    before, after = files_of(run, *FIXED), files_of(other, *FIXED)
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []
    assert len(before) > 40
    assert (run.folder / "report.json").read_bytes() != (other.folder / "report.json").read_bytes()
