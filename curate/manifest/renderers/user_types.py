"""The types of users in a manifest: which rows have them, and what the provenance says of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ....distortions.catalog import USER_IDS, UserDistortion, user_types
from ....distortions.registry.user_types import place_of
from ...errors import CurateError
from ..pixel_facts import USER_TYPES
from ..provenance import read_provenance

_DIGITS_SHOWN = 12
_COMPARED = ("version", "source_sha256", "parameters")


def record_user_types(ids: Iterable[int]) -> dict[str, dict[str, Any]] | None:
    """Return the provenance entry for the users' types of rows, as they are registered here.

    Args:
        ids: Distortion ids.

    Returns:
        Id to name, version, source digest, place of the function, plug-in and parameters; None where there is no such
        type.
    """
    wanted = set(ids)
    return {str(entry.id): _record(entry) for entry in user_types() if entry.id in wanted} or None


def user_type_ids(table: pa.Table) -> tuple[int, ...]:
    """Return the ids of the users' types that rows are rendered with, in chains and mixes too, ascending.

    Args:
        table: Manifest rows; those without a seed have pixels of another origin.
    """
    seeded = table.filter(pc.is_valid(table["seed"]))
    found = [_distinct(seeded["distortion_id"])]
    if "chain" in table.column_names:
        found.append(_distinct(pc.struct_field(seeded["chain"].combine_chunks().flatten(), "distortion_id")))
    for source in ("source_a", "source_b"):
        if source in table.column_names and pa.types.is_struct(table.schema.field(source).type):
            found.append(_distinct(pc.struct_field(seeded[source], "distortion_id")))
    ids = np.unique(np.concatenate(found))
    return tuple(number for number in ids.tolist() if number >= USER_IDS[0])


def absent_user_types(table: pa.Table) -> tuple[int, ...]:
    """Return the ids of users' types that rows are rendered with and that are not registered here.

    Args:
        table: Manifest rows.
    """
    here = {entry.id for entry in user_types()}
    return tuple(number for number in user_type_ids(table) if number not in here)


def describe_absent_types(table: pa.Table) -> str | None:
    """Say which users' types are missing, and the flag that registers them; None if none is.

    Args:
        table: A manifest. A plug-in that it names is not imported: it is for the user to trust it.
    """
    absent = absent_user_types(table)
    if not absent:
        return None
    recorded = _recorded(read_provenance(table))
    named = ", ".join(_named(number, recorded.get(str(number), {})) for number in absent)
    plugins = {recorded.get(str(number), {}).get("plugin") for number in absent}
    flags = " ".join(f"--plugin {plugin}" for plugin in sorted(filter(None, plugins))) or "--plugin module:function"
    return (
        f"rows are rendered with types of a user's own that are not registered here: {named}. If you trust the "
        f"plug-in, give {flags}, or in Python register them first"
    )


def refuse_absent_types(table: pa.Table) -> None:
    """Refuse rows that have to be rendered with types that are not registered here.

    Args:
        table: A manifest.

    Raises:
        CurateError: There are some; the message names the types and their plug-ins.
    """
    problem = describe_absent_types(table)
    if problem is not None:
        raise CurateError(problem)


def other_user_types(table: pa.Table) -> str | None:
    """Name the users' types that are registered here in another version than rows were made with; None without any.

    Args:
        table: A manifest.
    """
    recorded = _recorded(read_provenance(table))
    here = {str(entry.id): _record(entry) for entry in user_types()}
    changes = []
    for number in map(str, user_type_ids(table) if recorded else ()):
        if number not in recorded or number not in here:
            continue
        before, now = recorded[number], here[number]
        differ = [name for name in _COMPARED if before.get(name) != now[name]]
        if differ:
            each = ", ".join(f"{name} {_short(before.get(name))} then, {_short(now[name])} now" for name in differ)
            changes.append(f"type {number} ({before.get('name')}): {each}")
    if not changes:
        return None
    return (
        f"rows were made with another version of users' types than is registered here: {'; '.join(changes)}. They "
        "would be rendered differently: use the plug-in of that time, or render the rows again"
    )


def shared_user_types(provenances: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]] | None:
    """Return the entries of several manifests for users' types, joined.

    Args:
        provenances: Of the manifests.

    Raises:
        CurateError: Two of them say different things of one id.
    """
    together: dict[str, dict[str, Any]] = {}
    for number, entry in (item for provenance in provenances for item in _recorded(provenance).items()):
        first = together.setdefault(number, entry)
        if any(first.get(name) != entry.get(name) for name in ("name", *_COMPARED)):
            raise CurateError(
                f"type {number} is {_stated(first)} in one manifest and {_stated(entry)} in another: one manifest has "
                "one meaning of an id; keep them apart, or render both with one plug-in, each type under an id of "
                "its own"
            )
    return together or None


def _record(entry: UserDistortion) -> dict[str, Any]:
    said = {
        "name": entry.name,
        "version": entry.version,
        "source_sha256": entry.source_sha256,
        "function": place_of(entry),
        "parameters": list(entry.parameters),
    }
    return said if entry.plugin is None else {**said, "plugin": entry.plugin}


def _recorded(provenance: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = provenance.get(USER_TYPES) or {}
    return found


def _distinct(ids: pa.ChunkedArray | pa.Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(pc.unique(ids).drop_null().to_numpy(zero_copy_only=False), np.int64)


def _named(number: int, entry: Mapping[str, Any]) -> str:
    plugin = f" of the plug-in {entry['plugin']}" if entry.get("plugin") else ""
    name = f" ({entry['name']}, version {entry.get('version')})" if entry.get("name") else ""
    return f"type {number}{name}{plugin}"


def _stated(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('name')} (version {entry.get('version')}, source {_short(entry.get('source_sha256'))})"


def _short(value: object) -> str:
    return value[:_DIGITS_SHOWN] if isinstance(value, str) else str(value)
