"""Pixels as files, tars and Parquet files: what is put in comes out, whole or not at all."""

import gc
import json
import os
import re
import stat
import tarfile
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate import CurateError
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.manifest.schema import SCHEMA
from syndr_curate.curate.storage import store_files, store_parquet
from syndr_curate.curate.storage.images import decode_image, encode_image
from syndr_curate.curate.storage.pixel_store import LAYOUTS, absence, open_sink, stored_path, stored_pixels
from syndr_curate.curate.storage.safe_paths import is_safe_path

ARCHIVES = ("webdataset", "parquet")
IDS = ("a_01_01", "a.b/c%_01_03", "über/ß .._02_05")
LABELS = [9.5, None, 7.25]


@pytest.fixture
def pictures():
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, (6, 5, 3), dtype=np.uint8) for _ in IDS]


@pytest.fixture
def make_rows(make_manifest):
    """A shard's rows as a table, with the paths that a layout gives them."""

    def make(layout, ids=IDS, shard=3, **columns):
        references = [i.rsplit("_", 2)[0] for i in ids]
        paths = [
            stored_path(layout, reference_id=r, sample_id=i, suffix=".png", shard=shard)
            for r, i in zip(references, ids, strict=True)
        ]
        return make_manifest(ids, image_path=paths, **columns)

    return make


@pytest.fixture
def store(make_rows, pictures, tmp_path):
    """Store the three pictures in `tmp_path/images`; returns the rows."""

    def run(layout, folder=None, **columns):
        rows = make_rows(layout, **columns)
        with open_sink(layout, folder or tmp_path / "images", 3, schema=rows.schema) as sink:
            for row, picture in zip(rows.to_pylist(), pictures, strict=True):
                sink.put(row, encode_image(picture))
        return rows.to_pylist()

    return run


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def content_of(path):
    stored = stored_pixels(path)
    return stored if isinstance(stored, bytes | None) else stored.read_bytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_picture_comes_back_by_its_rows_path(layout, store, pictures, tmp_path):
    for row, picture in zip(store(layout), pictures, strict=True):
        assert np.array_equal(decode_image(stored_pixels(tmp_path / "images" / row["image_path"])), picture)


def test_files_are_in_a_folder_of_their_reference(store, tmp_path):
    store("files")
    assert [p for p in everything(tmp_path / "images") if p.endswith(".png")] == [
        "a.b/c%/c%_01_03.png",
        "a/a_01_01.png",
        "über/ß ../ß .._02_05.png",
    ]


@pytest.mark.parametrize(("layout", "name"), [("webdataset", "00003.tar"), ("parquet", "00003.parquet")])
def test_an_archive_is_named_by_its_shard_and_nothing_else_is_left(layout, name, store, tmp_path):
    store(layout)
    assert everything(tmp_path / "images") == [name]


@pytest.mark.parametrize("layout", ARCHIVES)
@given(ids=st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2, unique=True))
def test_different_ids_have_different_safe_names_whose_key_ends_at_the_first_dot(layout, ids):
    paths = [stored_path(layout, reference_id="r", sample_id=i, suffix=".png", shard=7) for i in ids]
    assert paths[0] != paths[1]
    for path in paths:
        assert is_safe_path(path)
        assert re.fullmatch(r"00007\.(tar|parquet)/[^./\x00-\x1f]+\.png", path)


def test_an_unknown_layout_is_named():
    with pytest.raises(CurateError, match="layout 'zip': expected one of files, webdataset, parquet"):
        stored_path("zip", reference_id="a", sample_id="a", suffix=".png", shard=0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_where_nothing_is_stored_there_is_none(layout, store, tmp_path):
    store(layout)
    for name in ("00003.tar/none.png", "00003.parquet/none.png", "00004.tar/a_01_01.png", "a/none.png"):
        assert stored_pixels(tmp_path / "images" / name) is None
    assert stored_pixels(tmp_path / "gone" / "00003.tar" / "a.png") is None


def test_an_absence_names_the_archive(store, tmp_path):
    store("webdataset")
    assert str(absence(tmp_path / "images" / "00003.tar" / "none.png")) == "00003.tar holds no none.png"
    assert str(absence(tmp_path / "images" / "none.png")) == "No such file or directory"


@pytest.mark.parametrize("layout", ARCHIVES)
def test_the_same_rows_give_the_same_bytes(layout, store, tmp_path):
    store(layout, tmp_path / "one")
    store(layout, tmp_path / "two")
    (one,), (two,) = ([*(tmp_path / name).iterdir()] for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_tar_has_an_image_and_its_row_side_by_side_without_times_or_owners(store, pictures, tmp_path):
    store("webdataset", label=LABELS)
    with tarfile.open(tmp_path / "images" / "00003.tar") as tar:
        members = tar.getmembers()
        texts = [tar.extractfile(member).read() for member in members]
    keys = ["a_01_01", "a%2Eb%2Fc%25_01_03", "über%2Fß %2E%2E_02_05"]
    assert [m.name for m in members] == [f"{key}.{end}" for key in keys for end in ("png", "json")]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}
    assert texts[::2] == [encode_image(picture) for picture in pictures]
    first, second, _ = map(json.loads, texts[1::2])
    assert first["sample_id"] == "a_01_01"
    assert first["label"] == 9.5
    assert list(first) == sorted(first)
    assert "label" not in second  # its label is null


def test_a_name_that_ustar_cannot_hold_comes_back(make_rows, tmp_path):
    ids = ("x" * 300 + "_01_01", "é" * 120 + "_01_01")
    rows = make_rows("webdataset", ids).to_pylist()
    with open_sink("webdataset", tmp_path, 3, schema=SCHEMA) as sink:
        for row in rows:
            sink.put(row, row["sample_id"].encode())
    for row in rows:
        assert stored_pixels(tmp_path / row["image_path"]) == row["sample_id"].encode()


def test_hugging_face_shows_the_pictures_of_a_parquet_store(store, pictures, tmp_path):
    store("parquet", label=LABELS)
    path = tmp_path / "images" / "00003.parquet"
    loaded = datasets.load_dataset("parquet", data_files=str(path), cache_dir=str(tmp_path / "cache"))["train"]
    assert isinstance(loaded.features["image"], datasets.Image)
    assert loaded["sample_id"][:] == list(IDS)
    assert loaded["label"][:] == LABELS
    for row, picture in zip(loaded, pictures, strict=True):
        assert np.array_equal(np.asarray(row["image"]), picture)


def test_hugging_face_takes_the_tars_as_webdataset(store, pictures, tmp_path):
    store("webdataset", label=[1.5, 2.5, 3.5])
    files = {"train": [str(tmp_path / "images" / "00003.tar")]}
    loaded = datasets.load_dataset("webdataset", data_files=files, cache_dir=str(tmp_path / "cache"))["train"]
    assert [row["json"]["sample_id"] for row in loaded] == list(IDS)
    assert [row["json"]["label"] for row in loaded] == [1.5, 2.5, 3.5]
    for row, picture in zip(loaded, pictures, strict=True):
        assert np.array_equal(np.asarray(row["png"]), picture)


def test_webdataset_itself_pairs_each_image_with_its_row(store, pictures, tmp_path):
    webdataset = pytest.importorskip("webdataset", reason="webdataset is not installed")
    store("webdataset")
    tar = str(tmp_path / "images" / "00003.tar")
    samples = list(webdataset.WebDataset(tar, shardshuffle=False).decode("rgb8").to_tuple("png", "json"))
    assert [row["sample_id"] for _, row in samples] == list(IDS)
    for (image, _), picture in zip(samples, pictures, strict=True):
        assert np.array_equal(image, picture)


def allocated():
    """Bytes that Python objects take, without pathlib's: the table of its interned names doubles when it likes."""
    gc.collect()
    snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, "*pathlib*")])
    return sum(statistic.size for statistic in snapshot.statistics("filename"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_does_not_grow_with_the_rows_of_an_archive(layout, make_rows, tmp_path):
    rows = make_rows(layout, [f"a_01_{n:04d}" for n in range(1100)]).to_pylist()
    tracemalloc.start()
    try:
        with open_sink(layout, tmp_path, 3, schema=SCHEMA) as sink:
            for row in rows[:100]:
                sink.put(row, b"x" * 100)
            before = allocated()
            for row in rows[100:]:
                sink.put(row, b"x" * 100)
            after = allocated()
    finally:
        tracemalloc.stop()
    # Of `files` the names are kept, to be synced at the end; the headers of 1,000 members would take 2 MB.
    assert after - before < 200_000


def test_a_parquet_store_is_itself_a_manifest(store, tmp_path):
    rows = store("parquet", label=LABELS)
    table = read_manifest(tmp_path / "images" / "00003.parquet")
    assert table.drop_columns(["image"]).to_pylist() == rows
    assert json.loads(table.schema.metadata[b"syndr_curate"])["stage"] == "test"


def test_a_parquet_store_is_read_by_small_row_groups_and_images_are_not_compressed_again(
    make_rows, tmp_path, monkeypatch
):
    monkeypatch.setattr(store_parquet, "GROUP_BYTES", 1000)
    ids = [f"a_01_{n:02d}" for n in range(130)]
    rows = make_rows("parquet", ids).to_pylist()
    with open_sink("parquet", tmp_path, 3, schema=SCHEMA) as sink:
        for number, row in enumerate(rows):
            sink.put(row, bytes([number]) * (600 if number < 4 else 1))
    metadata = pq.read_metadata(tmp_path / "00003.parquet")
    # Two of 600 bytes exceed 1000; of single bytes 64 rows fill a group.
    assert [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)] == [2, 2, 64, 62]
    columns = [metadata.row_group(0).column(c) for c in range(metadata.num_columns)]
    assert {c.path_in_schema: c.compression for c in columns}["image.bytes"] == "UNCOMPRESSED"
    for number, row in enumerate(rows):
        assert stored_pixels(tmp_path / row["image_path"])[:1] == bytes([number])


@pytest.mark.parametrize("layout", ARCHIVES)
def test_an_archive_that_was_replaced_is_read_again(layout, make_rows, tmp_path):
    (row,) = make_rows(layout, IDS[:1]).to_pylist()
    for content in (b"first", b"later"):
        with open_sink(layout, tmp_path, 3, schema=SCHEMA) as sink:
            sink.put(row, content)
        assert stored_pixels(tmp_path / row["image_path"]) == content


@pytest.mark.parametrize("layout", ARCHIVES)
def test_a_shard_without_pictures_leaves_an_archive_without_rows(layout, tmp_path):
    with open_sink(layout, tmp_path, 3, schema=SCHEMA):
        pass
    (archive,) = tmp_path.iterdir()
    assert stored_pixels(archive / "a.png") is None


@pytest.mark.parametrize("layout", LAYOUTS)
def test_threads_read_what_one_thread_wrote(layout, make_rows, tmp_path):
    ids = [f"r{n % 7}_01_{n:02d}" for n in range(90)]
    rows = make_rows(layout, ids).to_pylist()
    with open_sink(layout, tmp_path, 3, schema=SCHEMA) as sink:
        for row in rows:
            sink.put(row, row["sample_id"].encode())
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(content_of, [tmp_path / row["image_path"] for row in rows] * 3))
    assert found == [i.encode() for i in ids] * 3


def test_files_are_written_by_many_threads(make_rows, tmp_path):
    ids = [f"r{n % 7}_01_{n:02d}" for n in range(90)]
    rows = make_rows("files", ids).to_pylist()
    with open_sink("files", tmp_path, 3, schema=SCHEMA) as sink, ThreadPoolExecutor(8) as pool:
        assert not sink.ordered
        list(pool.map(lambda row: sink.put(row, row["sample_id"].encode()), rows))
    assert [content_of(tmp_path / row["image_path"]) for row in rows] == [i.encode() for i in ids]


def test_all_files_and_their_folders_reach_the_disk_before_the_block_is_left(store, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(store_files, "sync_file", synced.append)
    monkeypatch.setattr(store_files, "sync_folder", synced.append)
    rows = store("files")
    images = tmp_path / "images"
    files = [images / row["image_path"] for row in rows]
    folders = [images / "..", images, images / "a", images / "a.b", images / "a.b" / "c%", images / "über"]
    assert set(synced) == {*files, *folders, images / "über" / "ß .."}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_is_open_to_everybody_even_without_a_umask(layout, store, tmp_path):
    old = os.umask(0)
    try:
        store(layout, tmp_path / "new" / "images")
    finally:
        os.umask(old)
    paths = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    assert {stat.S_IMODE(p.stat().st_mode) for p in paths if p.is_dir()} == {0o775}
    assert {stat.S_IMODE(p.stat().st_mode) for p in paths if p.is_file()} == {0o664}


@pytest.mark.parametrize("layout", ARCHIVES)
@pytest.mark.parametrize("path", ["00004.tar/a.png", "a/a_01_01.png", "00003.tar", "00003.tar/", "00003.tar/../x.png"])
def test_a_row_of_another_archive_is_refused(layout, path, make_rows, tmp_path):
    (row,) = make_rows(layout, IDS[:1]).to_pylist()
    with (
        pytest.raises(CurateError, match=r"'a_01_01': .* is not an image in 00003\.(tar|parquet)"),
        open_sink(layout, tmp_path, 3, schema=SCHEMA) as sink,
    ):
        sink.put({**row, "image_path": path.replace(".tar", ".tar" if layout == "webdataset" else ".parquet")}, b"x")
    assert everything(tmp_path) == []


@pytest.mark.parametrize("path", ["../x.png", "/tmp/x.png", "a/../../x.png", "a\\x.png", "", "."])
def test_a_path_that_leaves_the_folder_is_refused(path, make_rows, tmp_path):
    (row,) = make_rows("files", IDS[:1]).to_pylist()
    with (
        pytest.raises(CurateError, match=r"'a_01_01': .* is not a path inside its root"),
        open_sink("files", tmp_path / "images", 3, schema=SCHEMA) as sink,
    ):
        sink.put({**row, "image_path": path}, b"x")
    assert everything(tmp_path) == ["images"]


@pytest.mark.parametrize("path", ["a/a_01_01.png", "a/deeper/a_01_01.png"])
def test_a_folder_that_links_outside_is_never_written_through(path, make_rows, tmp_path):
    (row,) = make_rows("files", IDS[:1]).to_pylist()
    outside, images = tmp_path / "outside", tmp_path / "images"
    outside.mkdir()
    images.mkdir()
    (images / "a").symlink_to(outside)
    with (
        pytest.raises(CurateError, match=r"cannot write .*a_01_01\.png: its folder is a link to .*outside"),
        open_sink("files", images, 3, schema=SCHEMA) as sink,
    ):
        sink.put({**row, "image_path": path}, b"x")
    assert everything(outside) == []


def test_a_link_that_is_planted_while_the_shard_is_written_is_seen(make_rows, tmp_path):
    first, second = make_rows("files", ("a_01_01", "a_01_02")).to_pylist()
    images, outside = tmp_path / "images", tmp_path / "outside"
    outside.mkdir()
    with open_sink("files", images, 3, schema=SCHEMA) as sink:
        sink.put(first, b"x")
        (images / "a").rename(tmp_path / "moved")
        (images / "a").symlink_to(outside)
        with pytest.raises(CurateError, match="its folder is a link"):
            sink.put(second, b"x")
        (images / "a").unlink()
        (tmp_path / "moved").rename(images / "a")
    assert everything(outside) == []


def test_links_that_stay_inside_and_an_output_folder_that_is_a_link_are_fine(make_rows, tmp_path):
    (row,) = make_rows("files", IDS[:1]).to_pylist()
    (tmp_path / "disk" / "other").mkdir(parents=True)
    (tmp_path / "images").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "a").symlink_to("other")
    with open_sink("files", tmp_path / "images", 3, schema=SCHEMA) as sink:
        sink.put(row, b"x")
    assert (tmp_path / "disk" / "other" / "a_01_01.png").read_bytes() == b"x"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_link_in_the_files_own_place_is_replaced_and_not_followed(layout, store, make_rows, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    path = make_rows(layout)["image_path"][0].as_py()
    target = tmp_path / "images" / (path if layout == "files" else path.partition("/")[0])
    target.parent.mkdir(parents=True)
    target.symlink_to(victim)
    store(layout)
    assert victim.read_text() == "mine"
    assert target.is_file()
    assert not target.is_symlink()
