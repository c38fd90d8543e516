"""Where rendered pixels are kept: as files, in tars for webdataset, or in Parquet files with an image column."""

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, get_args

import pyarrow as pa

from ..errors import CurateError
from .formats import Layout
from .images import UnreadableImageError
from .paths.file_names import explain_missing_file, rendered_path
from .paths.regular_files import special_kind
from .staging import clean_leftovers
from .store_files import files_sink
from .store_parquet import parquet_sink, read_parquet_image
from .store_tar import read_tar_member, tar_sink

__all__ = [
    "LAYOUTS",
    "PixelSink",
    "absence",
    "clean_leftovers",
    "open_sink",
    "stored_path",
    "stored_pixels",
]

LAYOUTS: tuple[Layout, ...] = get_args(Layout)

_ARCHIVE_SUFFIX: Mapping[Layout, str] = {"webdataset": ".tar", "parquet": ".parquet"}
_READERS: Mapping[str, Callable[[Path, str], bytes | None]] = {
    ".tar": read_tar_member,
    ".parquet": read_parquet_image,
}
# A key ends at its first dot (webdataset's rule), and a path's parts at a slash; `%` itself keeps it injective.
_ENCODED = {ord(c): f"%{ord(c):02X}" for c in ["%", ".", "/", "\\", "\x7f", *map(chr, range(32))]}
_EMPTY_KEY = "%"


class PixelSink(Protocol):
    """Takes the pixels of one shard's rows.

    Attributes:
        ordered: True where `put` must be called in row order from one thread; False where any thread may call it.
    """

    ordered: bool

    def put(self, row: Mapping[str, object], content: bytes) -> None:
        """Store a row's image.

        Args:
            row: The manifest row as JSON values, with `sample_id` and an `image_path` from `stored_path`.
            content: The encoded image file.

        Raises:
            CurateError: It cannot be stored; the message names the file and the reason.
        """


def stored_path(layout: Layout, *, reference_id: str, sample_id: str, suffix: str, shard: int) -> str:
    """Return a row's `image_path`, relative to the folder of the pixels; known before anything is rendered.

    Args:
        layout: How pixels are kept.
        reference_id: The row's reference.
        sample_id: The row's id; in an archive percent-encoded where it holds a dot, slash or control character, so
            that different ids have different names.
        suffix: Of the image file, with its dot.
        shard: Number of the row's shard, which is one archive.

    Returns:
        A POSIX path.
    """
    if layout == "files":
        return rendered_path(reference_id, sample_id, suffix)
    key = sample_id.translate(_ENCODED) or _EMPTY_KEY
    return f"{_archive_name(layout, shard)}/{key}{suffix}"


def open_sink(
    layout: Layout, folder: Path, shard: int, *, schema: pa.Schema
) -> contextlib.AbstractContextManager[PixelSink]:
    """Open the store of one shard's pixels.

    A file appears complete or not at all. When the block ends without an error, all are on the disk: the shard may
    be marked as done. When it does not, an archive does not appear, and of `files` those remain that were finished.
    Temporary files are in `folder/.tmp-<shard>/`, which the next attempt at the shard empties.

    Args:
        layout: How pixels are kept.
        folder: The folder that `image_path` is relative to; made where missing.
        shard: The shard's number.
        schema: Columns of the rows; `parquet` stores them beside the images, and the schema's metadata with them.

    Returns:
        A context manager that gives the sink.

    Raises:
        CurateError: On entering: the folder cannot be written to. On leaving: the disk did not take everything.
    """
    if layout == "files":
        return files_sink(folder, shard)
    path = folder / _archive_name(layout, shard)
    if layout == "webdataset":
        return tar_sink(path, shard)
    return parquet_sink(path, shard, schema=schema)


def stored_pixels(path: Path) -> Path | bytes | None:
    """Find the image behind a path that `Roots.resolve` gives.

    Args:
        path: A file, or a name inside an archive (`<folder>/00003.tar/<key>.png`). Archives are not trusted: nothing is
            unpacked to the disk, and what comes out is for `decode_image` to judge.

    Returns:
        The file itself, the bytes inside the archive, or None where nothing is stored.

    Raises:
        UnreadableImageError: It is a FIFO, a socket or a device, or there is an archive that is damaged or cannot be
            read.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        place = _inside_archive(path)
        return None if place is None else _READERS[place[0].suffix](*place)
    except OSError:
        return path  # opening it will say what is wrong
    kind = special_kind(path)
    if kind is not None:
        raise UnreadableImageError(f"{kind}, expected a regular file")
    return path


def absence(path: Path) -> UnreadableImageError:
    """Return the message for a path for which `stored_pixels` gives None."""
    place = _inside_archive(path)
    if place is None:
        return UnreadableImageError(explain_missing_file(path) or "No such file or directory")
    return UnreadableImageError(f"{place[0].name} holds no {place[1]}")


def _archive_name(layout: Layout, shard: int) -> str:
    if layout not in _ARCHIVE_SUFFIX:
        raise CurateError(f"layout {layout!r}: expected one of {', '.join(LAYOUTS)}")
    return f"{shard:05d}{_ARCHIVE_SUFFIX[layout]}"


def _inside_archive(path: Path) -> tuple[Path, str] | None:
    for parent in path.parents:
        if parent.suffix in _READERS and os.path.isfile(parent):
            return parent, path.relative_to(parent).as_posix()
        if os.path.lexists(parent):
            return None
    return None
