"""Files that appear whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from ..errors import CurateError

NAME_SHOWN = 32


@contextlib.contextmanager
def atomic_path(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Give a temporary path in the same folder that becomes `path` when the block ends well.

    Args:
        path: Where the finished file belongs. Missing folders are made.
        durable: Have the content reach the disk before the file appears. Not needed for a file that can be made again,
            such as one of many images, where it would dominate the time.

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
    # The name is cut because a name of the longest length allowed has no room for more.
    temporary = path.with_name(f".{path.name[:NAME_SHOWN]}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb"):
            pass
    except OSError as error:
        raise CurateError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise CurateError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def refuse_overwriting(out: Path, *taken: Path | None) -> None:
    """Refuse to write over a file that the same command reads or writes.

    Args:
        out: Where a result will go.
        *taken: Files that are in use; None stands for none.

    Raises:
        CurateError: `out` is one of them.
    """
    for path in taken:
        if path is not None and Path(out).resolve() == Path(path).resolve():
            raise CurateError(f"{out} would overwrite {path}, which this command uses too: give another output")


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write `content` to `path`, atomically.

    Args:
        path: The file to make or replace.
        content: Its whole content.
        durable: As for `atomic_path`.

    Raises:
        CurateError: The file cannot be written.
    """
    with atomic_path(path, durable=durable) as temporary:
        temporary.write_bytes(content)
