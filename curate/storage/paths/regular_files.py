"""Only regular files are opened: a FIFO keeps its reader waiting for a writer, and a device may have no end."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ...errors import CurateError
from .file_names import explain_missing_file

_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def special_kind(path: Path | str) -> str | None:
    """Name the kind of a path that must not be opened, without opening it: a FIFO (a named pipe), a socket or a device.

    Args:
        path: Any path; a link is judged by what it leads to.

    Returns:
        Its kind; None for a file or a folder, and where nothing is or can be seen: opening it says so at once.
    """
    try:
        return _kind(os.stat(path).st_mode)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None


def refuse_special(path: Path | str) -> None:
    """Refuse a path that must not be opened, before it is.

    Args:
        path: What a user gave as a file.

    Raises:
        CurateError: It is a FIFO, a socket or a device.
    """
    kind = special_kind(path)
    if kind is not None:
        raise CurateError(f"{path} is {kind}; expected a regular file: copy the content into one")


@contextmanager
def regular_file(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file. Anything else is refused without waiting for it: a FIFO without a writer never ends.

    Args:
        path: The file, or a link to it.

    Raises:
        OSError: It cannot be opened, or is a folder, a FIFO, a socket or a device.
    """
    descriptor = _open(path)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        kind = _kind(mode)
        if kind is not None:
            raise _not_regular(kind, path)
        file = os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    with file:
        yield file


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError as error:
        reason = explain_missing_file(path)
        if reason is None:
            raise
        raise FileNotFoundError(error.errno, reason, str(path)) from error
    except OSError as error:
        kind = special_kind(path)  # a socket cannot be opened, and the system's reason does not say why
        if kind is None:
            raise
        raise _not_regular(kind, path) from error


def _not_regular(kind: str, path: Path) -> OSError:
    return OSError(errno.EINVAL, f"{kind}, expected a regular file", str(path))


def _kind(mode: int) -> str | None:
    return next((name for is_kind, name in _KINDS if is_kind(mode)), None)
