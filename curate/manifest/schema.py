"""The manifest's columns: one explicit Arrow schema, and tables built to it."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from ..errors import CurateError

SCHEMA_VERSION = 2
METADATA_KEY = b"syndr_curate"

_CATEGORY = pa.dictionary(pa.int32(), pa.string())
NEIGHBORS = pa.list_(pa.struct([("reference_id", pa.string()), ("distance", pa.float32()), ("weight", pa.float32())]))
CHAIN = pa.list_(pa.struct([("distortion_id", pa.int16()), ("level", pa.float32()), ("seed", pa.int64())]))

SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string(), nullable=False),
        pa.field("image_path", pa.string(), nullable=False),
        pa.field("image_root", _CATEGORY),
        pa.field("reference_id", pa.string()),
        pa.field("reference_path", pa.string()),
        pa.field("reference_root", _CATEGORY),
        pa.field("distortion_id", pa.int16()),
        pa.field("distortion", _CATEGORY),
        pa.field("level", pa.int8()),
        pa.field("label", pa.float32()),
        pa.field("label_std", pa.float32()),
        pa.field("label_source", _CATEGORY),
        pa.field("neighbors", NEIGHBORS),
        pa.field("dataset", _CATEGORY),
        pa.field("split", _CATEGORY),
        pa.field("seed", pa.int64()),
        pa.field("chain", CHAIN),
        pa.field("status", _CATEGORY),
        pa.field("error", pa.string()),
    ]
)
CLUSTER_FIELDS = (pa.field("cluster_id", pa.int32()), pa.field("cluster_size", pa.int32()))

SOURCE_TYPE = pa.struct(
    [
        *((name, pa.string()) for name in ("sample_id", "image_root", "image_path")),
        *((name, pa.string()) for name in ("reference_id", "reference_root", "reference_path")),
        *(("distortion_id", pa.int16()), ("level", pa.int8()), ("seed", pa.int64())),
    ]
)
SOFT_LABELS_TYPE = pa.list_(
    pa.struct([("distortion_id", pa.int16()), ("level", pa.int8()), ("confidence", pa.float32())])
)
BOX_TYPE = pa.struct([(side, pa.int32()) for side in ("left", "top", "right", "bottom")])

# The columns of a mixed manifest besides the schema's own.
MIX_FIELDS: tuple[pa.Field, ...] = (
    pa.field("soft_labels", SOFT_LABELS_TYPE),
    pa.field("raw_confidence_a", pa.float32()),
    pa.field("raw_confidence_b", pa.float32()),
    pa.field("color_difference_a", pa.float32()),
    pa.field("color_difference_b", pa.float32()),
    pa.field("uniform_map_a", pa.bool_()),
    pa.field("uniform_map_b", pa.bool_()),
    pa.field("box", BOX_TYPE),
    pa.field("source_a", SOURCE_TYPE),
    pa.field("source_b", SOURCE_TYPE),
)

STATUSES = ("ok", "unreadable", "failed")
LABEL_SOURCES = ("mos", "pseudo", "proxy", "condition", "calibrated")
LABEL_MAXIMUM = 10.0


def build_table(columns: Mapping[str, Any], rows: int) -> pa.Table:
    """Build a manifest table from some of its columns; the others become null.

    Args:
        columns: Column name to a sequence or Arrow array of `rows` values, or to one value (a string or
            number) that holds for every row.
        rows: The number of rows.

    Returns:
        A table with exactly the manifest's schema.

    Raises:
        CurateError: A column is not one of the manifest's.
    """
    unknown = sorted(set(columns) - set(SCHEMA.names))
    if unknown:
        raise CurateError(f"not manifest columns: {', '.join(unknown)}; the columns are {', '.join(SCHEMA.names)}")
    return pa.table([_column(field, columns.get(field.name), rows) for field in SCHEMA], schema=SCHEMA)


def _column(field: pa.Field, values: Any, rows: int) -> pa.Array:
    if values is None:
        return pa.nulls(rows, field.type)
    if isinstance(values, str | int | float):
        if pa.types.is_dictionary(field.type):
            return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([values], pa.string()))
        return pa.repeat(pa.scalar(values, field.type), rows)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return encode(values, field.type)
    if pa.types.is_dictionary(field.type):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, field.type)


def encode(values: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Cast values to a type; dictionary types are encoded again.

    Encoding afresh gives dictionaries in order of first appearance, so that the same rows always
    give the same bytes, whatever tables they were joined from.
    """
    if not pa.types.is_dictionary(kind):
        return values.cast(kind)
    return values.cast(pa.string()).dictionary_encode()
