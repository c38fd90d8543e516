"""Pixels in Parquet files: the manifest's columns and one of images, as Hugging Face `datasets` shows them."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import CurateError
from .atomic import cannot_write
from .images import UnreadableImageError
from .recent_cache import RecentCache
from .staging import staged_archive
from .store_tar import MAX_CONTENT_BYTES, archive_identity, member_name

IMAGE_COLUMN = "image"
_BYTES, _PATH = f"{IMAGE_COLUMN}.bytes", f"{IMAGE_COLUMN}.path"
_IMAGE = pa.field(IMAGE_COLUMN, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
_HUGGING_FACE = json.dumps({"info": {"features": {IMAGE_COLUMN: {"_type": "Image"}}}})

# One image is read by reading its row group: small groups make that cheap, and cost little in a file of megabytes.
GROUP_ROWS = 64
GROUP_BYTES = 8 << 20
_ROWS_REMEMBERED = 1 << 18
_IMAGE_BYTES_REMEMBERED = 64 << 20


@dataclass(frozen=True)
class _Index:
    metadata: pq.FileMetaData
    places: Mapping[str, tuple[int, int]]


_indices: RecentCache[_Index] = RecentCache(_ROWS_REMEMBERED, lambda index: len(index.places))
_groups: RecentCache[pa.BinaryArray] = RecentCache(_IMAGE_BYTES_REMEMBERED, lambda images: images.nbytes)


class ParquetSink:
    """Writes rows into one Parquet file; `put` is called in row order, from one thread.

    Attributes:
        ordered: True.
    """

    ordered = True

    def __init__(self, path: Path, writer: pq.ParquetWriter, columns: pa.Schema) -> None:
        """Write into an open file that will be called `path`; `columns` are those of the rows."""
        self._path = path
        self._writer = writer
        self._columns = columns
        self._rows: list[Mapping[str, object]] = []
        self._images: list[bytes] = []
        self._names: list[str] = []
        self._bytes = 0
        self._failure: CurateError | None = None

    def put(self, row: Mapping[str, object], content: bytes) -> None:
        """Append a row with its image.

        Args:
            row: The manifest row; its `image_path` is `<this file>/<key><suffix>`.
            content: The image file.

        Raises:
            CurateError: The row belongs into another archive, or the file cannot be written.
        """
        self._names.append(member_name(row, self._path))
        self._rows.append(row)
        self._images.append(content)
        self._bytes += len(content)
        if len(self._rows) == GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._write_group()

    def finish(self) -> None:
        """Write the rows that are still in memory.

        Raises:
            CurateError: The file cannot be written, or could not be before.
        """
        if self._failure is not None:
            raise self._failure
        if self._rows:
            self._write_group()

    def _write_group(self) -> None:
        try:
            table = pa.Table.from_pylist(self._rows, schema=self._columns)
            images = pa.StructArray.from_arrays(
                [pa.array(self._images, pa.binary()), pa.array(self._names, pa.string())], fields=list(_IMAGE.type)
            )
            self._writer.write_table(table.append_column(_IMAGE, images), row_group_size=GROUP_ROWS)
        except OSError as error:
            self._failure = cannot_write(self._path, error)
            raise self._failure from error
        except pa.ArrowException as error:
            self._failure = CurateError(f"cannot write {self._path}: a row does not fit the manifest's schema: {error}")
            raise self._failure from error
        self._rows, self._images, self._names, self._bytes = [], [], [], 0


@contextlib.contextmanager
def parquet_sink(path: Path, shard: int, *, schema: pa.Schema) -> Iterator[ParquetSink]:
    """Open a Parquet file that appears, complete and on the disk, when the block ends without an error.

    Args:
        path: The file to make or replace.
        shard: The shard's number.
        schema: Columns of the rows and metadata of the file. Categories are stored as plain strings, which every reader
            knows.

    Raises:
        CurateError: It cannot be written.
    """
    fields = [
        field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
        for field in schema
        if field.name != IMAGE_COLUMN
    ]
    metadata = {**(schema.metadata or {}), b"huggingface": _HUGGING_FACE.encode()}
    columns = pa.schema(fields, metadata=metadata)
    with staged_archive(path, shard) as file, _writer(file, columns.append(_IMAGE)) as writer:
        sink = ParquetSink(path, writer, columns)
        yield sink
        sink.finish()


def read_parquet_image(archive: Path, name: str) -> bytes | None:
    """Read one image out of a Parquet file by its name there; None where it has no such row.

    Only the row group is read that holds it. The names are looked through once and remembered.

    Raises:
        UnreadableImageError: The file is damaged, cannot be opened or holds no images, or the image's row group is too
            large.
    """
    try:
        with archive.open("rb") as file:
            identity = archive_identity(file)
            index = _indices.get(identity, lambda: _index(file))
            if name not in index.places:
                return None
            group, row = index.places[name]
            content = _groups.get((*identity, group), lambda: _read_group(file, index, group))[row].as_py()
    except (OSError, pa.ArrowException, UnreadableImageError, ValueError, LookupError, MemoryError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableImageError(f"{archive.name}: {' '.join(reason.split())}") from error
    return content if isinstance(content, bytes) else None


@contextlib.contextmanager
def _writer(file: BinaryIO, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    text_columns = [field.name for field in schema if field.name not in (IMAGE_COLUMN, "sample_id", "image_path")]
    writer = pq.ParquetWriter(
        file,
        schema,
        compression={field.name: "zstd" for field in schema if field.name != IMAGE_COLUMN},  # images are compressed
        use_dictionary=text_columns,
        write_statistics=text_columns,
    )
    try:
        yield writer
    except BaseException:
        # Closing writes the footer, which fails as the write before it did; the file is thrown away in any case.
        with contextlib.suppress(OSError, pa.ArrowException):
            writer.close()
        raise
    writer.close()


def _index(file: BinaryIO) -> _Index:
    archive = pq.ParquetFile(file)
    metadata = archive.metadata
    leaves = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
    if _BYTES not in leaves or _PATH not in leaves:
        raise UnreadableImageError(f"it has no column {IMAGE_COLUMN!r} of bytes and path")
    places = {}
    for group in range(metadata.num_row_groups):
        for row, name in enumerate(_read_leaf(archive, group, _PATH).to_pylist()):
            places[name] = (group, row)
    return _Index(metadata, places)


def _read_group(file: BinaryIO, index: _Index, group: int) -> pa.BinaryArray:
    return _read_leaf(pq.ParquetFile(file, metadata=index.metadata), group, _BYTES)


def _read_leaf(archive: pq.ParquetFile, group: int, leaf: str) -> pa.Array:
    # The size of the one column would be fairer; pyarrow (26) ends the process when it asks a damaged file for that.
    if archive.metadata.row_group(group).total_byte_size > MAX_CONTENT_BYTES:
        raise UnreadableImageError(f"its row group {group} is larger than {MAX_CONTENT_BYTES} bytes")
    table = archive.read_row_group(group, columns=[leaf], use_threads=False)
    return table[IMAGE_COLUMN].combine_chunks().field(leaf.removeprefix(f"{IMAGE_COLUMN}."))
