"""`upsample` on references that it distorts and labels itself: by their conditions, or by a metric."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pytest
from syndr_curate import label
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.settings import LabelSettings
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.manifest.provenance import read_provenance
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.upsampling.request import EncoderChoice, UpsampleRequest
from syndr_curate.curate.upsampling.run import run_upsample
from syndr_curate.curate.upsampling.settings import UpsampleSettings

from ..conftest import SCRIPT

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = UpsampleSettings(types=(1, 9), labeling=LabelSettings(conditions="kadid10k"))


@pytest.fixture(scope="module")
def photos(image_folder):
    return image_folder("photo", 3, height=48, width=48)


@pytest.fixture(scope="module")
def more(image_folder):
    return image_folder("more", 6, first_seed=50, height=48, width=48)


def request(photos, tmp_path, **changes):
    given = UpsampleRequest(settings=SETTINGS, out=tmp_path / "train.parquet", references=photos, workers=1)
    return replace(given, **changes)


def labels_of(table):
    return dict(zip(table["sample_id"].to_pylist(), table["label"].to_pylist(), strict=True))


def test_a_folder_of_photographs_becomes_a_training_set(photos, tmp_path):
    summary = run_upsample(request(photos, tmp_path))
    # 3 references x 2 types x 5 levels
    assert (summary["rows_original"], summary["rows_new"], summary["rows_total"]) == (30, 0, 30)
    assert (summary["references_selected"], summary["rows_not_ok"], summary["rows_too_uncertain"]) == (0, 0, 0)
    table = read_manifest(tmp_path / "train.parquet", training=True)
    assert set(table["label_source"].to_pylist()) == {"condition"}
    assert table["label"].null_count == table["label_std"].null_count == 0
    facts = read_provenance(table)
    assert facts["config"]["conditions"] == "kadid10k"
    assert facts["config"]["levels"] == [1, 2, 3, 4, 5]
    assert {"conditions", "reference_images"} <= set(facts["inputs"])
    assert set(facts["roots"]) == {"references", "images"}
    verdict = verify(tmp_path / "train.parquet")
    assert verdict.problems == []
    assert verdict.files_decoded == verdict.rendered_again == 30


def test_it_has_the_rows_and_labels_that_distort_and_label_give(photos, tmp_path):
    run_upsample(request(photos, tmp_path, recipe_only=True))
    run_distort(photos, tmp_path / "distorted", types=(1, 9), levels=(1, 2, 3, 4, 5), recipe_only=True)
    table = read_manifest(tmp_path / "train.parquet")
    labeled = label(manifest=tmp_path / "distorted" / "manifest.parquet", conditions="kadid10k")
    for column in ("sample_id", "label", "label_std", "label_source", "seed", "split"):
        assert table[column].equals(labeled[column]), column


def test_candidates_are_selected_by_content_and_labeled_by_condition_too(photos, more, tmp_path):
    given = request(photos, tmp_path, candidates_root=more, encoder=EncoderChoice("gist"))
    summary = run_upsample(given)
    table = read_manifest(tmp_path / "train.parquet", training=True)
    new = table.filter(pc.equal(table["reference_root"].cast("string"), "candidates"))
    assert summary["references_selected"] > 0
    assert (summary["rows_original"], summary["rows_new"]) == (30, len(new))
    assert len(new) == summary["references_selected"] * 2 * 3  # levels 1, 3, 5
    assert set(table["label_source"].to_pylist()) == {"condition"}
    assert len(set(cells_of(table))) == 2 * 5  # a type and level has one label, old or new
    assert set(cells_of(new)) < set(cells_of(table))
    assert verify(tmp_path / "train.parquet").problems == []


def cells_of(table):
    return list(zip(*(table[name].to_pylist() for name in ("distortion_id", "level", "label")), strict=True))


def test_only_new_leaves_the_references_out(photos, more, tmp_path):
    settings = replace(SETTINGS, only_new=True)
    given = request(photos, tmp_path, settings=settings, candidates_root=more, encoder=EncoderChoice("gist"))
    summary = run_upsample(replace(given, recipe_only=True))
    assert summary["rows_original"] == 0
    assert summary["rows_new"] == summary["rows_total"] == summary["references_selected"] * 6


def test_features_of_other_references_are_refused(photos, more, tmp_path):
    save_features(tmp_path / "other.npz", ["a", "b"], [[1.0, 0.0], [0.0, 1.0]])
    given = request(photos, tmp_path, candidates_root=more, encoder=EncoderChoice("gist"))
    with pytest.raises(CurateError, match="has no features for 3 references: 'photo0'"):
        run_upsample(replace(given, reference_features=tmp_path / "other.npz"))


def test_held_out_references_are_marked_and_uncertain_conditions_left_out(photos, tmp_path):
    (tmp_path / "split.csv").write_text("reference_id,split\nphoto1,val\n")
    settings = replace(SETTINGS, labeling=LabelSettings(conditions="kadid10k", max_label_std=0.9), with_pristine=True)
    given = request(photos, tmp_path, settings=settings, split_file=tmp_path / "split.csv", recipe_only=True)
    summary = run_upsample(given)
    table = read_manifest(tmp_path / "train.parquet")
    assert summary["rows_total"] + summary["rows_too_uncertain"] == 3 * (2 * 5 + 1)
    assert summary["rows_too_uncertain"] > 0
    assert max(table["label_std"].to_pylist()) <= 0.9
    pairs = set(zip(table["reference_id"].to_pylist(), table["split"].to_pylist(), strict=True))
    assert pairs == {("photo0", "train"), ("photo1", "val"), ("photo2", "train")}
    assert 9 < labels_of(table)["photo0_00_00"] <= 10


def test_a_broken_photograph_keeps_its_rows_and_says_why(image_folder, tmp_path):
    folder = image_folder("shot", 2, height=48, width=48)
    (folder / "broken.png").write_text("not a picture")
    summary = run_upsample(request(folder, tmp_path))
    assert (summary["rows_total"], summary["rows_not_ok"]) == (30, 10)
    table = read_manifest(tmp_path / "train.parquet")
    broken = table.filter(pc.equal(table["reference_id"], "broken"))
    assert set(broken["status"].to_pylist()) == {"unreadable"}


def test_a_dry_run_counts_the_references_and_writes_nothing(photos, tmp_path):
    summary = run_upsample(request(photos, tmp_path, dry_run=True))
    assert (summary["rows_original"], summary["rows_new"]) == (30, 0)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_go_together_is_said(photos, tmp_path):
    for changes, message in (
        ({"proxy_labels": True}, "give labels in one way: .*--conditions kadid10k"),
        ({"references": None}, "--conditions need the pristine images: --references DIR"),
        ({"settings": replace(SETTINGS, only_new=True)}, "--only-new leaves the references out"),
    ):
        with pytest.raises(CurateError, match=message):
            run_upsample(request(photos, tmp_path, **changes))


@pytest.mark.parametrize("dry_run", [True, False])
def test_types_without_a_mean_are_refused_by_name_before_anything_is_written(photos, tmp_path, dry_run):
    settings = replace(SETTINGS, types=(1, 101, 105))
    with pytest.raises(CurateError, match=r"no label for the types 101 \(.*\), 105 \(.*types 1 to 25.*--proxy-labels"):
        run_upsample(request(photos, tmp_path, settings=settings, dry_run=dry_run))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", ["files", "webdataset"])
def test_a_metric_labels_references_without_candidates_too(photos, tmp_path, layout):
    given = request(photos, tmp_path, settings=UpsampleSettings(types=(1, 9)), proxy_labels=True, layout=layout)
    summary = run_upsample(given)
    assert (summary["rows_original"], summary["rows_new"], summary["rows_total"]) == (30, 0, 30)
    table = read_manifest(tmp_path / "train.parquet", training=True)
    assert set(table["label_source"].to_pylist()) == {"proxy"}
    assert read_provenance(table)["config"]["levels"] == [1, 2, 3, 4, 5]
    assert verify(tmp_path / "train.parquet").problems == []
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == ["images", "train.parquet"]
    before = (tmp_path / "train.parquet").read_bytes()
    assert run_upsample(given) == summary
    assert (tmp_path / "train.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--levels 1,3", "--levels has no effect without candidates"),
        ("--encoder gist", "--encoder has no effect without candidates"),
        ("--selection s.parquet", "--selection has no effect without candidates"),
        ("--labeler gp", "--labeler has no effect with --conditions"),
        ("--dataset mine", "--dataset has no effect with --conditions"),
        ("--id-column name", "--id-column has no effect with --conditions"),
        ("--cross-validate", "--cross-validate compares labels with those of single images"),
    ],
)
def test_flags_without_effect_beside_conditions_are_refused(syndr_curate, photos, tmp_path, flags, message):
    command = ("upsample", "--references", photos, "--conditions", "kadid10k", *flags.split())
    done = syndr_curate(*command, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_sixteen_photographs_train_the_example_of_the_readme(syndr_curate, image_folder, tmp_path):
    photos = image_folder("own", 16, height=64, width=64)
    (tmp_path / "photos").symlink_to(photos)
    command = ("upsample", "--references", "photos/", "--conditions", "kadid10k", "--types", "bid", "--json")
    done = syndr_curate(*command, cwd=tmp_path)
    assert json.loads(done.stdout)["rows_total"] == 16 * 6 * 5
    train = [sys.executable, ROOT / "examples" / "train_on_manifests.py", "manifests/train.parquet"]
    path = f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(train, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "epoch 1: " in done.stdout
