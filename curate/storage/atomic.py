"""Files that appear complete or not at all, in folders that are not writable by everybody."""

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import CurateError
from .crash_points import crash_point

NAME_SHOWN = 32
# What a umask of 0 would leave open to everybody stays closed; a stricter umask still takes more away.
FOLDER_MODE = 0o775
FILE_MODE = 0o664

# File systems that cannot flush a folder say so with one of these; on them a rename is as durable as it gets.
_NO_FOLDER_SYNC = (errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EACCES, errno.EPERM)


@contextlib.contextmanager
def atomic_path(path: Path, *, durable: bool = True, crash_name: str | None = None) -> Iterator[Path]:
    """Yield a temporary path in the same folder that becomes `path` when the block ends without an error.

    Between the last write and the rename the process passes the crash point `before-rename`, a hook for tests.

    Args:
        path: Where the finished file belongs. Missing folders are made.
        durable: Have the content reach the disk before the file appears, and its appearance before the block is left.
            Not needed for a file that can be made again.
        crash_name: A second crash point at the same place, so that a test can distinguish this file from others.

    Yields:
        A path beside `path`, to be written and closed inside the block.

    Raises:
        CurateError: The path names no file, the folder cannot be made or written to, or the block meets an
            `OSError`. Whatever else the block raises is passed on. The temporary file is removed, an older file at
            `path` left as it was.
    """
    path = Path(path)
    if not path.name or path.name == "..":
        raise CurateError(f"cannot write {str(path)!r}: that is a folder, expected a file name")
    temporary = path.with_name(_temporary_name(path.name, secrets.token_hex(6)))
    try:
        make_folder(path.parent)
        create_file(temporary).close()
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        yield temporary
        if durable:
            sync_file(temporary)
        crash_point("before-rename")
        if crash_name is not None:
            crash_point(crash_name)
        os.replace(temporary, path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def refuse_overwriting(out: Path, *in_use: Path | None) -> None:
    """Refuse to write over a file that the same command reads or writes.

    Args:
        out: Where a result will go.
        *in_use: Files that must not be replaced; None is skipped.

    Raises:
        CurateError: `out` is one of them.
    """
    for path in in_use:
        if path is not None and Path(out).resolve() == Path(path).resolve():
            raise CurateError(f"{out} would overwrite {path}, which this command uses too: give another output")


def require_parquet_name(out: Path, flag: str = "--out") -> None:
    """Refuse a name that does not end in `.parquet`, which another program, or the next command, would not read.

    Args:
        out: Where a Parquet file will go.
        flag: The option that named it, for the message.

    Raises:
        CurateError: It does not.
    """
    if Path(out).suffix != ".parquet":
        raise CurateError(f"{flag} {out}: what is written is a Parquet file; give a name that ends in .parquet")


def write_bytes(path: Path, content: bytes, *, durable: bool = True, crash_name: str | None = None) -> None:
    """Write `content` to `path`, atomically.

    Args:
        path: The file to make or replace.
        content: Its whole content.
        durable: As for `atomic_path`.
        crash_name: As for `atomic_path`.

    Raises:
        CurateError: The file cannot be written.
    """
    with atomic_path(path, durable=durable, crash_name=crash_name) as temporary:
        temporary.write_bytes(content)


def remove_temporaries(path: Path) -> None:
    """Remove what killed processes left of their attempts to write `path` through `atomic_path`.

    Only for a caller that knows that no process is writing `path` now, nor another file whose name begins with the same
    32 characters.

    Raises:
        CurateError: A temporary file cannot be removed.
    """
    before, after = _temporary_name(path.name, "\0").split("\0")
    token = re.compile(f"{re.escape(before)}[0-9a-f]{{12}}{re.escape(after)}")
    try:
        for name in os.listdir(path.parent) if path.parent.is_dir() else []:
            if token.fullmatch(name):
                (path.parent / name).unlink(missing_ok=True)
    except OSError as error:
        raise CurateError(f"cannot clean up after {path}: {error.strerror or error}") from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it where they are missing, none of them writable by everybody.

    Raises:
        OSError: It cannot be made, or a file is in its place.
    """
    try:
        os.mkdir(path, FOLDER_MODE)
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent)
        path.mkdir(FOLDER_MODE, exist_ok=True)  # another process may have been quicker
    except OSError:
        if not path.is_dir():
            raise


def create_file(path: Path, *, buffer_bytes: int = -1) -> BinaryIO:
    """Make a new file, not writable by everybody, and open it for writing.

    Args:
        path: The file; its folder exists.
        buffer_bytes: How much is gathered before it is written; -1 is Python's own choice.

    Raises:
        OSError: It cannot be made; `FileExistsError` where something, even a dangling link, has the name.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, FILE_MODE), "wb", buffering=buffer_bytes)


def sync_file(path: Path) -> None:
    """Flush a file's content to the disk.

    Raises:
        OSError: It did not.
    """
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Flush the names in a folder to the disk, where the file system can.

    Raises:
        OSError: They did not.
    """
    if os.name != "posix":
        return
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise


def cannot_write(path: Path, error: OSError) -> CurateError:
    """Return the one line that says which file could not be written, and why."""
    return CurateError(f"cannot write {path}: {error.strerror or error}")


def _temporary_name(name: str, token: str) -> str:
    # The name is cut because a name of the longest length allowed has no room for more.
    return f".{name[:NAME_SHOWN]}.{token}.tmp"
