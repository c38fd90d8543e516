"""Full disks, kills and exceptions in the middle of a shard: one clear line, nothing half written or in the way."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.schema import SCHEMA
from syndr_curate.curate.storage import staging
from syndr_curate.curate.storage.pixel_store import LAYOUTS, clean_leftovers, open_sink, stored_path, stored_pixels

# Writes ten pictures of 50 kB as shard 3 below argv[2]; argv[3] limits a file's size. A refusal is printed.
PROGRAM = """
import sys
from syndr_curate import CurateError
from syndr_curate.curate.manifest.schema import SCHEMA
from syndr_curate.curate.storage.pixel_store import open_sink, stored_path
layout, folder, limit = sys.argv[1:4]
if limit != "0":
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
from pathlib import Path
try:
    with open_sink(layout, Path(folder), 3, schema=SCHEMA) as sink:
        for number in range(10):
            name = f"a_01_{number:02d}"
            path = stored_path(layout, reference_id="a", sample_id=name, suffix=".png", shard=3)
            sink.put({"sample_id": name, "image_path": path}, bytes([number]) * 50_000)
except CurateError as error:
    print(error)
    sys.exit(2)
"""
POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX limits and signals")


def write_shard(layout, folder, *, limit=0, crash_at=None):
    environment = {k: v for k, v in os.environ.items() if k != "SYNDR_CURATE_CRASH_AT"}
    if crash_at:
        environment["SYNDR_CURATE_CRASH_AT"] = crash_at
    command = [sys.executable, "-c", PROGRAM, layout, str(folder), str(limit)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def path_of(layout, number):
    return stored_path(layout, reference_id="a", sample_id=f"a_01_{number:02d}", suffix=".png", shard=3)


def row_of(layout, number=0):
    return {"sample_id": f"a_01_{number:02d}", "image_path": path_of(layout, number)}


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def is_complete(layout, folder):
    stored = [stored_pixels(folder / path_of(layout, number)) for number in range(10)]
    contents = [s if isinstance(s, bytes | None) else s.read_bytes() for s in stored]
    return contents == [bytes([number]) * 50_000 for number in range(10)]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB; mounting one takes rights that not everybody has."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.name != "posix" or os.geteuid() != 0 or mount is None:
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@POSIX
@pytest.mark.parametrize(
    ("layout", "limit", "named"),
    [("files", 40_000, "a_01_00.png"), ("webdataset", 220_000, "00003.tar"), ("parquet", 220_000, "00003.parquet")],
)
def test_a_file_that_may_not_grow_is_one_line_and_nothing_half_written(layout, limit, named, tmp_path):
    done = write_shard(layout, tmp_path / "images", limit=limit)
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith("cannot write ")
    assert done.stdout.endswith(f"{named}: File too large\n")
    assert done.stderr == ""
    assert [name for name in everything(tmp_path) if name not in ("images", "images/a")] == []


@POSIX
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_full_disk_is_one_line_and_the_next_attempt_completes(layout, small_disk):
    images = small_disk / "images"
    done = write_shard(layout, images)
    assert done.returncode == 2, done.stderr
    assert done.stdout.count("\n") == 1
    assert done.stdout.endswith(": No space left on device\n")
    assert done.stderr == ""
    finished = [images / name for name in everything(images) if name != "a"]
    assert all(path.parent.name == "a" and path.stat().st_size == 50_000 for path in finished)
    assert layout == "files" or finished == []
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    assert write_shard(layout, images).returncode == 0
    assert is_complete(layout, images)


@POSIX
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_read_only_output_is_one_line(layout, small_disk):
    (small_disk / "images").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = write_shard(layout, small_disk / "images")
    assert done.returncode == 2, done.stderr
    assert done.stdout.endswith(": Read-only file system\n")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_a_failed_put_cannot_be_swallowed_into_a_finished_archive(layout, tmp_path, monkeypatch):
    class FullDisk:
        def write(self, *_, **__):
            raise OSError(28, "No space left on device")

        write_table = write

    def swallow():
        with open_sink(layout, tmp_path, 3, schema=SCHEMA) as sink, monkeypatch.context() as for_a_while:
            for_a_while.setattr(sink, "_file" if layout == "webdataset" else "_writer", FullDisk())
            for number in range(64):  # a row group of the Parquet file
                with contextlib.suppress(CurateError):
                    sink.put(row_of(layout, number), b"x")

    with pytest.raises(CurateError, match=r"cannot write .*00003\.(tar|parquet): No space left on device"):
        swallow()
    assert everything(tmp_path) == []


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt()])
def test_an_exception_leaves_no_archive_an_old_one_as_it_was_and_no_temporary_file(layout, error, tmp_path):
    with open_sink(layout, tmp_path, 3, schema=SCHEMA) as sink:
        sink.put(row_of(layout, 0), b"old")
    before = everything(tmp_path)

    def fail():
        with open_sink(layout, tmp_path, 3, schema=SCHEMA) as sink:
            sink.put(row_of(layout, 1), b"new")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert everything(tmp_path) == sorted([*before, "a/a_01_01.png"] if layout == "files" else before)
    stored = stored_pixels(tmp_path / path_of(layout, 0))
    assert (stored if isinstance(stored, bytes) else stored.read_bytes()) == b"old"


def test_an_interrupt_stays_one_when_the_footer_cannot_be_written_either(tmp_path, monkeypatch):
    close = pq.ParquetWriter.close

    def fail(writer):
        close(writer)
        raise OSError(28, "No space left on device")

    def interrupt():
        with open_sink("parquet", tmp_path, 3, schema=SCHEMA):
            monkeypatch.setattr(pq.ParquetWriter, "close", fail)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert everything(tmp_path) == []


@POSIX
@pytest.mark.parametrize(
    ("layout", "crash_at"),
    [
        ("files", "before-image-rename:1"),
        ("files", "before-image-rename:7"),
        ("webdataset", "before-archive-rename"),
        ("parquet", "before-archive-rename"),
    ],
)
def test_what_a_kill_leaves_is_in_one_folder_and_the_next_attempt_removes_it(layout, crash_at, tmp_path):
    images = tmp_path / "images"
    assert write_shard(layout, images, crash_at=crash_at).returncode == -signal.SIGKILL
    finished = int(crash_at[-1]) - 1 if layout == "files" else 0
    left = [name for name in everything(images) if name != "a"]
    assert left[0] == ".tmp-00003"
    assert left[1].startswith(".tmp-00003/")
    assert len(left) == 2 + finished
    assert write_shard(layout, images).returncode == 0
    assert is_complete(layout, images)
    assert [name for name in everything(images) if ".tmp" in name] == []


@POSIX
def test_cleaning_up_removes_all_shards_leftovers_or_one_and_no_others(tmp_path):
    images = tmp_path / "images"
    for shard in (3, 4, 100_000):
        (images / f".tmp-{shard:05d}").mkdir(parents=True)
        (images / f".tmp-{shard:05d}" / "0123456789ab-0.part").write_bytes(b"half")
    (images / ".tmp-00005").mkdir()
    (images / ".tmp-00005" / "notes.txt").write_text("mine")
    (images / ".tmp-00005" / "x.part").write_text("half")
    (images / ".tmp-mine").mkdir()
    (images / "a").mkdir()
    (images / "a" / "x.part").write_text("mine")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "x.part").write_text("mine")
    (images / ".tmp-00006").symlink_to(tmp_path / "outside")
    clean_leftovers(images, 3)
    assert ".tmp-00003" not in everything(images)
    assert ".tmp-00004/0123456789ab-0.part" in everything(images)
    clean_leftovers(images)
    assert everything(images) == [".tmp-00005", ".tmp-00005/notes.txt", ".tmp-mine", "a", "a/x.part"]
    assert (tmp_path / "outside" / "x.part").read_text() == "mine"
    clean_leftovers(tmp_path / "no such folder")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_attempts_at_one_shard_never_mix_their_files(layout, tmp_path):
    row = row_of(layout)

    def both():
        with open_sink(layout, tmp_path, 3, schema=SCHEMA) as first:
            first.put(row, b"first")
            with open_sink(layout, tmp_path, 3, schema=SCHEMA) as second:
                second.put(row, b"second")
            first.put(row_of(layout, 1), b"later")

    # The second attempt wiped what the first had not finished: the first fails, the second's result stands.
    with pytest.raises(CurateError, match="No such file"):
        both()
    stored = stored_pixels(tmp_path / path_of(layout, 0))
    assert (stored if isinstance(stored, bytes) else stored.read_bytes()) == b"second"


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_an_attempt_that_was_overtaken_neither_finishes_nor_spoils_the_one_that_did(layout, tmp_path):
    second = contextlib.ExitStack()

    def overtaken():
        with open_sink(layout, tmp_path, 3, schema=SCHEMA) as first:
            first.put(row_of(layout), b"first")
            second.enter_context(open_sink(layout, tmp_path, 3, schema=SCHEMA)).put(row_of(layout), b"second")

    with second:
        with pytest.raises(CurateError, match="No such file"):
            overtaken()
        assert stored_pixels(tmp_path / path_of(layout, 0)) is None
    assert stored_pixels(tmp_path / path_of(layout, 0)) == b"second"
    assert len(everything(tmp_path)) == 1


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_an_archive_reaches_the_disk_before_its_name_does_and_both_before_the_block_ends(layout, tmp_path, monkeypatch):
    seen = []
    archive = tmp_path / path_of(layout, 0).partition("/")[0]
    monkeypatch.setattr(staging, "sync_file", lambda path: seen.append(("file", path.suffix, archive.exists())))
    monkeypatch.setattr(staging, "sync_folder", lambda path: seen.append(("folder", path, archive.exists())))
    with open_sink(layout, tmp_path, 3, schema=SCHEMA) as sink:
        sink.put(row_of(layout), b"x")
    assert seen == [("file", ".part", False), ("folder", tmp_path, True)]


def test_a_file_in_the_folders_place_is_one_line(tmp_path):
    (tmp_path / "images").write_text("mine")
    with pytest.raises(CurateError, match=r"cannot write .*images.*: Not a directory"):
        open_sink("files", tmp_path / "images", 3, schema=SCHEMA).__enter__()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".tmp-00003").write_text("mine")
    with pytest.raises(CurateError, match=r"cannot write .*\.tmp-00003: File exists"):
        open_sink("files", tmp_path / "out", 3, schema=SCHEMA).__enter__()
    assert Path(tmp_path / "out" / ".tmp-00003").read_text() == "mine"
