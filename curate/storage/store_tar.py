"""Pixels in tar files, as webdataset reads them: per row one image and one JSON with the row."""

import contextlib
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from ..errors import CurateError
from .atomic import cannot_write
from .images import UnreadableImageError
from .recent_cache import RecentCache
from .staging import staged_archive

# A picture at the limit of 100 megapixels takes 600 MB without any compression at 16 bits.
MAX_CONTENT_BYTES = 1 << 30

_FILE_MODE = 0o644
# About 150 bytes of memory each: 40 MB.
_MEMBERS_REMEMBERED = 1 << 18
_Index = Mapping[str, tuple[int, int]]
_indices: RecentCache[_Index] = RecentCache(_MEMBERS_REMEMBERED, len)


class TarSink:
    """Writes rows into one tar; `put` is called in row order, from one thread.

    Attributes:
        ordered: True.
    """

    ordered = True

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Write into an empty file that will be called `path`."""
        self._path = path
        self._file = file
        self._failure: CurateError | None = None

    def put(self, row: Mapping[str, object], content: bytes) -> None:
        """Append a row's image and its JSON.

        The same rows give the same bytes: members have no time and no owner.

        Args:
            row: The manifest row as JSON values; its `image_path` is `<this tar>/<key><suffix>`. Nulls and NaN are left
                out of the JSON.
            content: The image file.

        Raises:
            CurateError: The row belongs into another archive, or the tar cannot be written.
        """
        name = member_name(row, self._path)
        known = {key: value for key, value in row.items() if value is not None and value == value}  # noqa: PLR0124
        text = json.dumps(known, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        try:
            self._append(name, content)
            self._append(f"{name.partition('.')[0]}.json", text.encode())
        except OSError as error:
            self._failure = cannot_write(self._path, error)
            raise self._failure from error

    def finish(self) -> None:
        """Write the tar's end.

        Raises:
            CurateError: A `put` before has failed and left it half written.
            OSError: It cannot be written.
        """
        if self._failure is not None:
            raise self._failure
        self._file.write(bytes(2 * tarfile.BLOCKSIZE))
        self._file.write(bytes(-self._file.tell() % tarfile.RECORDSIZE))

    def _append(self, name: str, content: bytes) -> None:
        # Not `TarFile.addfile`: that keeps every header until the end.
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), _FILE_MODE
        self._file.write(member.tobuf(tarfile.PAX_FORMAT))
        self._file.write(content)
        self._file.write(bytes(-len(content) % tarfile.BLOCKSIZE))


@contextlib.contextmanager
def tar_sink(path: Path, shard: int) -> Iterator[TarSink]:
    """Open a tar that appears, complete and on the disk, when the block ends without an error.

    Raises:
        CurateError: It cannot be written.
    """
    with staged_archive(path, shard) as file:
        sink = TarSink(path, file)
        yield sink
        sink.finish()


def member_name(row: Mapping[str, object], archive: Path) -> str:
    """Return a row's name inside its archive.

    Raises:
        CurateError: Its `image_path` is not in that archive.
    """
    folder, _, name = str(row["image_path"]).partition("/")
    if folder != archive.name or not name or "/" in name:
        raise CurateError(f"{row.get('sample_id')!r}: {row['image_path']!r} is not an image in {archive.name}")
    return name


def archive_identity(file: BinaryIO) -> tuple[object, ...]:
    """Return what identifies one state of an open archive: its name, place on the disk, size and time."""
    state = os.fstat(file.fileno())
    return (file.name, state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)


def read_tar_member(archive: Path, name: str) -> bytes | None:
    """Read one member of a tar; None where it has no such file.

    The tar is walked through once and its index remembered; nothing is ever unpacked to the disk. Of two members of
    one name the last counts. Links and sparse files count as missing.

    Raises:
        UnreadableImageError: The tar is damaged or cannot be opened, or the member is too large for an image.
    """
    try:
        with archive.open("rb") as file:
            place = _indices.get(archive_identity(file), lambda: _index(file)).get(name)
            if place is None:
                return None
            offset, size = place
            if size > MAX_CONTENT_BYTES:
                raise UnreadableImageError(f"{archive.name}: {name} is larger than {MAX_CONTENT_BYTES} bytes")
            file.seek(offset)
            content = file.read(size)
    except OSError as error:
        raise UnreadableImageError(f"{archive.name}: {error.strerror or error}") from error
    except (tarfile.TarError, ValueError, MemoryError, OverflowError, RecursionError) as error:
        raise UnreadableImageError(f"{archive.name} is a damaged tar: {' '.join(str(error).split())}") from error
    if len(content) != size:
        raise UnreadableImageError(f"{archive.name} ends in the middle of {name}")
    return content


def _index(file: BinaryIO) -> _Index:
    index = {}
    position = -1
    with tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            # A negative size in a header leads backwards; the standard library would walk in circles.
            if tar.offset <= position:
                raise tarfile.ReadError("a member is before the one it follows")
            position = tar.offset
            if member.isreg() and member.sparse is None and not member.name.endswith(".json"):
                index[member.name] = (member.offset_data, member.size)
    return index
