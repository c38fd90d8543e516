"""What a manifest says about how it was made: the JSON under the metadata key `syndr_curate`."""

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..errors import CurateError
from ..storage.paths.regular_files import refuse_special
from ..storage.texts.json_text import parse_json
from .schema import METADATA_KEY, SCHEMA_VERSION

RECORDED_LIBRARIES = ("syndr-curate", "numpy", "opencv-python-headless", "pillow", "pyarrow", "scipy", "numba")
RENDERING_LIBRARIES = ("syndr-curate", "numpy", "opencv-python-headless", "pillow", "numba")
_CHUNK = 1 << 20


def library_versions(names: Iterable[str] = RECORDED_LIBRARIES) -> dict[str, str]:
    """Return the installed version of each library; one that is not installed is left out."""
    versions = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, as hexadecimal digits.

    Raises:
        CurateError: The file cannot be read, or is a FIFO, a socket or a device.
    """
    refuse_special(path)
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise CurateError(f"cannot read {path}: {error.strerror or error}") from error
    return digest.hexdigest()


def digest_json(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def digest_listing(entries: Iterable[tuple[str, int]]) -> str:
    """Return the SHA-256 of a folder's sorted (relative path, bytes) pairs.

    Content is not read: a folder of 140,000 photographs is identified in seconds, at the price that an
    image replaced by another of the same size goes unnoticed.
    """
    return digest_json(sorted(entries))


def digest_array(matrix: NDArray[Any], ids: Iterable[str]) -> str:
    """Return the SHA-256 of a feature matrix and its ids, independent of the file format they came in."""
    digest = hashlib.sha256(_canonical([list(matrix.shape), matrix.dtype.str, list(ids)]).encode())
    step = max(1, _CHUNK // max(1, matrix[:1].nbytes))
    for start in range(0, len(matrix), step):
        digest.update(np.ascontiguousarray(matrix[start : start + step]).tobytes())
    return digest.hexdigest()


def digest_table(table: pa.Table) -> str:
    """Return the SHA-256 of a table's rows, without its metadata.

    Equal rows have one digest, however they are stored in memory: in pieces, as a slice, with any bytes in the place
    of a null.
    """
    digest = hashlib.sha256()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)  # noqa: PLW2901
        digest.update(_canonical([name, len(column)]).encode())
        _digest_values(digest, column.combine_chunks())
    return digest.hexdigest()


def make_provenance(
    stage: str,
    config: Mapping[str, Any],
    inputs: Mapping[str, str],
    **facts: Any,
) -> dict[str, Any]:
    """Return a manifest's provenance.

    Neither a clock nor a host name goes in: the same command on the same inputs gives the same bytes.

    Args:
        stage: The command that made the manifest.
        config: Its settings, as JSON values.
        inputs: Name of each input to its digest.
        **facts: Further entries (`label_scale`, `roots`, `encoder`, `pixels`, ...); None is left out.

    Returns:
        A dictionary of JSON values.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "stage": stage,
        "config": dict(config),
        "config_digest": digest_json(config),
        "inputs": dict(inputs),
        "versions": library_versions(),
        **{key: value for key, value in facts.items() if value is not None},
    }


def attach(table: pa.Table, provenance: Mapping[str, Any]) -> pa.Table:
    """Return the table with `provenance` in its metadata."""
    return table.replace_schema_metadata({METADATA_KEY: _canonical(provenance).encode()})


def read_provenance(table: pa.Table | pa.Schema) -> dict[str, Any]:
    """Return the provenance in a table's or schema's metadata, empty without any.

    Raises:
        CurateError: The metadata is not a JSON object.
    """
    schema = table.schema if isinstance(table, pa.Table) else table
    raw = (schema.metadata or {}).get(METADATA_KEY)
    if raw is None:
        return {}
    try:
        value = parse_json(raw)
    except ValueError as error:
        raise CurateError(f"the metadata under {METADATA_KEY.decode()!r} is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CurateError(f"the metadata under {METADATA_KEY.decode()!r} is not a JSON object")
    for key in ("config", "inputs", "versions"):
        if not isinstance(value.get(key, {}), dict) and not (key == "inputs" and value[key] is None):
            raise CurateError(f"{key!r} under {METADATA_KEY.decode()!r} is not a JSON object: {value[key]!r:.60}")
    for key, (is_fit, expected) in _ENTRIES.items():
        if value.get(key) is not None and not is_fit(value[key]):
            raise CurateError(f"{key!r} under {METADATA_KEY.decode()!r} is {value[key]!r:.60}, expected {expected}")
    return {key: entry for key, entry in value.items() if key != "roots" or entry is not None}


def recorded_roots(table: pa.Table) -> dict[str, str | None]:
    """Return the roots in a manifest's metadata: name to folder, None where it is not known.

    Raises:
        CurateError: They are something else.
    """
    roots: dict[str, str | None] = read_provenance(table).get("roots", {})
    return roots


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_folders(value: Any) -> bool:
    return isinstance(value, dict) and all(
        folder is None or (isinstance(folder, str) and "\0" not in folder) for folder in value.values()
    )


def _are_objects(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())


_ENTRIES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "stage": (_is_text, "the name of a command"),
    "roots": (_are_folders, "a name and a folder each"),
    "pixels": (_is_text, "stored or recipe"),
    "exif_orient": (lambda value: isinstance(value, bool), "true or false"),
    "icc": (_is_text, "ignore or convert"),
    "denoiser": (_is_text, "a digest"),
    "user_types": (_are_objects, "an object for each id of a type"),
    "label_scale": (lambda value: isinstance(value, dict), "the ends of the scale"),
}


def _digest_values(digest: "hashlib._Hash", values: pa.Array) -> None:
    kind = values.type
    digest.update(np.packbits(values.is_valid().to_numpy(zero_copy_only=False)).tobytes())
    dense = values.drop_null()
    # The element of a list has a name that a file may change.
    digest.update(b"[]" if isinstance(kind, pa.ListType | pa.LargeListType) else str(kind).encode())
    if pa.types.is_struct(kind):
        for child in dense.flatten():
            _digest_values(digest, child)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        digest.update(pc.list_value_length(dense).to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
        _digest_values(digest, dense.flatten())
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        digest.update(pc.binary_length(dense).to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
        digest.update("".join(dense.to_pylist()).encode())
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        digest.update(dense.to_numpy(zero_copy_only=False).tobytes())
    else:
        digest.update(str(dense.to_pylist()).encode())


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
