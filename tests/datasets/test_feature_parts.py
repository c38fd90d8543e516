"""A folder of Parquet parts is a feature file."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError, read_manifest
from syndr_curate.curate.datasets.feature_files import load_features, save_features
from syndr_curate.curate.datasets.feature_parts import digest_features
from syndr_curate.curate.manifest.provenance import attach, digest_file, read_provenance

ROWS = np.array([[1, 2], [3, 4], [5, 6]], np.float32)


@pytest.fixture
def folder(tmp_path):
    """Three rows in two parts, the second of which comes first by its content, and an empty part."""
    folder = tmp_path / "features.parquet"
    folder.mkdir()
    save_features(folder / "part-0.parquet", ["c"], ROWS[:1])
    save_features(folder / "part-1.parquet", ["a", "b"], ROWS[1:])
    pq.write_table(pq.read_table(folder / "part-0.parquet").slice(0, 0), folder / "part-2.parquet")
    return folder


def test_the_parts_are_one_below_the_other_in_the_order_of_their_names(folder):
    features = load_features(folder)
    assert features.ids == ("c", "a", "b")
    assert np.array_equal(features.matrix, ROWS)
    assert features.source == str(folder)


def test_marks_and_notes_beside_the_parts_do_not_matter(folder):
    for name in ("_SUCCESS", "._part-0.parquet.crc", ".part-0.parquet.crc", "README.md"):
        (folder / name).write_text("no features")
    assert load_features(folder).ids == ("c", "a", "b")


def test_ids_lose_their_suffix_and_failed_rows_are_left_out(tmp_path):
    table = pa.table({"id": ["a.png", "b.png"], "features": ROWS[:2].tolist(), "status": ["ok", "unreadable"]})
    pq.write_table(table, tmp_path / "part-0.parquet")
    assert load_features(tmp_path).ids == ("a",)


def test_parts_of_two_libraries_fit_together(folder):
    other = pa.table({"features": pa.array(ROWS.tolist(), pa.list_(pa.float32(), 2)), "id": pa.array(["x", "y", "z"])})
    pq.write_table(other.replace_schema_metadata({"pandas": "{}"}), folder / "part-3.parquet")
    assert load_features(folder).ids == ("c", "a", "b", "x", "y", "z")


def test_an_id_in_two_parts_is_named(folder):
    save_features(folder / "part-3.parquet", ["a"], ROWS[:1])
    with pytest.raises(CurateError, match="'a'"):
        load_features(folder)


@pytest.mark.parametrize("name", ["more", "more.npz"])
def test_features_that_are_no_parts_are_refused_by_name(folder, name):
    if name == "more":
        (folder / name).mkdir()
    else:
        save_features(folder / name, ["d"], ROWS[:1])
    with pytest.raises(CurateError, match=rf"holds '{name}'; a folder of features has \.parquet files directly in it"):
        load_features(folder)


def test_a_folder_without_parts_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(CurateError, match=r"is a folder without \.parquet files: give a feature file or a folder"):
        load_features(tmp_path)


def test_a_damaged_part_is_named(folder):
    (folder / "part-1.parquet").write_bytes((folder / "part-1.parquet").read_bytes()[:200])
    with pytest.raises(CurateError, match=r"part-1\.parquet is not a readable Parquet file"):
        load_features(folder)


def test_parts_that_do_not_belong_together_are_refused(folder):
    save_features(folder / "part-3.parquet", ["d"], np.ones((1, 3), np.float32))
    with pytest.raises(CurateError, match=r"the lists in 'features' differ in length: \['2', '3'\]"):
        load_features(folder)
    pq.write_table(pa.table({"id": ["d"], "features": ["1, 2"]}), folder / "part-3.parquet")
    with pytest.raises(CurateError, match="its parts do not fit each other"):
        load_features(folder)
    save_features(folder / "part-3.parquet", ["d"], ROWS[:1], status=["ok"])
    with pytest.raises(CurateError, match=r"part-3\.parquet has the columns id, features, status; expected those of"):
        load_features(folder)
    save_features(folder / "part-3.parquet", ["d"], ROWS[:1])
    table = attach(pq.read_table(folder / "part-3.parquet"), {"stage": "encode", "config": {"encoder": "gist"}})
    pq.write_table(table, folder / "part-3.parquet")
    with pytest.raises(CurateError, match=r"part-3\.parquet was made in another way than part-0\.parquet"):
        load_features(folder)


def test_a_digest_differs_between_two_states_of_the_folder(folder):
    before = digest_features(folder)
    assert digest_features(folder) == before
    (folder / "part-1.parquet").rename(folder / "part-9.parquet")
    assert digest_features(folder) != before
    assert digest_features(folder / "part-0.parquet") == digest_file(folder / "part-0.parquet")


def test_commands_take_folders_and_record_them(tmp_path, syndr_curate):
    known = {"r0": 0, "r1": 40, "r2": 45, "r3": 90, "r4": 130, "r5": 135, "r6": 140}  # degrees
    for name, angles in (("known", known), ("new", {"new": 10, "newer": 80})):
        (tmp_path / name).mkdir()
        for identifier, angle in angles.items():
            row = np.array([[np.cos(np.radians(angle)), np.sin(np.radians(angle))]], np.float32)
            save_features(tmp_path / name / f"{identifier}.parquet", [identifier], row)
    lines = ["dist_img,ref_img,dmos", *(f"{name}_01_01.png,{name}.png,{score}" for score, name in enumerate(known))]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    features = ("--reference-features", "known", "--candidate-features", "new")
    syndr_curate("select", *features, "--out", "selection.parquet", cwd=tmp_path)
    to_label = ("--labels", "labels.csv", "--types", "1", "--levels", "1", *features)
    syndr_curate("label", *to_label, "--selection", "selection.parquet", "--out", "labeled.parquet", cwd=tmp_path)
    syndr_curate("upsample", *to_label, "--recipe-only", "--out", "train.parquet", cwd=tmp_path)
    for made in ("labeled.parquet", "train.parquet"):
        inputs = read_provenance(read_manifest(tmp_path / made))["inputs"]
        assert inputs["reference_features"] == digest_features(tmp_path / "known")
        assert inputs["candidate_features"] == digest_features(tmp_path / "new")
