"""References that a split file holds out: marked, measured against, and never a source of labels."""

import csv
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.datasets.image_folders import KADID_LABELS
from syndr_curate.curate.datasets.labels import LabelFile
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.settings import LabelSettings, NeighborSettings
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.manifest.provenance import read_provenance
from syndr_curate.curate.upsampling.cross_validation import cross_validate_upsample
from syndr_curate.curate.upsampling.request import EncoderChoice, UpsampleRequest
from syndr_curate.curate.upsampling.run import run_upsample
from syndr_curate.curate.upsampling.settings import UpsampleSettings
from syndr_curate.curate.upsampling.upsample import upsample

from ..making import Notes

TYPES, LEVELS = (1, 21), (1, 3, 5)
REFERENCES = {"r0": 0, "r1": 40, "r2": 45, "r3": 90, "r4": 130, "r5": 135, "r6": 140}
CANDIDATES = {"new": 10, "newer": 80}
HELD_OUT = {"r0": "test", "r3": "val"}
LABELERS = {
    "knn": LabelSettings(),
    "similarity": LabelSettings(neighbors=NeighborSettings(weighting="similarity")),
    "nearest": LabelSettings(neighbors=NeighborSettings(count=1)),
    "every reference": LabelSettings(neighbors=NeighborSettings(count=20, margin=9.0)),
    "certain": LabelSettings(neighbors=NeighborSettings(count=20, margin=9.0), max_label_std=3.0),
    "gp": LabelSettings(labeler="gp"),
}


def label_text(labels):
    """Write labels by (reference, type, level) as KADID-10k's file has them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("dist_img", "ref_img", "dmos", "var"))
    for (reference, kind, level), score in labels.items():
        writer.writerow((f"{reference}_{kind:02d}_{level:02d}.png", f"{reference}.png", repr(score), 0.5))
    return text.getvalue()


def drawn_labels(seed):
    rng = np.random.Generator(np.random.PCG64(seed))
    cells = [(f"r{number}", kind, level) for number in range(7) for kind in TYPES for level in LEVELS]
    return dict(zip(cells, rng.uniform(1, 9, len(cells)).tolist(), strict=True))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Seven labeled references on an arc, and a candidate 10 degrees beside each of the two that are held out."""
    folder = tmp_path_factory.mktemp("held_out")
    for name, angles in (("references", REFERENCES), ("candidates", CANDIDATES)):
        radians = np.radians(list(angles.values()))
        save_features(folder / f"{name}.npz", list(angles), np.stack([np.cos(radians), np.sin(radians)], axis=1))
    (folder / "split.csv").write_text("reference_id,split\nr0,test\nr3,val\n")
    (folder / "labels.csv").write_text(label_text(drawn_labels(0)))
    return folder


def request(folder, labeling=None, **changes):
    file = LabelFile(folder / "labels.csv", label_range=(0.0, 10.0))
    asked = UpsampleSettings(types=TYPES, levels=LEVELS, labeling=labeling or LabelSettings())
    asked = UpsampleRequest(
        settings=asked,
        out=folder / "out" / "train.parquet",
        labels=file,
        reference_features=folder / "references.npz",
        candidate_features=folder / "candidates.npz",
        split_file=folder / "split.csv",
        recipe_only=True,
    )
    return replace(asked, **changes)


def training_bytes(asked, labels):
    """Carry out a request with other labels; return the bytes of the training rows that it writes."""
    asked.labels.path.write_text(label_text(labels))
    run_upsample(asked)
    table = pq.read_table(asked.out)
    rows = io.BytesIO()
    pq.write_table(table.filter(pc.equal(table["split"], "train")).replace_schema_metadata(None), rows)
    return rows.getvalue()


def others_for_held_out(labels, seed):
    return {cell: drawn_labels(seed)[cell] if cell[0] in HELD_OUT else score for cell, score in labels.items()}


@pytest.mark.parametrize("name", LABELERS)
@settings(deadline=None, max_examples=4, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_labels_of_held_out_references_change_no_training_row(inputs, name, seed):
    asked, labels = request(inputs, LABELERS[name]), drawn_labels(seed)
    assert training_bytes(asked, labels) == training_bytes(asked, others_for_held_out(labels, seed + 1))


@pytest.mark.parametrize("name", LABELERS)
def test_they_do_where_all_references_lend_their_labels(inputs, name):
    asked = request(inputs, replace(LABELERS[name], neighbors_from="all"))
    labels = drawn_labels(1)
    assert training_bytes(asked, labels) != training_bytes(asked, others_for_held_out(labels, 2))


def test_without_a_fixed_range_held_out_labels_have_a_part_in_the_scale(inputs):
    asked = request(inputs, labels=LabelFile(inputs / "labels.csv"))
    labels = drawn_labels(1)
    assert training_bytes(asked, labels) != training_bytes(asked, {**labels, ("r0", 1, 1): 9.9})


def run(inputs, tmp_path, **changes):
    """Carry out a request; return its rows and its provenance."""
    (inputs / "labels.csv").write_text(label_text(drawn_labels(0)))
    asked = request(inputs, out=tmp_path / "train.parquet", **changes)
    run_upsample(asked)
    return pd.read_parquet(asked.out), read_provenance(read_manifest(asked.out))


def label_references(frame):
    new = frame[frame.label_source == "pseudo"]
    return {voice["reference_id"] for voices in new.neighbors for voice in voices}


def test_held_out_references_are_marked_and_are_no_neighbors(inputs, tmp_path):
    frame, provenance = run(inputs, tmp_path, labeling=LABELERS["every reference"])
    assert set(frame[frame.reference_id == "r0"].split) == {"test"}
    assert set(frame[frame.reference_id == "r3"].split) == {"val"}
    assert set(frame[frame.split == "train"].reference_id) == {"r1", "r2", "r4", "r5", "r6", "new", "newer"}
    assert label_references(frame) == {"r1", "r2", "r4", "r5", "r6"}
    assert provenance["config"]["neighbors_from"] == "train"
    assert provenance["label_scale"] == {"min": 0.0, "max": 10.0, "higher_is_better": True}


def test_all_references_are_neighbors_where_asked_for(inputs, tmp_path):
    frame, provenance = run(inputs, tmp_path, labeling=replace(LABELERS["every reference"], neighbors_from="all"))
    assert label_references(frame) == {f"r{number}" for number in range(7)}
    assert provenance["config"]["neighbors_from"] == "all"


def test_without_a_split_file_both_are_the_same(inputs, tmp_path):
    rows = [
        run(inputs, tmp_path, labeling=LabelSettings(neighbors_from=whose), split_file=None)[0]
        for whose in ("train", "all")
    ]
    pd.testing.assert_frame_equal(*rows)


def test_candidates_are_measured_against_held_out_references_too(inputs, tmp_path):
    paths = [tmp_path / "held_out.parquet", tmp_path / "none.parquet"]
    run(inputs, tmp_path, selection=paths[0])
    run(inputs, tmp_path, selection=paths[1], split_file=None)
    assert pq.read_table(paths[0]).equals(pq.read_table(paths[1]))


def test_fewer_references_than_neighbors_is_said(inputs):
    notes = Notes()
    (inputs / "labels.csv").write_text(label_text(drawn_labels(0)))
    asked = request(inputs, LabelSettings(neighbors=NeighborSettings(count=6)), dry_run=True)
    run_upsample(asked, notes)
    assert "2 held-out references lend no labels: 5 references do (--neighbors-from all would take all)" in notes.told
    assert "only 5 references give their labels, fewer than --neighbors 6: all are taken" in notes.told


def test_a_split_file_that_leaves_no_reference_to_learn_from_is_refused(inputs, tmp_path):
    (tmp_path / "all.csv").write_text("reference_id,split\n" + "".join(f"r{n},test\n" for n in range(7)))
    with pytest.raises(CurateError, match=r"holds out all 7 labeled references; expected .* --neighbors-from all"):
        run(inputs, tmp_path, split_file=tmp_path / "all.csv")
    assert not (tmp_path / "train.parquet").exists()
    (tmp_path / "most.csv").write_text("reference_id,split\n" + "".join(f"r{n},test\n" for n in range(4)))
    with pytest.raises(CurateError, match="learns from at least 4 labeled references; 3 given"):
        run(inputs, tmp_path, labeling=LABELERS["gp"], split_file=tmp_path / "most.csv")


def test_in_python_the_same_references_lend_their_labels(inputs, tmp_path):
    frame, _ = run(inputs, tmp_path, labels=LabelFile(inputs / "labels.csv"))
    table = upsample(
        inputs / "labels.csv",
        inputs / "references.npz",
        inputs / "candidates.npz",
        types=TYPES,
        levels=LEVELS,
        splits=HELD_OUT,
    )
    assert table["label"].to_pylist() == frame.label.tolist()
    assert table["split"].to_pylist() == frame.split.tolist()
    with pytest.raises(CurateError, match="the split of 'r0' is 'Test'; expected train, val, test"):
        upsample(
            inputs / "labels.csv",
            inputs / "references.npz",
            inputs / "candidates.npz",
            splits={"r0": "Test"},
        )


@pytest.mark.parametrize("name", ["knn", "gp"])
def test_what_is_cross_validated_is_what_labels(inputs, tmp_path, name):
    labels = drawn_labels(0)
    (inputs / "labels.csv").write_text(label_text(labels))
    held_out = cross_validate_upsample(request(inputs, LABELERS[name])).chosen
    rest = {cell: score for cell, score in labels.items() if cell[0] not in HELD_OUT}
    (tmp_path / "rest.csv").write_text(label_text(rest))
    with np.load(inputs / "references.npz") as stored:
        kept = [number for number, identifier in enumerate(stored["ids"].tolist()) if identifier not in HELD_OUT]
        save_features(tmp_path / "rest.npz", stored["ids"][kept].tolist(), stored["features"][kept])
    alone = request(
        inputs,
        LABELERS[name],
        labels=LabelFile(tmp_path / "rest.csv", label_range=(0.0, 10.0)),
        reference_features=tmp_path / "rest.npz",
        split_file=None,
    )
    without = cross_validate_upsample(alone).chosen
    assert held_out.reference_ids == without.reference_ids == ("r1", "r2", "r4", "r5", "r6")
    assert held_out.predicted.tobytes() == without.predicted.tobytes()
    everyone = request(inputs, replace(LABELERS[name], neighbors_from="all"))
    assert len(cross_validate_upsample(everyone).chosen.reference_ids) == 7


def test_measured_references_that_are_held_out_lend_no_labels_either(image_folder, tmp_path):
    references, candidates = image_folder("ref", 4), image_folder("cand", 12, first_seed=100)
    (references / "broken.png").write_text("not a picture")
    (tmp_path / "split.csv").write_text("id,split\nref1_01_03,test\nbroken,val\n")
    asked = UpsampleRequest(
        settings=UpsampleSettings(types=(1,), labeling=LABELERS["every reference"]),
        out=tmp_path / "train.parquet",
        references=references,
        proxy_labels=True,
        candidates_root=candidates,
        encoder=EncoderChoice("gist"),
        split_file=tmp_path / "split.csv",
        recipe_only=True,
    )
    run_upsample(asked)
    frame = pd.read_parquet(asked.out)
    assert label_references(frame) == {"ref0", "ref2", "ref3"}
    assert set(frame[frame.reference_id == "ref1"].split) == {"test"}
    broken = frame[frame.reference_id == "broken"]
    assert (set(broken.status), set(broken.split)) == ({"unreadable"}, {"val"})


def test_the_flags_of_a_label_file_hold_for_a_data_set_of_known_layout(syndr_curate, inputs, tmp_path):
    root = tmp_path / "KADID"
    (root / KADID_LABELS).parent.mkdir(parents=True)
    (root / KADID_LABELS).write_text(label_text(drawn_labels(0)))
    command = ("upsample", "--dataset", "kadid10k", "--root", root, "--label-range", "0,8", "--recipe-only", "--json")
    features = ("--reference-features", inputs / "references.npz", "--candidate-features", inputs / "candidates.npz")
    done = syndr_curate(*command, *features, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "scores are outside 0 to 8" in done.stderr
