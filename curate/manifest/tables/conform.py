"""From a table that any tool or version wrote to one that has the schema's columns and types."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from ...errors import CurateError
from ..provenance import attach, read_provenance
from ..roots import home_of, with_home
from ..schema import CLUSTER_FIELDS, MIX_FIELDS, SCHEMA, SCHEMA_VERSION
from .columns import cast_column

_SINCE_VERSION_2 = ("chain",)
_KNOWN = {field.name: field for field in (*SCHEMA, *CLUSTER_FIELDS, *MIX_FIELDS)}
_MIX_NAMES = tuple(field.name for field in MIX_FIELDS)


def conform(table: pa.Table) -> pa.Table:
    """Bring a table to the manifest's columns, in their order and with their types; version 1 becomes version 2.

    Args:
        table: A table of any version that this release reads. A column that version 1 has not is null in its rows.

    Returns:
        The same rows; columns that the schema does not know are kept, last.

    Raises:
        CurateError: A newer version, columns are missing or occur twice, or a column's values do not fit its type.
    """
    version = _version_of(table)
    missing = [name for name in SCHEMA.names if name not in table.column_names]
    if version == 1:
        missing = [name for name in missing if name not in _SINCE_VERSION_2]
    if missing:
        raise CurateError(
            f"columns missing from the manifest: {', '.join(missing)}; expected a manifest that a syndr-curate "
            "command wrote"
        )
    clusters = [field.name for field in CLUSTER_FIELDS if field.name in table.column_names]
    names = [*SCHEMA.names, *clusters]
    extra = [name for name in table.column_names if name not in {*names}]
    conformed = conform_columns(table, [*names, *extra])
    facts = read_provenance(table)
    return with_home(attach(conformed, at_this_version(facts)), home_of(table)) if facts else conformed


def conform_columns(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """Bring some columns to their types in the schema; one that the table lacks is null.

    Args:
        table: The rows, with `sample_id` where messages are to name them.
        names: The columns to return, in this order.

    Raises:
        CurateError: A column occurs twice, or its values do not fit its type.
    """
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise CurateError(f"columns that occur twice in the manifest: {', '.join(twice)}; expected each once")
    ids = _readable_ids(table)
    columns, fields = [], []
    for name in names:
        field = _KNOWN.get(name)
        if name not in table.column_names:
            field = _KNOWN[name]
            columns.append(pa.nulls(len(table), field.type))
        elif field is None or (name in _MIX_NAMES and not _is_ours(table.schema, field)):
            field = table.schema.field(name)
            columns.append(table[name])
        else:
            columns.append(cast_column(table[name], field, ids))
        fields.append(field)
    return pa.table(columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def at_this_version(provenance: dict[str, Any]) -> dict[str, Any]:
    """Return the provenance of rows that `conform` has brought to this version of the schema."""
    return {**provenance, "schema_version": SCHEMA_VERSION} if "schema_version" in provenance else provenance


def columns_in_file(names: Iterable[str], schema: pa.Schema) -> list[str]:
    """Return which columns a file must be read for, so that `conform_columns` can return `names`."""
    return [name for name in dict.fromkeys((*names, "sample_id")) if name in schema.names]


def _version_of(table: pa.Table) -> int:
    # A table without metadata was made by another tool, or by one that drops metadata, in either version.
    version = read_provenance(table).get("schema_version", 1)
    if not isinstance(version, int):
        raise CurateError(f"schema_version is {version!r}, expected a whole number")
    if version > SCHEMA_VERSION:
        raise CurateError(
            f"schema_version is {version}, this release reads up to {SCHEMA_VERSION}: upgrade syndr-curate"
        )
    return version


def _readable_ids(table: pa.Table) -> pa.ChunkedArray | None:
    if "sample_id" not in table.column_names:
        return None
    ids = table["sample_id"]
    return ids if pa.types.is_string(ids.type) or pa.types.is_large_string(ids.type) else None


def _is_ours(schema: pa.Schema, field: pa.Field) -> bool:
    """Return whether a column is one of a mixed manifest; other people's may use its name for something else."""
    if set(_MIX_NAMES) <= set(schema.names):
        return True
    found, expected = schema.field(field.name).type, field.type
    if pa.types.is_list(expected) and (pa.types.is_list(found) or pa.types.is_large_list(found)):
        found, expected = found.value_type, expected.value_type
    if not pa.types.is_struct(expected):
        return bool(found == expected)
    return pa.types.is_struct(found) and {part.name for part in found} == {part.name for part in expected}
