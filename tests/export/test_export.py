"""Exports: what goes out, under which names, and what may be replaced."""

import csv
import json
import os
import shutil
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate import CurateError, read_manifest
from syndr_curate.curate.export.export import export
from syndr_curate.curate.export.names import safe_name
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import decode_image

FOLDERS = ("hf", "pyiqa", "fiftyone", "webdataset")


@pytest.fixture(scope="module")
def photos(image_folder, tmp_path_factory):
    """Three photographs whose names are hard on file systems, globs, markup and tar keys."""
    folder = tmp_path_factory.mktemp("set") / "photos"
    folder.mkdir()
    names = ("a.b [1]*?", "<img src=x onerror=alert(1)>", "été, 100%")
    for source, name in zip(sorted(image_folder("photo", 3).iterdir()), names, strict=True):
        shutil.copy(source, folder / f"{name}.png")
    return folder


def make(photos, folder, **choice):
    run_distort(photos, folder, types=(1, 11), levels=(1, 3), **choice)
    table = read_manifest(folder / "manifest.parquet")
    columns = {
        "label": pa.array(np.linspace(0.1, 9.9, 12, dtype=np.float32)),
        "label_std": pa.array([None, 0.25] * 6, pa.float32()),
        "label_source": pa.array(["mos"] * 8 + ["pseudo"] * 4).dictionary_encode(),
        "split": pa.array(["train"] * 8 + ["val"] * 2 + ["test"] * 2).dictionary_encode(),
        "status": pa.array(["ok"] * 11 + ["failed"]).dictionary_encode(),
    }
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), table.schema.field(name), values)
    write_manifest(table, folder / "manifest.parquet")
    return folder / "manifest.parquet"


@pytest.fixture(scope="module")
def stored(photos, tmp_path_factory):
    return make(photos, tmp_path_factory.mktemp("stored"))


@pytest.fixture(scope="module")
def recipes(photos, tmp_path_factory):
    return make(photos, tmp_path_factory.mktemp("recipes"), recipe_only=True)


def files_of(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pixels_by_id(manifest) -> dict[str, np.ndarray]:
    table = read_manifest(manifest)
    return {
        row["sample_id"]: decode_image(manifest.parent / "images" / row["image_path"])
        for row in table.select(["sample_id", "image_path"]).to_pylist()
    }


def test_pyiqas_table_has_the_path_the_score_and_the_split(stored, tmp_path):
    summary = export(stored, "pyiqa", tmp_path / "out")
    assert summary == {
        **{"rows": 11, "rows_not_ok": 1, "by_split": {"train": 8, "val": 2, "test": 1}},
        **{"images": {"copied": 11}, "out": str(tmp_path / "out")},
    }
    with (tmp_path / "out" / "meta_info.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["img_name", "mos", "mos_std", "split"]
    assert [name for name in rows[0] if "split" in name] == ["split"]
    pixels, table = pixels_by_id(stored), read_manifest(stored).slice(0, 11)
    assert [row["sample_id"] for row in rows] == table["sample_id"].to_pylist()
    assert [np.float32(row["mos"]) for row in rows] == [np.float32(x) for x in table["label"].to_pylist()]
    assert [row["mos_std"] for row in rows[:2]] == ["", "0.25"]
    assert [row["split"] for row in rows] == ["train"] * 8 + ["val"] * 2 + ["test"]
    for row in rows:
        assert np.array_equal(decode_image(tmp_path / "out" / row["img_name"]), pixels[row["sample_id"]])


def test_the_imagefolder_has_a_table_per_split_and_a_card_with_the_provenance(stored, tmp_path):
    export(stored, "hf", tmp_path / "out")
    pixels = pixels_by_id(stored)
    seen = []
    for split, count in (("train", 8), ("validation", 2), ("test", 1)):
        rows = pq.read_table(tmp_path / "out" / split / "metadata.parquet").to_pylist()
        assert len(rows) == count
        for row in rows:
            assert np.array_equal(decode_image(tmp_path / "out" / split / row["file_name"]), pixels[row["sample_id"]])
        seen += [row["sample_id"] for row in rows]
    assert seen == read_manifest(stored)["sample_id"].to_pylist()[:11]
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    provenance = json.loads(card.split("```json\n")[1].split("```")[0])
    assert provenance == read_provenance(read_manifest(stored))
    assert "1 rows of the manifest are left out" in card
    assert "onerror" not in card


def test_the_tars_hold_an_image_and_a_json_per_key(stored, tmp_path):
    export(stored, "webdataset", tmp_path / "out", rows_per_shard=3)
    pixels = pixels_by_id(stored)
    shards = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.tar"))
    assert shards == ["test/00000.tar", "train/00000.tar", "train/00001.tar", "train/00002.tar", "val/00000.tar"]
    seen = {}
    for shard in shards:
        with tarfile.open(tmp_path / "out" / shard) as tar:
            content = {member.name: tar.extractfile(member).read() for member in tar}
        keys = [name.partition(".")[0] for name in content]
        assert all(keys.count(key) == 2 for key in keys)
        for key in set(keys):
            row = json.loads(content[f"{key}.json"])
            assert np.array_equal(decode_image(content[f"{key}.png"]), pixels[row["sample_id"]])
            seen[row["sample_id"]] = row["label"]
    table = read_manifest(stored).slice(0, 11)
    assert seen == pytest.approx(dict(zip(table["sample_id"].to_pylist(), table["label"].to_pylist(), strict=True)))


def test_fiftyones_table_names_files_below_data(stored, tmp_path):
    export(stored, "fiftyone", tmp_path / "out")
    with (tmp_path / "out" / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["filepath"] for row in rows} == set(files_of(tmp_path / "out" / "data"))
    assert not {"id", "tags", "metadata"} & set(rows[0])  # names that FiftyOne keeps for itself


def test_ids_are_one_per_line(stored, tmp_path):
    export(stored, "ids", tmp_path / "ids.txt", split="val")
    assert (tmp_path / "ids.txt").read_text(encoding="utf-8").splitlines() == read_manifest(stored)[
        "sample_id"
    ].to_pylist()[8:10]
    with pytest.raises(CurateError, match="would overwrite"):
        export(stored, "ids", stored)
    table = read_manifest(stored)
    broken = table.set_column(0, table.schema.field(0), pa.array(["a\nb", *table["sample_id"].to_pylist()[1:]]))
    write_manifest(broken, tmp_path / "broken.parquet")
    with pytest.raises(CurateError, match=r"line break.*'a\\nb'"):
        export(tmp_path / "broken.parquet", "ids", tmp_path / "ids.txt")


@pytest.mark.parametrize("target", FOLDERS)
def test_rendered_exports_are_those_of_the_stored_pixels(stored, recipes, tmp_path, target):
    with pytest.raises(CurateError, match=r"11 rows have no stored pixels: .*; give --render"):
        export(recipes, target, tmp_path / "rendered")
    assert not (tmp_path / "rendered").exists()
    summary = export(recipes, target, tmp_path / "rendered", render=True, workers=3)
    assert summary["images"] == {"rendered": 11}
    export(stored, target, tmp_path / "stored", workers=1)
    rendered, copied = files_of(tmp_path / "rendered"), files_of(tmp_path / "stored")
    # Provenance differs, and says so: one manifest stores pixels.
    for folder in (rendered, copied):
        folder.pop(".syndr-curate-export.json")
        folder.pop("README.md", None)
    assert rendered == copied


@pytest.mark.parametrize("target", FOLDERS)
def test_the_same_manifest_gives_the_same_bytes(recipes, tmp_path, target):
    for name, workers in (("one", 1), ("two", 4)):
        export(recipes, target, tmp_path / name, render=True, workers=workers)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_pixels_in_archives_go_out_as_they_are(photos, stored, tmp_path, layout):
    manifest = make(photos, tmp_path / "set", layout=layout)
    assert export(manifest, "pyiqa", tmp_path / "out")["images"] == {"copied": 11}
    export(stored, "pyiqa", tmp_path / "stored")
    assert files_of(tmp_path / "out" / "images") == files_of(tmp_path / "stored" / "images")


def test_stored_files_may_be_linked(stored, tmp_path):
    summary = export(stored, "pyiqa", tmp_path / "out", hardlink=True)
    same = os.stat(stored).st_dev == os.stat(tmp_path).st_dev
    assert summary["images"] == ({"linked": 11} if same else {"copied": 11})
    image = next((tmp_path / "out" / "images").rglob("*.png"))
    assert (image.stat().st_nlink > 1) is same


def test_a_dry_run_writes_nothing_and_says_what_it_would(recipes, stored, tmp_path):
    summary = export(recipes, "hf", tmp_path / "out", render=True, dry_run=True)
    assert (summary["images"], summary["dry_run"]) == ({"stored": 0, "to render": 11}, True)
    size = sum(path.stat().st_size for path in (stored.parent / "images").rglob("*.png"))
    assert 0 < export(stored, "hf", tmp_path / "out", dry_run=True)["megabytes_stored"] <= round(size / 1e6, 1)
    export(stored, "ids", tmp_path / "ids.txt", dry_run=True)
    assert list(tmp_path.iterdir()) == []


def test_only_an_export_of_ours_is_replaced_and_only_when_asked(stored, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    export(stored, "hf", out)  # an empty folder will do
    with pytest.raises(CurateError, match="already holds an export: give --overwrite"):
        export(stored, "pyiqa", out)
    export(stored, "pyiqa", out, overwrite=True)
    assert sorted(p.name for p in out.iterdir()) == [".syndr-curate-export.json", "images", "meta_info.csv"]
    (out / "notes.txt").write_text("mine")
    with pytest.raises(CurateError, match=r"something else \('notes.txt'\)"):
        export(stored, "pyiqa", out, overwrite=True)
    assert (out / "notes.txt").read_text() == "mine"
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("mine")
    with pytest.raises(CurateError, match="is not empty, and no export of this tool"):
        export(stored, "pyiqa", other, overwrite=True)
    with pytest.raises(CurateError, match="is a file"):
        export(stored, "pyiqa", other / "thesis.tex", overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other", "out"]


def test_an_export_may_not_replace_what_it_reads(stored, tmp_path):
    shutil.copytree(stored.parent, tmp_path / "out" / "set")
    for out in (tmp_path / "out", tmp_path / "out" / "set", tmp_path / "out" / "set" / "images"):
        with pytest.raises(CurateError, match=r"(the manifest|root 'images') is inside"):
            export(tmp_path / "out" / "set" / "manifest.parquet", "hf", out, overwrite=True)


def test_a_failure_on_the_way_leaves_the_earlier_export(photos, stored, tmp_path):
    manifest = make(photos, tmp_path / "set", recipe_only=True)
    shutil.copytree(photos, tmp_path / "torn")
    next((tmp_path / "torn").iterdir()).write_bytes(b"torn")
    export(stored, "hf", tmp_path / "out")
    before = files_of(tmp_path / "out")
    choice = {"render": True, "overwrite": True, "roots": {"references": tmp_path / "torn"}}
    with pytest.raises(CurateError, match=r"_01_01' .*: reference .*: not an image"):
        export(manifest, "hf", tmp_path / "out", **choice)
    assert files_of(tmp_path / "out") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "set", "torn"]


def test_lost_pixels_and_missing_labels_are_named_before_anything_is_written(stored, tmp_path):
    table = read_manifest(stored)
    first = table["sample_id"][0].as_py()
    unseeded = table.set_column(15, table.schema.field("seed"), pa.nulls(12, pa.int64()))
    empty = {**read_provenance(table)["roots"], "images": "empty"}
    write_manifest(attach(unseeded, {**read_provenance(table), "roots": empty}), tmp_path / "unseeded.parquet")
    with pytest.raises(CurateError, match=r"11 rows have neither stored pixels nor a recipe"):
        export(tmp_path / "unseeded.parquet", "hf", tmp_path / "out", render=True)
    nowhere = attach(unseeded, {**read_provenance(table), "roots": {"images": None, "references": None}})
    write_manifest(nowhere, tmp_path / "nowhere.parquet")
    with pytest.raises(CurateError, match=r"root 'images' is not known: give --root images=DIR"):
        export(tmp_path / "nowhere.parquet", "hf", tmp_path / "out", render=True)
    labels = pa.array([None, *table["label"].to_pylist()[1:]], pa.float32())
    unlabeled = table.set_column(9, table.schema.field("label"), labels)
    write_manifest(unlabeled, stored.parent / "unlabeled.parquet")
    with pytest.raises(CurateError, match="no label"):
        export(stored.parent / "unlabeled.parquet", "pyiqa", tmp_path / "out")
    assert export(stored.parent / "unlabeled.parquet", "hf", tmp_path / "out")["rows"] == 11
    assert first in pq.read_table(tmp_path / "out" / "train" / "metadata.parquet")["sample_id"].to_pylist()
    write_manifest(table.slice(0, 8), tmp_path / "train.parquet")
    with pytest.raises(CurateError, match="no row with status ok and split val"):
        export(tmp_path / "train.parquet", "hf", tmp_path / "out", split="val")


@given(st.text(max_size=300))
def test_a_name_is_plain_whatever_the_id(identifier):
    if any(0xD800 <= ord(c) <= 0xDFFF for c in identifier):
        return  # no table holds these
    name = safe_name(identifier)
    assert 0 < len(name) <= 197
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~")


@given(st.sets(st.text("aA0.~é/ -_", max_size=5), min_size=2, max_size=2))
def test_different_ids_have_different_names(pair):
    first, second = pair
    assert safe_name(first) != safe_name(second)


def test_names_by_hand():
    assert safe_name("I01_09_03") == "I01_09_03"
    assert safe_name("v1.2/é") == "v1~2E2~2F~C3~A9"
    assert safe_name("") == "~"
    long = "x" * 400
    assert safe_name(long) != safe_name(long + "y")


def test_the_command_prints_what_it_did(stored, tmp_path, syndr_curate):
    done = syndr_curate("export", stored, "--to", "hf", "--out", tmp_path / "out", "--json", "--split", "train")
    assert json.loads(done.stdout)["images"] == {"copied": 8}
    again = syndr_curate("export", stored, "--to", "hf", "--out", tmp_path / "out", check=False)
    assert again.returncode == 2
    assert again.stderr.startswith("error: ")
    assert again.stderr.count("\n") == 1
    strict = syndr_curate("export", stored, "--to", "ids", "--out", tmp_path / "ids.txt", "--strict", check=False)
    assert strict.returncode == 3
