"""`label` in memory: selected references or rows go in, labeled rows come out, as the command writes them."""

import pyarrow as pa
import pytest
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.datasets.labels import LabelFile
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.label import label
from syndr_curate.curate.labeling.label_files import run_label
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.manifest.selection import write_selection
from syndr_curate.curate.upsampling.select import select

from ..making import recipe_table


@pytest.fixture
def references(at_angles):
    return at_angles(a=0, b=10)


@pytest.fixture
def candidates(at_angles):
    return at_angles(x=40, y=140)


@pytest.fixture
def labels(labeled):
    return labeled({(reference, 1, level): float(level) for reference in "ab" for level in (1, 3)})


def rows_of(*names):
    return attach(recipe_table(names, types=(1,), levels=(1, 3)), {"stage": "distort"})


def kept_of(selection):
    return [row["candidate_id"] for row in selection.to_pylist() if row["status"] == "kept"]


def test_rows_are_labeled_in_their_order_and_keep_their_roots(labels, references, candidates):
    rows = attach(rows_of("y", "x"), {"roots": {"photos": "../photos"}, "pixels": "recipe"})
    table = label(labels, references, candidates, manifest=rows)
    assert table["sample_id"].to_pylist() == ["y_01_01", "y_01_03", "x_01_01", "x_01_03"]
    assert table["label"].to_pylist() == [1.0, 3.0, 1.0, 3.0]
    assert read_provenance(table)["roots"] == {"photos": "../photos"}


def test_a_bad_row_stays_in_its_place_without_a_label(labels, references, candidates):
    rows = rows_of("y", "x")
    status = pa.array(["ok", "unreadable", "ok", "ok"]).dictionary_encode()
    rows = rows.set_column(rows.schema.get_field_index("status"), rows.schema.field("status"), status)
    assert label(labels, references, candidates, manifest=rows)["label"].to_pylist() == [1.0, None, 1.0, 3.0]


def test_a_selection_is_labeled_as_the_command_labels_its_file(tmp_path, features, write_text):
    # The references are 30 degrees apart; y lies 40 degrees above the middle one, x on it, z above all of them.
    known = features({"a": (1, 0, 0), "b": (0.866, 0.5, 0), "c": (0.5, 0.866, 0)})
    pool = features({"x": (0.866, 0.5, 0), "y": (0.663, 0.383, 0.643), "z": (0, 0, 1)})
    cells = [(reference, level) for reference in "abc" for level in (1, 3)]
    lines = [f"{reference}_01_0{level}.png,{reference}.png,{6 - level}" for reference, level in cells]
    file = write_text("l.csv", "dist_img,ref_img,dmos", *lines)
    selection = select(known, pool)
    assert kept_of(selection) == ["y"]
    write_selection(selection, tmp_path / "s.parquet")
    for name, found in (("known", known), ("pool", pool)):
        save_features(tmp_path / f"{name}.npz", found.ids, found.matrix)
    run_label(
        LabelFile(file),
        tmp_path / "known.npz",
        tmp_path / "pool.npz",
        tmp_path / "out.parquet",
        selection=tmp_path / "s.parquet",
        types=(1,),
        levels=(1, 3),
    )
    table = label(file, known, pool, selection=selection, types=[1], levels=[1, 3])
    written = read_manifest(tmp_path / "out.parquet")
    assert table.drop_columns(["reference_path"]).equals(written.drop_columns(["reference_path"]))
    assert read_provenance(table)["config"] == read_provenance(written)["config"]
    by_file = label(file, known, pool, selection=tmp_path / "s.parquet", types=[1], levels=[1, 3])
    assert by_file.equals(table)


def test_what_to_label_is_given_once(labels, references, candidates):
    with pytest.raises(CurateError, match="in one way: selection or manifest"):
        label(labels, references, candidates)
    with pytest.raises(CurateError, match="in one way: selection or manifest"):
        label(labels, references, candidates, selection=rows_of("x"), manifest=rows_of("x"))


def test_nothing_to_label_is_said(labels, references, candidates):
    with pytest.raises(CurateError, match="the manifest has no row to label"):
        label(labels, references, candidates, manifest=rows_of("x").slice(0, 0))
