"""A file appears whole or not at all."""

import os
import stat

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.data.atomic import atomic_path, write_bytes


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
