"""Pixels as files: one per row, below one folder."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath

from ..errors import CurateError
from .atomic import cannot_write, create_file, make_folder, sync_file, sync_folder
from .crash_points import crash_point
from .safe_paths import is_safe_path
from .staging import Staging, staging

# Measured on 600 PNGs of 660 kB: synced before each rename 1.15 ms an image in all, at the end one by one 1.13, at the
# end eight at a time 0.96, never 0.55. Requests that wait together share a flush of the disk.
_SYNCS_AT_ONCE = 8


class FilesSink:
    """Writes each row's image to its own file; any thread may call `put`.

    Attributes:
        ordered: False: rows come in any order, from any thread.
    """

    ordered = False

    def __init__(self, folder: Path, stage: Staging) -> None:
        """Write below `folder`, through a staging folder."""
        self._folder = folder
        self._real_folder = os.path.realpath(folder)
        self._stage = stage
        self._made: set[Path] = set()
        self._written: list[str] = []

    def put(self, row: Mapping[str, object], content: bytes) -> None:
        """Store one row's image; the file appears complete or not at all.

        The last crash point before the rename is `before-image-rename`.

        Args:
            row: The manifest row; its `image_path` says where.
            content: The image file.

        Raises:
            CurateError: The file would be outside the folder, by its name or by a link, or cannot be written.
        """
        relative = str(row["image_path"])
        if not is_safe_path(relative) or not PurePosixPath(relative).name:
            raise CurateError(f"{row.get('sample_id')!r}: {relative!r} is not a path inside its root")
        target = self._folder / relative
        self._prepare_parent(target)
        temporary = self._stage.new_path()
        try:
            with create_file(temporary) as file:
                file.write(content)
            crash_point("before-image-rename")
            os.replace(temporary, target)
        except OSError as error:
            raise cannot_write(target, error) from error
        self._written.append(relative)

    def sync(self) -> None:
        """Flush all files, and their names, to the disk.

        Raises:
            CurateError: They did not.
        """
        folders = {".", "..", *(str(parent) for path in self._written for parent in PurePosixPath(path).parents)}
        with ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool:
            for sync, names in ((sync_file, self._written), (sync_folder, sorted(folders))):
                shares = [names[k::_SYNCS_AT_ONCE] for k in range(_SYNCS_AT_ONCE)]
                list(pool.map(partial(self._sync_each, sync), shares))

    def _sync_each(self, sync: Callable[[Path], None], names: Iterable[str]) -> None:
        for name in names:
            path = self._folder / name
            try:
                sync(path)
            except OSError as error:
                raise cannot_write(path, error) from error

    def _prepare_parent(self, target: Path) -> None:
        # Looked at for every file, not once per folder: a link may be planted while the run goes on.
        parent = target.parent
        self._refuse_links_outside(target)
        if parent in self._made:
            return
        try:
            make_folder(parent)
        except OSError as error:
            raise cannot_write(target, error) from error
        self._refuse_links_outside(target)
        self._made.add(parent)

    def _refuse_links_outside(self, target: Path) -> None:
        depth = len(target.parts) - len(self._folder.parts) - 1
        if any(os.path.islink(folder) for folder in target.parents[:depth]):
            real = os.path.realpath(target.parent)
            if os.path.commonpath([real, self._real_folder]) != self._real_folder:
                raise CurateError(f"cannot write {target}: its folder is a link to {real}, outside {self._folder}")


@contextlib.contextmanager
def files_sink(folder: Path, shard: int) -> Iterator[FilesSink]:
    """Open the files of one shard; when the block ends without an error, all of them are on the disk.

    Args:
        folder: Where the images go. It may itself be a link.
        shard: The shard's number.

    Raises:
        CurateError: The folder cannot be written to, or the disk did not take everything.
    """
    with staging(folder, shard) as stage:
        sink = FilesSink(folder, stage)
        yield sink
        sink.sync()
