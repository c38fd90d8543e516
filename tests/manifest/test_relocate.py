"""Telling a manifest where its files are, and giving back metadata that it lost."""

import pyarrow as pa
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.manifest.relocate import relocate_manifest
from syndr_curate.curate.manifest.roots import Roots

from ..making import recipe_table

FACTS = {
    "schema_version": 1,
    "stage": "distort",
    "config": {"seed": 123},
    "exif_orient": True,
    "pixels": "recipe",
    "roots": {"photos": "../photos", "images": None},
}


def roots_of(path):
    return Roots.of_manifest(read_manifest(path), path)


@pytest.fixture
def old(tmp_path):
    """Recipe rows of two references at runs/old.parquet."""
    (tmp_path / "photos").mkdir()
    rows = recipe_table(["p0", "p1"], types=[1, 10], levels=[2])
    write_manifest(attach(rows, FACTS), tmp_path / "runs" / "old.parquet")
    return tmp_path / "runs" / "old.parquet"


@pytest.fixture
def lost(old, tmp_path):
    """Three of these four rows in another order, without metadata, at other/deep/lost.parquet."""
    return without_metadata(read_manifest(old).take([3, 0, 2]), tmp_path / "other" / "deep" / "lost.parquet")


def without_metadata(table, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    pa.parquet.write_table(table.replace_schema_metadata(None), path)
    return path


def replaced(table, name, values):
    position = table.schema.get_field_index(name)
    return table.set_column(position, table.schema.field(name), pa.array(values, table.schema.field(name).type))


def test_relocating_through_a_link_writes_roots_for_the_linked_folder(manifest, tmp_path):
    (tmp_path / "shelf" / "deep").mkdir(parents=True)
    link = tmp_path / "shelf" / "deep" / "latest.parquet"
    link.symlink_to(manifest)
    relocate_manifest(link, {"elsewhere": tmp_path / "data"})
    assert roots_of(link).resolve("elsewhere", "a.png").resolve() == tmp_path / "data/a.png"
    assert roots_of(link).resolve("pictures", "a.png").resolve() == tmp_path / "data/images/a.png"


def test_relocating_changes_roots_and_no_row(manifest, tmp_path):
    before = read_manifest(manifest)
    (tmp_path / "moved").mkdir()
    summary = relocate_manifest(manifest, {"pictures": tmp_path / "moved"})
    after = read_manifest(manifest)
    assert summary == {"roots": {"pictures": "../moved", "elsewhere": None}, "out": str(manifest)}
    assert after.equals(before)
    assert {**read_provenance(after), "roots": None} == {**read_provenance(before), "roots": None}


def test_relocating_nothing_or_an_unknown_root_is_refused(manifest, tmp_path):
    before = manifest.read_bytes()
    with pytest.raises(CurateError, match="give what has moved: --root name=DIR"):
        relocate_manifest(manifest, {})
    with pytest.raises(CurateError, match="has no root 'x'"):
        relocate_manifest(manifest, {"x": tmp_path})
    assert manifest.read_bytes() == before


def test_a_root_gives_a_manifest_without_metadata_its_roots_back_and_says_what_is_still_missing(lost, tmp_path):
    before = read_manifest(lost)
    summary = relocate_manifest(lost, {"photos": tmp_path / "photos"})
    assert summary["roots"] == {"images": None, "photos": "../../photos"}
    assert {"exif_orient", "label_scale", "pixels", "denoiser"} <= set(summary["still_missing"])
    assert read_manifest(lost).equals(before)
    assert roots_of(lost).resolve("photos", "a.png").resolve() == tmp_path / "photos" / "a.png"
    with pytest.raises(CurateError, match="has no root 'x'; it has images, photos"):
        relocate_manifest(lost, {"x": tmp_path})


@pytest.mark.parametrize("roots_first", [False, True])
def test_the_old_manifest_gives_everything_back(lost, old, tmp_path, roots_first):
    before = read_manifest(lost)
    if roots_first:
        relocate_manifest(lost, {"photos": tmp_path})
    summary = relocate_manifest(lost, {}, provenance_from=old)
    assert summary == {"roots": {"images": None, "photos": "../../photos"}, "out": str(lost), "changed": {}}
    assert read_manifest(lost).equals(before)
    found = read_provenance(read_manifest(lost))
    assert {key: value for key, value in found.items() if key not in ("roots", "schema_version")} == {
        key: value for key, value in FACTS.items() if key not in ("roots", "schema_version")
    }


def test_a_folder_of_ones_own_goes_before_the_old_manifests(lost, old, tmp_path):
    (tmp_path / "other" / "images").mkdir()
    summary = relocate_manifest(lost, {"images": tmp_path / "other" / "images"}, provenance_from=old)
    assert summary["roots"] == {"images": "../images", "photos": "../../photos"}


def test_rows_that_the_old_manifest_does_not_have_are_named(lost, old):
    content = lost.read_bytes()
    write_manifest(read_manifest(old).slice(0, 3), old)
    with pytest.raises(CurateError, match=r"1 of the 3 rows of .*lost.parquet are not in .*old.parquet: 'p1_10_02'"):
        relocate_manifest(lost, {}, provenance_from=old)
    assert lost.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("seed", [5, None, 5, 5]),
        ("level", [4, 4, 4, 4]),
        ("distortion_id", [2, 2, 2, 2]),
        ("reference_path", ["x.png"] * 4),
        ("reference_id", ["p1", "p1", "p0", "p0"]),
        ("distortion", ["white_noise"] * 4),
        ("dataset", ["other"] * 4),
        ("image_path", ["w.png", "x.png", "y.png", "z.png"]),
    ],
)
def test_rows_with_equal_ids_and_other_recipes_are_refused(lost, old, name, values):
    content = lost.read_bytes()
    write_manifest(replaced(read_manifest(old), name, values), old)
    with pytest.raises(CurateError, match=f"'{name}' of 3 rows of .*lost.parquet is not what .*old.parquet has"):
        relocate_manifest(lost, {}, provenance_from=old)
    assert lost.read_bytes() == content


def test_columns_that_a_user_changed_are_counted(lost, old):
    table = read_manifest(lost)
    table = replaced(table, "split", ["val", "train", "val"])
    without_metadata(replaced(table, "label", [1.0, None, None]), lost)
    summary = relocate_manifest(lost, {}, provenance_from=old)
    assert summary["changed"] == {"split": 2, "label": 1}


def test_a_mix_of_other_sources_is_refused(lost, old):
    rows = read_manifest(old)
    with_boxes = rows.append_column("box", pa.array([{"top": k} for k in range(4)]))
    write_manifest(with_boxes, old)
    without_metadata(rows.append_column("box", pa.array([{"top": 0}] * 4)), lost)
    with pytest.raises(CurateError, match="'box' of 3 rows"):
        relocate_manifest(lost, {}, provenance_from=old)


def test_metadata_that_is_there_is_not_replaced(manifest, old):
    with pytest.raises(CurateError, match=r"m.parquet has its metadata \(made by test\): --provenance-from is for"):
        relocate_manifest(manifest, {}, provenance_from=old)


def test_metadata_does_not_come_from_a_manifest_that_lost_it_too(lost, tmp_path):
    twin = without_metadata(read_manifest(lost), tmp_path / "twin.parquet")
    with pytest.raises(CurateError, match=r"twin.parquet: it has lost its metadata too"):
        relocate_manifest(lost, {}, provenance_from=twin)
    relocate_manifest(twin, {"photos": tmp_path})
    with pytest.raises(CurateError, match=r"twin.parquet: it has lost its metadata too"):
        relocate_manifest(lost, {}, provenance_from=twin)
