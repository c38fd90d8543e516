"""A shard's unfinished pixels have a folder of their own, so that what a killed process left is found at once."""

import contextlib
import itertools
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import CurateError
from .atomic import cannot_write, create_file, make_folder, sync_file, sync_folder
from .crash_points import crash_point

_FOLDER = re.compile(r"\.tmp-(?P<shard>[0-9]{5,})")
_SUFFIX = ".part"
_BUFFER = 1 << 20


class Staging:
    """The temporary files of one attempt at one shard.

    They are in `folder/.tmp-<shard>/`, on the file system that the finished files are renamed on. Names carry a
    random token: two processes at one shard by mistake never write into each other's file.

    Attributes:
        folder: Folder of the temporary files.
    """

    def __init__(self, folder: Path, shard: int) -> None:
        """Choose the folder; it is not made here."""
        self.folder = folder / f".tmp-{shard:05d}"
        self._token = secrets.token_hex(6)
        self._numbers = itertools.count()

    def new_path(self) -> Path:
        """Return an unused name."""
        return self.folder / f"{self._token}-{next(self._numbers)}{_SUFFIX}"

    def remove(self) -> None:
        """Remove what this attempt left, and the folder if nothing else is in it."""
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(self.folder)):
                if entry.name.startswith(self._token):
                    os.unlink(entry.path)
            self.folder.rmdir()


@contextlib.contextmanager
def staging(folder: Path, shard: int) -> Iterator[Staging]:
    """Give a shard an empty folder for its temporary files; the remains of a killed attempt are removed first.

    Raises:
        CurateError: The folder cannot be made.
    """
    clean_leftovers(folder, shard)
    stage = Staging(folder, shard)
    try:
        make_folder(stage.folder)
    except OSError as error:
        raise cannot_write(stage.folder, error) from error
    try:
        yield stage
    finally:
        stage.remove()


@contextlib.contextmanager
def staged_archive(path: Path, shard: int) -> Iterator[BinaryIO]:
    """Yield a file to write that becomes `path`, complete and on the disk, when the block ends without an error.

    The last crash point before the rename is `before-archive-rename`.

    Args:
        path: The archive to make or replace. A link there is replaced, not followed.
        shard: Whose staging folder, beside `path`, is used.

    Raises:
        CurateError: The archive cannot be written, or the block meets an `OSError`. An older archive stays as it was.
    """
    with staging(path.parent, shard) as stage:
        temporary = stage.new_path()
        try:
            with create_file(temporary, buffer_bytes=_BUFFER) as file:
                yield file
            sync_file(temporary)
            crash_point("before-archive-rename")
            os.replace(temporary, path)
            sync_folder(path.parent)
        except OSError as error:
            raise cannot_write(path, error) from error


def clean_leftovers(folder: Path, shard: int | None = None) -> None:
    """Remove the temporary files that killed processes left below a folder of pixels.

    Only `.part` files in folders `.tmp-<number>` directly below `folder` go, and these folders when that empties
    them; a link is removed, never followed. Only for a caller that knows that no process is writing those shards now.

    Args:
        folder: Where the pixels are; it need not exist.
        shard: Only this shard's.

    Raises:
        CurateError: Something cannot be removed.
    """
    try:
        for entry in _staging_folders(folder, shard):
            _empty(entry)
    except OSError as error:
        raise CurateError(f"cannot clean up {folder}: {error.strerror or error}") from error


def _staging_folders(folder: Path, shard: int | None) -> list[Path]:
    if shard is not None:
        own = folder / f".tmp-{shard:05d}"
        return [own] if os.path.lexists(own) else []
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries if _FOLDER.fullmatch(entry.name)]


def _empty(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
        return
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        ours = [entry.path for entry in entries if entry.name.endswith(_SUFFIX) and not entry.is_dir()]
    for path in ours:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    with contextlib.suppress(OSError):
        folder.rmdir()  # not empty: something in it is not ours
