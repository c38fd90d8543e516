"""The tables beside exported images: CSV, Parquet, and a list of ids."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import CurateError
from ..manifest.chains.recipes import chain_texts
from ..manifest.ids import list_ids
from ..manifest.schema import CLUSTER_FIELDS
from ..storage.atomic import cannot_write, write_bytes

# What a row says about itself, once its image is elsewhere and its split is a folder or a column of its own.
FACTS = (
    *("sample_id", "label", "label_std", "label_source", "reference_id", "distortion_id", "distortion", "level"),
    *("dataset", *(field.name for field in CLUSTER_FIELDS)),
)


def facts_of(part: pa.Table, names: Sequence[str] = FACTS) -> pa.Table:
    """Return those of some columns that the rows have, as every reader knows them.

    Dictionary encoding is undone, and chains are texts such as `gaussian_blur:2+jpeg:3`.
    """
    present = [name for name in names if name in part.column_names]
    columns = []
    for name in present:
        column = part[name]
        if name == "chain":
            columns.append(pa.array(chain_texts(column), pa.string()))
            continue
        columns.append(column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column)
    return pa.table(columns, names=present)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file; None and NaN become empty, a float32 its shortest text that reads back as the same number.

    Raises:
        CurateError: It cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows([_text(value) for value in row] for row in rows)
    except OSError as error:
        raise cannot_write(path, error) from error


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write a Parquet file; the same rows give the same bytes.

    Raises:
        CurateError: It cannot be written.
    """
    try:
        pq.write_table(table.combine_chunks(), path, compression="zstd")
    except OSError as error:
        raise cannot_write(path, error) from error


def write_ids(path: Path, ids: Sequence[str]) -> None:
    """Write ids one per line, atomically.

    Raises:
        CurateError: An id holds a line break, or the file cannot be written.
    """
    broken = [identifier for identifier in ids if "\n" in identifier or "\r" in identifier]
    if broken:
        raise CurateError(
            f"{len(broken)} ids hold a line break and cannot be lines of a text: {list_ids(broken)}; rename them, or "
            "export to another form"
        )
    write_bytes(path, "".join(f"{identifier}\n" for identifier in ids).encode())


def columns_of(table: pa.Table, names: Sequence[str]) -> list[list[object]]:
    """Return columns as Python values, floats as `numpy.float32`."""
    return [
        [None if v is None else np.float32(v) for v in table[name].to_pylist()]
        if pa.types.is_float32(table[name].type)
        else table[name].to_pylist()
        for name in names
    ]


def _text(value: object) -> str:
    if value is None or (isinstance(value, np.float32) and np.isnan(value)):
        return ""
    return str(value)
