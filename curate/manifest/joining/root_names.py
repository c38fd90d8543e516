"""Root names that mean one folder in one manifest and another in the next."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ..provenance import attach, read_provenance, recorded_roots

_OF_ROWS = ("image_root", "reference_root")
_OF_SOURCES = ("source_a", "source_b")


def with_distinct_roots(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Rename the roots of later manifests that mean another folder than in an earlier one.

    `images` of the second manifest becomes `images-2`, and so on with the manifest's number.

    Args:
        tables: Manifests whose roots are relative to one folder.

    Returns:
        The same rows. A root with an unknown folder is different from a root of the same name with a known folder.
    """
    folders: dict[str, str | None] = {}
    renamed = []
    for number, table in enumerate(tables, 1):
        names = {}
        for name, folder in recorded_roots(table).items():
            is_same = name not in folders or folders[name] == folder
            names[name] = name if is_same else _unused_name(f"{name}-{number}", folders)
            folders[names[name]] = folder
        renamed.append(_renamed(table, names))
    return renamed


def _unused_name(name: str, used: Mapping[str, str | None]) -> str:
    while name in used:
        name += "+"
    return name


def _renamed(table: pa.Table, names: Mapping[str, str]) -> pa.Table:
    changed = {old: new for old, new in names.items() if old != new}
    if not changed:
        return table
    provenance = read_provenance(table)
    roots = {names[name]: folder for name, folder in recorded_roots(table).items()}
    for column in _OF_ROWS:
        table = _replaced(table, column, _names(table[column], changed))
    for column in _OF_SOURCES:
        if column in table.column_names:
            table = _replaced(table, column, _renamed_in_struct(table[column].combine_chunks(), changed))
    return attach(table, {**provenance, "roots": roots})


def _renamed_in_struct(sources: pa.StructArray, names: Mapping[str, str]) -> pa.StructArray:
    fields = list(sources.type)
    columns = [
        _names(pc.struct_field(sources, field.name), names)
        if field.name in _OF_ROWS
        else pc.struct_field(sources, field.name)
        for field in fields
    ]
    return pa.StructArray.from_arrays(columns, fields=fields, mask=sources.is_null())


def _names(column: pa.Array | pa.ChunkedArray, names: Mapping[str, str]) -> pa.Array:
    plain = column.cast(pa.string())
    return pa.array([names.get(name, name) for name in plain.to_pylist()], pa.string())


def _replaced(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    place = table.schema.get_field_index(name)
    field = table.schema.field(place)
    if pa.types.is_dictionary(field.type):
        column = column.dictionary_encode()
    return table.set_column(place, field, column)
