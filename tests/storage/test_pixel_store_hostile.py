"""Archives that somebody else made, or that time has damaged."""

import contextlib
import io
import os
import signal
import struct
import tarfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syndr_curate.curate.manifest.schema import SCHEMA
from syndr_curate.curate.storage import store_parquet, store_tar
from syndr_curate.curate.storage.images import UnreadableImageError, decode_image
from syndr_curate.curate.storage.pixel_store import open_sink, stored_path, stored_pixels

BLOCK = 512


@pytest.fixture(autouse=True)
def _no_endless_loop():
    """A reader that walks in circles fails its test, after a minute."""

    def fail(*_):
        raise AssertionError("the reader came to no end")

    if not hasattr(signal, "alarm"):
        yield
        return
    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def archive(make_manifest, tmp_path):
    """An archive of three small contents, and the path of the second."""

    def make(layout):
        ids = ("a_01_01", "a_01_02", "a_01_03")
        paths = [stored_path(layout, reference_id="a", sample_id=i, suffix=".png", shard=0) for i in ids]
        with open_sink(layout, tmp_path, 0, schema=SCHEMA) as sink:
            for row in make_manifest(ids, image_path=paths).to_pylist():
                sink.put(row, row["sample_id"].encode() * 100)
        path = tmp_path / paths[1]
        return path.parent, path

    return make


def tar_of(path, *members):
    with tarfile.open(path, "w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))


def member(name, content=b"", **attributes):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def bomb(side):
    """A PNG of a few kilobytes that claims side x side pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1 << 16))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_links_folders_and_devices_in_a_tar_count_as_missing(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    kinds = {"s": tarfile.SYMTYPE, "h": tarfile.LNKTYPE, "d": tarfile.DIRTYPE, "c": tarfile.CHRTYPE}
    links = [member(f"{k}.png", type=kind, linkname=str(tmp_path / "secret.png")) for k, kind in kinds.items()]
    tar_of(tmp_path / "x.tar", *links, member("a.png", b"a"))
    assert [stored_pixels(tmp_path / "x.tar" / f"{k}.png") for k in kinds] == [None] * 4
    assert stored_pixels(tmp_path / "x.tar" / "a.png") == b"a"


def test_names_that_lead_out_of_a_tar_unpack_nothing(tmp_path):
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    tar_of(folder / "x.tar", member("../../escaped.png", b"e"), member("/escaped.png", b"e"), member("a.png", b"a"))
    assert stored_pixels(folder / "x.tar" / "a.png") == b"a"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["deep", "folder", "x.tar"]


def test_other_peoples_tars_may_have_folders_and_the_last_of_two_members_counts(tmp_path):
    tar_of(tmp_path / "x.tar", member("train/a.png", b"old"), member("train/a.png", b"new"))
    assert stored_pixels(tmp_path / "x.tar" / "train" / "a.png") == b"new"


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path):
    tar_of(tmp_path / "x.tar", member("a.png", bomb(40_000)))
    with pytest.raises(UnreadableImageError, match=r"40000x40000 is more than 100000000 pixels|exceeds limit"):
        decode_image(stored_pixels(tmp_path / "x.tar" / "a.png"))


def test_a_compressed_tar_is_refused_not_unpacked(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w:gz") as tar:
        tar.addfile(*[member("a.png", b"a")[0], io.BytesIO(b"a")])
    with pytest.raises(UnreadableImageError, match=r"x\.tar is a damaged tar"):
        stored_pixels(tmp_path / "x.tar" / "a.png")


def test_a_member_too_large_for_an_image_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(store_tar, "MAX_CONTENT_BYTES", 10)
    tar_of(tmp_path / "x.tar", member("a.png", b"x" * 11), member("b.png", b"x" * 10))
    assert stored_pixels(tmp_path / "x.tar" / "b.png") == b"x" * 10
    with pytest.raises(UnreadableImageError, match=r"x\.tar: a\.png is larger than 10 bytes"):
        stored_pixels(tmp_path / "x.tar" / "a.png")


def test_a_tar_that_leads_back_to_its_own_header_comes_to_an_end(tmp_path):
    endless, _ = member("a.png", b"")
    header = bytearray(endless.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 10 + struct.pack(">h", -BLOCK)  # a size of -512 bytes, in base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "x.tar").write_bytes(tarfile.TarInfo("first.png").tobuf() + bytes(header) + bytes(2 * BLOCK))
    found = None
    # Newer versions of the standard library take such a header for the end of the archive.
    with contextlib.suppress(UnreadableImageError):
        found = stored_pixels(tmp_path / "x.tar" / "a.png")
    assert found is None


def test_a_sparse_member_that_claims_a_terabyte_counts_as_missing(tmp_path):
    sparse, _ = member("a.png", b"")
    header = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[483:495] = b"%011o\0" % (1 << 32)  # its size when unpacked
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "x.tar").write_bytes(bytes(header) + bytes(2 * BLOCK))
    assert stored_pixels(tmp_path / "x.tar" / "a.png") is None


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_a_torn_or_changed_archive_gives_bytes_or_a_reason_and_never_anything_else(layout, archive):
    file, path = archive(layout)
    content = file.read_bytes()
    rng = np.random.default_rng(5)
    outcomes = set()
    for attempt in range(400):
        damaged = bytearray(content)
        # Every second time only near the end, where a Parquet file says what is in it.
        for place in rng.integers(0 if attempt % 2 else max(0, len(content) - 4000), len(content), 3):
            damaged[place] = rng.choice([0, 49, 55, 128, 255, int(rng.integers(0, 256))])
        cut = int(rng.integers(1, len(content))) if rng.random() < 0.1 else len(content)
        file.write_bytes(damaged[:cut])
        try:
            outcomes.add(type(stored_pixels(path)).__name__)
        except UnreadableImageError as error:
            one_line = file.name in str(error) and "\n" not in str(error)
            outcomes.add("refused" if one_line else str(error))
    assert "refused" in outcomes
    assert outcomes <= {"refused", "bytes", "NoneType"}


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
@pytest.mark.parametrize("content", [b"", b"no archive", b"x" * 1000])
def test_a_file_that_is_no_archive_is_refused_by_name(layout, content, archive):
    file, path = archive(layout)
    file.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=file.name):
        stored_pixels(path)


def test_a_parquet_file_without_images_says_so(tmp_path):
    pq.write_table(pa.table({"sample_id": ["a"], "image": ["a.png"]}), tmp_path / "x.parquet")
    with pytest.raises(UnreadableImageError, match=r"x\.parquet: it has no column 'image' of bytes and path"):
        stored_pixels(tmp_path / "x.parquet" / "a.png")


def test_null_images_and_paths_count_as_missing(tmp_path):
    images = [{"bytes": None, "path": "a.png"}, {"bytes": b"x", "path": None}, None, {"bytes": b"d", "path": "d.png"}]
    pq.write_table(pa.table({"image": pa.array(images, store_parquet._IMAGE.type)}), tmp_path / "x.parquet")
    assert stored_pixels(tmp_path / "x.parquet" / "a.png") is None
    assert stored_pixels(tmp_path / "x.parquet" / "d.png") == b"d"


def test_a_row_group_too_large_for_images_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(store_parquet, "MAX_CONTENT_BYTES", 1000)
    images = [{"bytes": bytes(2000), "path": "a.png"}]  # zeros: a few bytes on the disk
    table = pa.table({"image": pa.array(images, store_parquet._IMAGE.type)})
    pq.write_table(table, tmp_path / "x.parquet", compression="zstd")
    with pytest.raises(UnreadableImageError, match="its row group 0 is larger than 1000 bytes"):
        stored_pixels(tmp_path / "x.parquet" / "a.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_named_like_an_archive_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.tar")
    assert stored_pixels(tmp_path / "x.tar" / "a.png") is None
