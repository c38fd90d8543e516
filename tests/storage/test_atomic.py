"""A file appears whole or not at all."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.storage import atomic
from syndr_curate.curate.storage.atomic import atomic_path, make_folder, remove_temporaries, write_bytes
from syndr_curate.curate.storage.crash_points import CRASH_VARIABLE

# Writes argv[1] three times; the second time under the crash name `part`.
PROGRAM = """
import sys
from pathlib import Path
from syndr_curate.curate.storage.atomic import write_bytes
path = Path(sys.argv[1])
write_bytes(path, b"1")
write_bytes(path, b"2", crash_name="part")
write_bytes(path, b"3")
"""


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_when_the_block_ends_well(tmp_path):
    path = tmp_path / "new" / "folders" / "f"
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        temporary.write_text("content")
        assert not path.exists()
    assert path.read_text() == "content"
    assert names(path.parent) == ["f"]


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt()])
def test_a_block_that_fails_leaves_nothing_behind_and_the_old_file_as_it_was(tmp_path, error):
    path = tmp_path / "f"
    path.write_text("old")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["f"]


def test_a_full_disk_in_the_block_is_a_curate_error(tmp_path):
    with pytest.raises(CurateError, match=r"cannot write .*f: No space left"), atomic_path(tmp_path / "f"):
        raise OSError(28, "No space left on device")
    assert names(tmp_path) == []


def test_a_path_below_a_regular_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CurateError, match=r"cannot write .*file/f: (Not a directory|File exists)"):
        write_bytes(tmp_path / "file" / "f", b"")


def test_a_folder_in_the_files_place_is_refused_and_kept(tmp_path):
    (tmp_path / "f").mkdir()
    with pytest.raises(CurateError, match=r"cannot write .*f: Is a directory"):
        write_bytes(tmp_path / "f", b"x")
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("path", ["", ".", "/", ".."])
def test_a_path_without_a_file_name_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CurateError, match="that is a folder, expected a file name"):
        write_bytes(path, b"")


def test_the_longest_name_a_file_system_takes_can_be_written(tmp_path):
    path = tmp_path / ("ü" * 127)
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_new_files_keep_to_the_umask(tmp_path):
    old = os.umask(0o022)
    try:
        write_bytes(tmp_path / "f", b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o644


@pytest.mark.parametrize("durable", [True, False])
def test_writing_twice_keeps_the_second(tmp_path, durable):
    write_bytes(tmp_path / "f", b"long content", durable=durable)
    write_bytes(tmp_path / "f", b"short", durable=durable)
    assert (tmp_path / "f").read_bytes() == b"short"


def test_new_files_and_folders_are_not_open_to_everybody_even_without_a_umask(tmp_path):
    old = os.umask(0)
    try:
        write_bytes(tmp_path / "new" / "folders" / "f", b"x")
    finally:
        os.umask(old)
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "new", tmp_path / "new/folders")]
    assert modes == [0o775, 0o775]
    assert stat.S_IMODE((tmp_path / "new" / "folders" / "f").stat().st_mode) == 0o664


def test_a_folder_that_exists_keeps_its_mode(tmp_path):
    (tmp_path / "private").mkdir(0o700)
    make_folder(tmp_path / "private")
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o700


def test_a_relative_folder_is_made_where_we_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_bytes("new/f", b"x")
    assert (tmp_path / "new" / "f").read_bytes() == b"x"


def test_a_link_in_the_files_place_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "f").symlink_to(tmp_path / "victim")
    write_bytes(tmp_path / "f", b"x")
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (tmp_path / "f").is_symlink()


@pytest.mark.parametrize(("durable", "synced"), [(True, ["file", "folder"]), (False, [])])
def test_the_content_reaches_the_disk_before_the_name_and_the_name_before_the_block_ends(
    tmp_path, monkeypatch, durable, synced
):
    seen = []
    monkeypatch.setattr(atomic, "sync_file", lambda _: seen.append("folder" if (tmp_path / "f").exists() else "file"))
    monkeypatch.setattr(atomic, "sync_folder", lambda _: seen.append("folder" if (tmp_path / "f").exists() else "?"))
    write_bytes(tmp_path / "f", b"x", durable=durable)
    assert seen == synced


@pytest.mark.parametrize(("code", "is_error"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_without_folder_syncs_will_do_but_a_failing_disk_is_said(tmp_path, monkeypatch, code, is_error):
    sync = os.fsync

    def fsync(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(code, os.strerror(code))
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    if is_error:
        with pytest.raises(CurateError, match=f"cannot write .*f: {os.strerror(code)}"):
            write_bytes(tmp_path / "f", b"x")
    else:
        write_bytes(tmp_path / "f", b"x")
        assert (tmp_path / "f").read_bytes() == b"x"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("where", "left"), [("before-rename", None), ("before-rename:3", b"2"), ("part", b"1"), ("part:2", b"3")]
)
def test_a_crash_point_kills_between_the_write_and_the_rename(tmp_path, where, left):
    environment = {**os.environ, CRASH_VARIABLE: where}
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "f")], env=environment, check=False)
    assert done.returncode == (0 if where == "part:2" else -signal.SIGKILL)
    temporary = [name for name in names(tmp_path) if name.endswith(".tmp")]
    assert len(temporary) == (0 if where == "part:2" else 1)
    assert ((tmp_path / "f").read_bytes() if (tmp_path / "f").exists() else None) == left
    remove_temporaries(tmp_path / "f")
    assert names(tmp_path) == (["f"] if left else [])


def test_removing_temporaries_spares_what_another_file_or_a_user_has(tmp_path):
    token = "0123456789ab"
    mine = [f".f.{token}.tmp"]
    others = [f".g.{token}.tmp", ".f.tmp", ".f.notes.tmp", f"xf.{token}.tmp", f".f.{token}.tmp.txt", f".fx{token}.tmp"]
    for name in mine + others:
        (tmp_path / name).write_text("x")
    remove_temporaries(tmp_path / "f")
    assert names(tmp_path) == sorted(others)
    remove_temporaries(tmp_path / "no folder" / "f")
