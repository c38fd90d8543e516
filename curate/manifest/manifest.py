"""Reading, checking and writing manifests."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import CurateError
from ..storage.atomic import atomic_path
from ..storage.paths.regular_files import refuse_special
from ..storage.safe_paths import is_safe_path
from .ids import list_ids
from .lost_metadata import warn_of_lost_metadata
from .provenance import attach, read_provenance
from .roots import moved, with_home
from .schema import LABEL_MAXIMUM, LABEL_SOURCES, STATUSES
from .split_names import SPLITS
from .tables.conform import columns_in_file, conform, conform_columns
from .tables.pieces import in_pieces

ROW_GROUP_ROWS = 10_000
_ROWS_AT_ONCE = 65_536
_TEXT_SUFFIXES = {".csv", ".tsv", ".txt", ".json", ".jsonl"}


def read_manifest(path: Path | str, *, training: bool = False) -> pa.Table:
    """Read a manifest and check it.

    Args:
        path: A Parquet file written by this toolkit, or by anybody to the same schema.
        training: Whether every row with status `ok` must carry a label.

    Returns:
        The table, in the manifest's column order; columns that the schema does not know are kept, last. It remembers
        the folder that its roots are relative to. If its metadata is lost, a `CurateWarning` says so.

    Raises:
        CurateError: No such file, not Parquet, another schema, a newer schema version, or bad rows; the
            message says which column or which ids.
    """
    path = _existing(path)
    try:
        table = pq.read_table(path, partitioning=None)
        table.validate(full=True)
        _decode_names(table.schema)
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise CurateError(f"{path} is not a readable Parquet file: {error}") from error
    try:
        table = validate(table, training=training)
    except CurateError as error:
        raise CurateError(f"{path}: {error}") from error
    warn_of_lost_metadata(table, path)
    return with_home(table, path.resolve().parent)


class ManifestFile:
    """A manifest that is read piece by piece, so that memory does not grow with its rows.

    Only the ids are looked at as a whole, once, when it is opened (about 100 bytes a row).

    Attributes:
        path: The file.
        provenance: What it says about how it was made.
    """

    def __init__(self, path: Path | str) -> None:
        """Open a manifest.

        Raises:
            CurateError: As for `read_manifest`; bad rows are found when they are read.
        """
        self.path = _existing(path)
        self._written = self._reading(lambda: _decode_names(pq.read_schema(self.path)))
        self._empty = self._naming(lambda: conform(self._written.empty_table()))
        self.provenance = read_provenance(self._empty)
        _check_unique(self.columns(["sample_id"])["sample_id"])
        warn_of_lost_metadata(self._written, self.path)

    def empty(self) -> pa.Table:
        """Return its schema, as it is read, and its provenance: a table without rows."""
        return self._empty

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Read some of its columns whole, with the schema's types.

        Raises:
            CurateError: Their values do not fit the schema, or the file is damaged.
        """
        wanted = columns_in_file(names, self._written)
        table = self._reading(lambda: pq.read_table(self.path, columns=wanted, partitioning=None))
        return self._naming(lambda: conform_columns(table, names))

    def tables(self) -> Iterator[pa.Table]:
        """Yield its rows, in tables of at most 65,536 rows, each checked as `read_manifest` does.

        Raises:
            CurateError: Bad rows, or a damaged file.
        """
        with self._reading(lambda: pq.ParquetFile(self.path)) as file:
            batches = file.iter_batches(batch_size=_ROWS_AT_ONCE)
            while (batch := self._reading(lambda: next(batches, None))) is not None:
                yield self._naming(functools.partial(validate, pa.Table.from_batches([batch])))

    def _naming(self, check: Callable[[], pa.Table]) -> pa.Table:
        try:
            return check()
        except CurateError as error:
            raise CurateError(f"{self.path}: {error}") from error

    def _reading(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
            raise CurateError(f"{self.path} is not a readable Parquet file: {error}") from error


def write_manifest(table: pa.Table, path: Path | str, *, training: bool = False) -> None:
    """Check a manifest and write it, atomically; the same table gives the same bytes.

    Roots of a table that was read from a file in another folder are rewritten, so that they mean the same folders.

    Args:
        table: The rows, with their provenance in the metadata.
        path: The Parquet file to make or replace.
        training: Whether every row with status `ok` must carry a label.

    Raises:
        CurateError: The table does not keep to the schema, or the file cannot be written.
    """
    table = validate(moved(table, Path(path)), training=training)
    write_manifest_parts([table], path, read_provenance(table))


def write_manifest_parts(tables: Iterable[pa.Table], path: Path | str, provenance: Mapping[str, Any]) -> dict[str, int]:
    """Write a manifest from its pieces, one below the other; memory does not grow with their number.

    The bytes depend on the rows alone, not on where the pieces were cut. That no id occurs twice is for the caller to
    know: only the ids of each row group are compared.

    Args:
        tables: The rows; all with the same columns.
        path: The Parquet file to make or replace.
        provenance: How they were made.

    Returns:
        Status to number of rows.

    Raises:
        CurateError: A piece does not keep to the schema, there are none, or the file cannot be written.
    """
    counts: dict[str, int] = {}
    with atomic_path(Path(path)) as temporary:
        writer = None
        try:
            for piece in in_pieces(tables, ROW_GROUP_ROWS):
                # Dictionaries encoded afresh for every row group: bytes then do not depend on other groups.
                group = validate(attach(piece, provenance)).combine_chunks()
                writer = writer or pq.ParquetWriter(temporary, group.schema, compression="zstd")
                writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
                for entry in pc.value_counts(group["status"].cast(pa.string()).combine_chunks()).to_pylist():
                    counts[entry["values"]] = counts.get(entry["values"], 0) + entry["counts"]
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            raise CurateError(f"{path}: a manifest of no rows; expected one table of rows or more")
    return counts


def validate(table: pa.Table, *, training: bool = False) -> pa.Table:
    """Check a table against the manifest's schema and rules.

    Args:
        table: Any Arrow table.
        training: Whether every row with status `ok` must carry a label.

    Returns:
        The same rows with the schema's exact types and column order.

    Raises:
        CurateError: Says which column, which value or which ids are wrong.
    """
    table = conform(table)
    _check_ids(table)
    _check_values(table, "status", STATUSES, null_allowed=False)
    _check_values(table, "split", SPLITS, null_allowed=False)
    _check_values(table, "label_source", LABEL_SOURCES)
    _check_labels(table, training=training)
    return table


def ok_rows(table: pa.Table) -> pa.Table:
    """Return the rows whose status is `ok`, in order."""
    return table.filter(pc.equal(table["status"], "ok"))


def _existing(path: Path | str) -> Path:
    path = Path(path)
    if path.is_dir():
        raise CurateError(f"{path} is a folder, expected a manifest file")
    if not path.exists():
        raise CurateError(
            f"no manifest at {path}: give a .parquet file that a syndr-curate command wrote, such as `upsample` or "
            "`distort`"
        )
    refuse_special(path)
    if path.suffix.lower() in _TEXT_SUFFIXES:
        raise CurateError(
            f"{path} is a text file, expected a manifest in Parquet: text has neither types nor lists nor provenance. "
            "Take the rows out of the original manifest (pandas: read_parquet, query, to_parquet)"
        )
    return path


def _decode_names(schema: pa.Schema) -> pa.Schema:
    """Return the schema; damaged names, also those of nested fields, are a UnicodeDecodeError here and not later."""
    fields = list(schema)
    while fields:
        field = fields.pop()
        field.name.encode()
        fields += [field.type.field(number) for number in range(field.type.num_fields)]
    return schema


def _check_unique(ids: pa.ChunkedArray) -> None:
    if pc.count_distinct(ids).as_py() != len(ids):
        counts = pc.value_counts(ids.combine_chunks())
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1)).to_pylist()
        raise CurateError(f"{len(twice)} sample ids occur more than once: {list_ids(twice)}; expected each once")


def _check_ids(table: pa.Table) -> None:
    for name in ("sample_id", "image_path"):
        if table[name].null_count:
            raise CurateError(f"column {name!r} has {table[name].null_count} nulls; every row needs one")
    _check_unique(table["sample_id"])
    for name in ("image_path", "reference_path"):
        unsafe = [p for p in pc.unique(table[name]).to_pylist() if p is not None and not is_safe_path(p)]
        if unsafe:
            raise CurateError(f"column {name!r} has paths that are not relative to their root: {list_ids(unsafe)}")


def _check_values(table: pa.Table, name: str, allowed: Sequence[str], *, null_allowed: bool = True) -> None:
    for value in pc.unique(table[name].cast(pa.string())).to_pylist():
        if value is None and null_allowed:
            continue
        if value not in allowed:
            raise CurateError(f"column {name!r} holds {value!r}; it may hold {', '.join(allowed)}")


def _check_labels(table: pa.Table, *, training: bool) -> None:
    ids, labels = table["sample_id"], table["label"]
    not_a_number = pc.fill_null(pc.is_nan(labels), False)
    _refuse(ids, not_a_number, "rows have NaN as their label (an unknown label is null)")
    outside = pc.or_(pc.less(labels, 0.0), pc.greater(labels, LABEL_MAXIMUM))
    _refuse(ids, pc.fill_null(outside, False), f"rows have a label outside 0 to {LABEL_MAXIMUM:g}")
    if training:
        unlabeled = pc.and_(pc.equal(table["status"], "ok"), pc.is_null(labels))
        _refuse(ids, unlabeled, "rows with status ok have no label, which a training manifest needs")


def _refuse(ids: pa.ChunkedArray, mask: pa.ChunkedArray, what: str) -> None:
    bad = ids.filter(mask).to_pylist()
    if bad:
        raise CurateError(f"{len(bad)} {what}: {list_ids(bad)}")
