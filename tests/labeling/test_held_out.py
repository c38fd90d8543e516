"""`label` and its cross-validation take no labels from references that are held out."""

import json

import pyarrow as pa
import pytest
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.datasets.labels import LabelFile
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.held_out import without_held_out
from syndr_curate.curate.labeling.label import label
from syndr_curate.curate.labeling.label_files import run_label
from syndr_curate.curate.labeling.label_rows import label_rows
from syndr_curate.curate.labeling.make_labeler import make_labeler
from syndr_curate.curate.labeling.settings import LabelSettings, NeighborSettings
from syndr_curate.curate.labeling.validate_label_file import cross_validate_label_file
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, digest_file, read_provenance

from ..making import Notes, recipe_table

# x lies on a; b is 20 degrees away, c 40.
ANGLES = {"a": 0, "b": 20, "c": 40}
LABELS = {"a": 1.0, "b": 4.0, "c": 8.0}


@pytest.fixture
def references(at_angles):
    return at_angles(**ANGLES)


@pytest.fixture
def labels(labeled):
    return labeled({(reference, 1, 1): quality for reference, quality in LABELS.items()})


def rows_of(*names):
    return attach(recipe_table(names, types=(1,), levels=(1,)), {"stage": "distort"})


def test_the_nearest_reference_gives_no_label_where_it_is_held_out(labels, references, at_angles):
    one = NeighborSettings(count=1)
    new = {"manifest": rows_of("x"), "neighbors": one, "splits": {"a": "test", "c": "train"}}
    assert label(labels, references, at_angles(x=1), **new)["label"].to_pylist() == [4.0]
    assert label(labels, references, at_angles(x=1), **new, neighbors_from="all")["label"].to_pylist() == [1.0]


@pytest.mark.parametrize(("splits", "mean"), [({}, 13 / 3), ({"a": "test"}, 6.0), ({"b": "val", "c": "test"}, 1.0)])
def test_the_mean_is_that_of_the_training_references(labels, references, at_angles, splits, mean):
    label_references = without_held_out(references, splits, LabelSettings())
    table = label_rows(rows_of("x"), at_angles(x=1), label_references, labels, make_labeler("condition"))
    assert table["label"].to_pylist() == pytest.approx([mean])


def test_a_gap_in_the_labels_of_a_held_out_reference_stops_no_labeler(labeled, references, at_angles):
    cells = {(reference, 1, level): 5.0 for reference in "abc" for level in (1, 3) if (reference, level) != ("a", 3)}
    rows = recipe_table(["x"], types=(1,), levels=(3,))
    label_references = without_held_out(references, {"a": "val"}, LabelSettings())
    table = label_rows(rows, at_angles(x=1), label_references, labeled(cells), make_labeler("condition"))
    assert table["label"].to_pylist() == [5.0]


def test_rows_of_a_held_out_reference_are_held_out(labels, references, at_angles):
    table = label(labels, references, at_angles(x=1, a=0), manifest=rows_of("x", "a"), splits={"a": "test"})
    assert table["split"].to_pylist() == ["train", "test"]
    assert read_provenance(table)["config"]["neighbors_from"] == "train"


def with_column(table, name, values):
    field = table.schema.field(name)
    array = pa.array(values)
    column = array.dictionary_encode() if pa.types.is_dictionary(field.type) else array.cast(field.type)
    return table.set_column(table.schema.get_field_index(name), field, column)


def test_a_reference_that_the_manifest_itself_holds_out_gives_no_label(labels, references, at_angles):
    rows = with_column(rows_of("x", "a"), "split", ["train", "test"])
    one = NeighborSettings(count=1)
    table = label(labels, references, at_angles(x=1, a=0), manifest=rows, neighbors=one)
    assert table["label"].to_pylist() == [4.0, 4.0]
    assert table["split"].to_pylist() == ["train", "test"]


def test_labels_from_people_stay(labels, references, at_angles):
    rows = with_column(with_column(rows_of("x", "a"), "label", [None, 9.5]), "label_source", [None, "mos"])
    notes = Notes()
    one = NeighborSettings(count=1)
    table = label(labels, references, at_angles(x=1, a=0), manifest=rows, neighbors=one, reporter=notes)
    assert table["label"].to_pylist() == [1.0, 9.5]
    assert table["label_source"].to_pylist() == ["pseudo", "mos"]
    assert notes.told == ["1 rows keep their labels from people"]
    of_people = with_column(with_column(rows, "label", [9.0, 9.5]), "label_source", ["mos", "mos"])
    with pytest.raises(CurateError, match="the manifest has no row to label that people have not labeled"):
        label(labels, references, at_angles(x=1, a=0), manifest=of_people)
    other = attach(rows, {"stage": "label", "label_scale": {"min": 1.0, "max": 5.0, "higher_is_better": True}})
    with pytest.raises(CurateError, match="1 rows of the manifest have labels from people on the scale"):
        label(labels, references, at_angles(x=1, a=0), manifest=other)


def test_splits_of_unknown_references_are_refused(labels, references, at_angles):
    with pytest.raises(CurateError, match="splits name 1 references that the label file does not: 'z'"):
        label(labels, references, at_angles(x=1), manifest=rows_of("x"), splits={"z": "test"})


def test_references_that_give_no_labels_are_noted(labels, references, at_angles):
    notes = Notes()
    label(labels, references, at_angles(x=1), manifest=rows_of("x"), splits={"a": "test"}, reporter=notes)
    assert notes.told == [
        "1 held-out references lend no labels: 2 references do (--neighbors-from all would take all)",
        "only 2 references give their labels, fewer than --neighbors 5: all are taken",
    ]
    notes = Notes()
    fewer = NeighborSettings(count=3)
    label(labels, references, at_angles(x=1), manifest=rows_of("x"), neighbors=fewer, reporter=notes)
    assert notes.told == []


@pytest.fixture
def files(references, at_angles, write_text, tmp_path):
    """What `label` reads, in files: labels, features, rows of a new and of a held-out reference, and the split."""
    lines = [f"{name}_01_01.png,{name}.png,{quality}" for name, quality in LABELS.items()]
    write_text("labels.csv", "dist_img,ref_img,dmos", *lines)
    write_text("split.csv", "reference_id,split", "a,test")
    for name, found in (("known", references), ("new", at_angles(x=1, a=0))):
        save_features(tmp_path / f"{name}.npz", found.ids, found.matrix)
    write_manifest(rows_of("x", "a"), tmp_path / "rows.parquet")
    return tmp_path


def label_files(folder, settings=None, out="out.parquet"):
    run_label(
        LabelFile(folder / "labels.csv", label_range=(0.0, 10.0)),
        folder / "known.npz",
        folder / "new.npz",
        folder / out,
        manifest=folder / "rows.parquet",
        types=(1,),
        levels=(1,),
        settings=settings,
        split_file=folder / "split.csv",
    )
    return read_manifest(folder / out)


def test_the_split_file_is_in_the_provenance_and_is_not_overwritten(files):
    table = label_files(files)
    assert read_provenance(table)["inputs"]["splits"] == digest_file(files / "split.csv")
    assert table["split"].to_pylist() == ["train", "test"]
    with pytest.raises(CurateError, match=r"split\.csv would overwrite"):
        label_files(files, out="split.csv")


def test_only_training_references_are_cross_validated(files):
    file, known = LabelFile(files / "labels.csv", label_range=(0.0, 10.0)), files / "known.npz"
    one = NeighborSettings(count=1)
    found = cross_validate_label_file(file, known, LabelSettings(neighbors=one), split_file=files / "split.csv")
    assert found.chosen.reference_ids == ("b", "c")
    assert found.chosen.predicted.tolist() == [[8.0], [4.0]]  # each from the other
    everyone = LabelSettings(neighbors=one, neighbors_from="all")
    found = cross_validate_label_file(file, known, everyone, split_file=files / "split.csv")
    assert found.chosen.reference_ids == ("a", "b", "c")


def test_the_command_takes_a_split_file(syndr_curate, files):
    known = ("--labels", "labels.csv", "--label-range", "0,10", "--reference-features", "known.npz")
    split = ("--split-file", "split.csv", "--neighbors", "1")
    new = ("--candidate-features", "new.npz", "--manifest", "rows.parquet", "--out", "out.parquet")
    syndr_curate("label", *known, *split, *new, cwd=files)
    assert read_manifest(files / "out.parquet")["label"].to_pylist() == [4.0, 4.0]
    syndr_curate("label", *known, *split, *new, "--neighbors-from", "all", cwd=files)
    assert read_manifest(files / "out.parquet")["label"].to_pylist() == [1.0, 1.0]
    scores = json.loads(syndr_curate("label", *known, *split, "--cross-validate", "--json", cwd=files).stdout)
    assert (scores["references"], scores["mae"]) == (2, 4.0)
