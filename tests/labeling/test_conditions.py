"""Condition labels: the human mean of a type and level, from a labeled set or from the table that ships."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate.curate.datasets.features import alike
from syndr_curate.curate.datasets.labels import LabelFile, read_labels
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.conditions.shipped import label_by_conditions, read_conditions
from syndr_curate.curate.labeling.conditions.table import condition_table
from syndr_curate.curate.labeling.label import label
from syndr_curate.curate.labeling.label_files import run_label
from syndr_curate.curate.labeling.label_matrix import label_matrix
from syndr_curate.curate.labeling.settings import LabelSettings
from syndr_curate.curate.labeling.validate_label_file import cross_validate_label_file
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.distortions.catalog import IDENTITY_CELLS

from ..making import recipe_table

ROOT = Path(__file__).resolve().parents[2]
EVERY_TYPE, EVERY_LEVEL = tuple(range(1, 26)), (1, 2, 3, 4, 5)


def rows_of(*names, types=(1,), levels=(1, 3)):
    return attach(recipe_table(names, types=types, levels=levels), {"stage": "distort"})


@pytest.fixture
def labels(labeled):
    """Two types; nobody rated type 2 at level 1 of `c`, and only `a` has type 3."""
    cells = {("a", 1, 1): 8.0, ("b", 1, 1): 6.0, ("c", 1, 1): 4.0, ("a", 2, 1): 3.0, ("b", 2, 1): 5.0}
    return labeled({**cells, ("a", 3, 1): 2.0})


def test_the_table_holds_mean_and_sample_deviation_of_the_labels_that_there_are(labels):
    table = condition_table(label_matrix(labels, alike(labels.references(), "the labels")))
    assert table.conditions == ((1, 1), (2, 1), (3, 1))
    assert table.mean.tolist() == [6.0, 4.0, 2.0]
    assert table.deviation[:2] == pytest.approx([2.0, np.sqrt(2.0)])
    assert np.isnan(table.deviation[2])


def test_a_condition_label_needs_no_features_and_is_the_same_for_every_picture(labels):
    table = label(labels, labeler="condition", manifest=rows_of("x", "y", types=(1, 2, 3), levels=(1,)))
    assert table["label"].to_pylist() == [6.0, 4.0, 2.0] * 2
    assert table["label_std"].to_pylist() == [2.0, pytest.approx(np.sqrt(2)), None] * 2
    assert set(table["label_source"].to_pylist()) == {"condition"}
    assert table["neighbors"].null_count == len(table)
    assert "reference_features" not in read_provenance(table)["inputs"]


def test_features_that_are_given_change_no_condition_label(labels, at_angles):
    rows = rows_of("x", levels=(1,))
    given = label(labels, at_angles(a=0, b=10, c=20), at_angles(x=5), labeler="condition", manifest=rows)
    assert given.equals(label(labels, labeler="condition", manifest=rows))


def test_held_out_references_have_no_part_in_the_mean(labels):
    table = label(labels, labeler="condition", manifest=rows_of("x", levels=(1,)), splits={"a": "test"})
    assert table["label"].to_pylist() == [5.0]


def test_a_condition_without_ratings_is_named(labels):
    with pytest.raises(CurateError, match="no labeled image has the type and level of 1 rows: 'x_01_03'"):
        label(labels, labeler="condition", manifest=rows_of("x", levels=(1, 3)))


@pytest.mark.parametrize("labeler", ["knn", "gp"])
def test_labelers_that_compare_contents_ask_for_features(labels, labeler):
    with pytest.raises(CurateError, match=f"the labeler {labeler} compares contents: give the features"):
        label(labels, labeler=labeler, manifest=rows_of("x"))


def test_the_shipped_table_has_every_type_and_level_and_says_where_it_is_from():
    shipped = read_conditions("kadid10k")
    assert shipped.table.conditions == tuple((kind, level) for kind in EVERY_TYPE for level in EVERY_LEVEL)
    assert (shipped.scale.minimum, shipped.scale.maximum, shipped.scale.higher_is_better) == (1.0, 4.93, True)
    assert ((shipped.table.mean > 0) & (shipped.table.mean < 10)).all()
    assert (shipped.table.deviation > 0).all()
    content = json.loads((ROOT / "manifests" / "conditions" / "kadid10k.json").read_text("utf-8"))
    assert content["references"] == 81
    assert {"source", "computed", "labels_sha256"} <= set(content)


def test_the_shipped_table_is_what_the_script_makes_of_the_label_file(reference_data, tmp_path):
    command = [sys.executable, ROOT / "scripts" / "make_conditions.py", reference_data / "kadid10k" / "dmos.csv"]
    subprocess.run([*command, "--out", tmp_path / "made.json"], check=True)
    shipped = (ROOT / "manifests" / "conditions" / "kadid10k.json").read_bytes()
    assert (tmp_path / "made.json").read_bytes() == shipped


def test_shipped_labels_are_those_of_the_labeler_on_the_label_file(reference_data):
    rows = rows_of("x", types=(0, *EVERY_TYPE), levels=EVERY_LEVEL)
    shipped = label(conditions="kadid10k", manifest=rows)
    learned = label(reference_data / "kadid10k" / "dmos.csv", labeler="condition", manifest=rows)
    assert shipped["label"].equals(learned["label"])
    assert shipped["label_std"].to_numpy() == pytest.approx(learned["label_std"].to_numpy(), abs=1e-6)
    assert read_provenance(shipped)["label_scale"] == read_provenance(learned)["label_scale"]


def test_in_sample_the_shipped_means_miss_single_labels_by_0_680(reference_data):
    labels, shipped = read_labels(reference_data / "kadid10k" / "dmos.csv"), read_conditions("kadid10k")
    cells = list(zip(labels.distortion_ids.tolist(), labels.levels.tolist(), strict=True))
    means, _ = shipped.table.labels_of(cells)
    assert np.abs(means - labels.quality).mean() == pytest.approx(0.680, abs=5e-4)


def test_leaving_one_reference_out_misses_by_0_6886(reference_data):
    file = LabelFile(reference_data / "kadid10k" / "dmos.csv")
    found = cross_validate_label_file(file, None, LabelSettings(labeler="condition"))
    assert found.chosen.scores().as_text().startswith("0.6886")


def test_a_pristine_row_takes_the_mean_of_the_identity_cells():
    rows = rows_of("x", types=(0, *EVERY_TYPE), levels=EVERY_LEVEL)
    table = label(conditions="kadid10k", manifest=rows)
    found = dict(zip(table["sample_id"].to_pylist(), table["label"].to_pylist(), strict=True))
    cells = [found[f"x_{kind:02d}_{level:02d}"] for kind, level in IDENTITY_CELLS]
    assert found["x_00_00"] == pytest.approx(np.mean(cells), abs=1e-6)


def test_rows_that_are_not_ok_stay_in_their_place_without_a_label():
    rows = rows_of("y", "x")
    status = pa.array(["ok", "unreadable", "ok", "ok"]).dictionary_encode()
    rows = rows.set_column(rows.schema.get_field_index("status"), rows.schema.field("status"), status)
    table = label(conditions="kadid10k", manifest=rows)
    assert table["sample_id"].to_pylist() == ["y_01_01", "y_01_03", "x_01_01", "x_01_03"]
    assert [value is None for value in table["label"].to_pylist()] == [False, True, False, False]


def test_a_type_of_which_the_table_knows_nothing_is_named():
    rows = rows_of("x", levels=(1,))
    other = pa.array([101], pa.int16())
    rows = rows.set_column(rows.schema.get_field_index("distortion_id"), rows.schema.field("distortion_id"), other)
    with pytest.raises(CurateError, match=r"'kadid10k' have no label .* of 1 rows: 'x_01_01'; .* types 1 to 25"):
        label_by_conditions(rows, read_conditions("kadid10k"))


def test_uncertain_conditions_are_left_out():
    rows = rows_of("x", types=EVERY_TYPE, levels=EVERY_LEVEL)
    table = label(conditions="kadid10k", manifest=rows, max_label_std=0.5)
    assert 0 < len(table) < 125
    assert max(table["label_std"].to_pylist()) <= 0.5


def test_splits_name_the_references_of_the_rows():
    table = label(conditions="kadid10k", manifest=rows_of("x", "y", levels=(1,)), splits={"y": "val"})
    assert table["split"].to_pylist() == ["train", "val"]
    with pytest.raises(CurateError, match="'z'"):
        label(conditions="kadid10k", manifest=rows_of("x"), splits={"z": "val"})


def test_conditions_stand_alone(labels, at_angles):
    with pytest.raises(CurateError, match="leave out the labels and all features"):
        label(labels, conditions="kadid10k", manifest=rows_of("x"))
    with pytest.raises(CurateError, match="leave out the labels and all features"):
        label(candidate_features=at_angles(x=1), conditions="kadid10k", manifest=rows_of("x"))
    with pytest.raises(CurateError, match="labeler is 'gp' with conditions"):
        label(conditions="kadid10k", labeler="gp", manifest=rows_of("x"))
    with pytest.raises(CurateError, match="conditions are 'tid2013'; expected kadid10k"):
        label(conditions="tid2013", manifest=rows_of("x"))
    with pytest.raises(CurateError, match="conditions are 'tid2013'; expected kadid10k"):
        read_conditions("tid2013")
    with pytest.raises(CurateError, match=r"give the labels: .*conditions='kadid10k'"):
        label(manifest=rows_of("x"))


def test_the_settings_name_the_conditions_only_where_there_are_some():
    assert "conditions" not in LabelSettings(labeler="condition").as_json()
    facts = LabelSettings(conditions="kadid10k").as_json()
    assert (facts["labeler"], facts["conditions"]) == ("condition", "kadid10k")


@pytest.fixture
def folder(tmp_path, write_text):
    write_manifest(rows_of("x", "y", types=(1, 9), levels=(1, 5)), tmp_path / "rows.parquet")
    write_text("split.csv", "reference_id,split", "y,val")
    write_text(
        "labels.csv", "dist_img,ref_img,dmos", "a_01_01.png,a.png,4", "b_01_01.png,b.png,2", "b_01_05.png,b.png,1"
    )
    return tmp_path


def test_the_command_labels_what_distort_wrote(syndr_curate, folder):
    command = ("label", "--manifest", "rows.parquet", "--conditions", "kadid10k", "--split-file", "split.csv")
    done = syndr_curate(*command, "--out", "out.parquet", "--json", cwd=folder)
    assert json.loads(done.stdout)["rows"] == 8
    written = read_manifest(folder / "out.parquet", training=True)
    in_memory = label(conditions="kadid10k", manifest=folder / "rows.parquet", splits={"y": "val"})
    for column in ("sample_id", "label", "label_std", "label_source", "split"):
        assert written[column].equals(in_memory[column]), column
    facts = read_provenance(written)
    assert facts["config"]["conditions"] == "kadid10k"
    assert {"types", "levels", "seed"}.isdisjoint(facts["config"])  # the rows have theirs
    assert {"conditions", "rows", "splits"} == set(facts["inputs"])


def test_the_command_takes_the_means_of_a_label_file_without_features(folder):
    write_manifest(rows_of("x", levels=(1,)), folder / "one.parquet")
    file = LabelFile(folder / "labels.csv", label_range=(0.0, 10.0))
    settings = LabelSettings(labeler="condition")
    given = {"manifest": folder / "one.parquet", "types": (1,), "levels": (1,), "settings": settings}
    run_label(file, None, None, folder / "out.parquet", **given)
    assert read_manifest(folder / "out.parquet")["label"].to_pylist() == [3.0]


def test_what_contradicts_conditions_is_refused_by_name(syndr_curate, folder):
    base = ("label", "--manifest", "rows.parquet", "--conditions", "kadid10k", "--out", "out.parquet")
    for flags, message in {
        ("--labels", "labels.csv"): "--labels has no effect with --conditions",
        ("--candidate-features", "c.npz"): "--candidate-features has no effect with --conditions",
        ("--id-column", "name"): "--id-column has no effect with --conditions",
        ("--labeler", "gp"): "--labeler has no effect with --conditions",
        ("--neighbors", "3"): "--neighbors has no effect with --conditions",
        ("--cross-validate",): "--cross-validate compares labels with those of single images",
        ("--compare",): "--cross-validate compares labels with those of single images",
    }.items():
        done = syndr_curate(*base, *flags, cwd=folder, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {message}"), done.stderr
    assert not (folder / "out.parquet").exists()


def test_comparing_labelers_needs_features(syndr_curate, folder):
    command = ("label", "--labels", "labels.csv", "--labeler", "condition", "--compare")
    done = syndr_curate(*command, cwd=folder, check=False)
    assert done.returncode == 2
    assert "--reference-features FILE is needed" in done.stderr
