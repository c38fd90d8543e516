"""Feature files: ids beside a matrix, in the formats that hold them."""

import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import CurateError, CurateWarning
from ..manifest.ids import path_ids, refuse_one_text, require_texts, require_unique
from ..manifest.provenance import attach, digest_array, read_provenance
from ..manifest.splits import TRAIN
from ..manifest.tables.pieces import in_pieces
from ..storage.atomic import atomic_path, write_bytes
from ..storage.paths.regular_files import refuse_special
from ..storage.texts.utf8_text import read_utf8
from .feature_parts import read_parts
from .features import MATRIX_AXES, Features, check_features

ID_COLUMNS = ("id", "sample_id", "reference_id", "ids", "names")
FORMATS = ".npy, .npz, .parquet, .arrow"
ROWS_PER_GROUP = 2048
_ENCODED = "encode"  # the stage of a feature file that this toolkit made of images
_DIGEST_LINE = "# sha256 of the array: "
_NPY_MAGIC = b"\x93NUMPY"
# What numpy, zipfile and Arrow raise on damaged files.
DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pa.ArrowException,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_features(path: Path | str) -> Features:
    """Read a feature file: `.npy` (memory-mapped), `.npz`, `.parquet` or `.arrow`. Nothing is ever unpickled.

    A folder of Parquet parts is one file: its parts one below the other, in the order of their names.

    `.npz` holds `ids` or `names`, and `features`; `.parquet` and `.arrow` a column `id` and a list column
    `features`. A `.npy` takes its ids from `<stem>.ids.txt` beside it, one per line, where that exists; if
    `save_features` wrote it, its first line holds the digest of the array, and the two must belong together.
    Rows whose `status` column is not `ok` are left out. Names lose their image suffix, as ids do, where no other name
    differs in its suffix alone; in what `encode` wrote, they are ids already.

    Args:
        path: The file, or the folder of parts.

    Raises:
        CurateError: Missing, of another format, pickled inside, not a floating N x D matrix, empty, or with
            repeated ids; a `.npy` and an ids file that do not belong together; or parts that do not.
    """
    path = Path(path)
    readers = {".npy": _load_npy, ".npz": _load_npz, ".parquet": _load_arrow, ".arrow": _load_arrow}
    is_folder = path.is_dir()
    reader = _load_parts if is_folder else readers.get(path.suffix.lower())
    if reader is None:
        raise CurateError(f"{path}: features are read from {FORMATS}, or a folder of .parquet parts")
    refuse_special(path)
    if not (is_folder or path.is_file()):
        raise CurateError(f"no features at {path}: give a feature file; `syndr-curate encode` writes one")
    try:
        features = reader(path)
    except CurateError:
        raise
    except DAMAGE as error:
        kind = "folder of .parquet files" if is_folder else f"{path.suffix} file"
        raise CurateError(f"{path} is not a readable {kind}: {' '.join(str(error).split())}") from error
    return check_features(features)


def as_features(value: Features | pa.Table | Path | str | NDArray[np.floating[Any]]) -> Features:
    """Take features as a file, as `Features`, as a table, or as a bare matrix (rows in the manifest's order).

    Raises:
        CurateError: As `load_features`.
    """
    if isinstance(value, Features):
        return value
    if isinstance(value, pa.Table):
        return check_features(features_from_table(value, "the feature table"))
    if isinstance(value, np.ndarray):
        return check_features(Features(value, None, None, "the feature matrix", {}))
    return load_features(value)


def features_from_table(table: pa.Table, source: str) -> Features:
    """Take the rows of a table with the columns `id` and `features` as features, as `encode` returns it.

    Args:
        table: Its rows; those whose `status` column is not `ok` are left out.
        source: Where it came from, for messages.

    Raises:
        CurateError: A column is missing or of another type, no row has features, or a row lacks its id or features.
    """
    key = next((k for k in ID_COLUMNS if k in table.column_names), None)
    if key is None or "features" not in table.column_names:
        raise CurateError(f"{source} has the columns {', '.join(table.column_names)}; expected 'id' and 'features'")
    if "status" in table.column_names:
        table = table.filter(pc.equal(table["status"], "ok"))
    if not len(table):
        raise CurateError(f"{source} is empty: it has no row with features; encode the images again")
    if table[key].null_count:
        raise CurateError(f"{source}: column {key!r} has {table[key].null_count} nulls; every row needs an id")
    column = table["features"].combine_chunks()
    if column.null_count:
        raise CurateError(
            f"{source}: {column.null_count} rows have no features though their status is ok; encode the images again"
        )
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lengths = set(pc.list_value_length(column).to_pylist())
        if len(lengths) != 1:
            raise CurateError(f"{source}: the lists in 'features' differ in length: {sorted(map(str, lengths))}")
        width = lengths.pop()
    elif pa.types.is_fixed_size_list(column.type):
        width = column.type.list_size
    else:
        raise CurateError(f"{source}: 'features' is {column.type}, expected a fixed-size list of floats")
    matrix = column.flatten().to_numpy(zero_copy_only=False).reshape(len(table), width)
    ids = tuple(_texts(table, key, source))
    named = table["image_path"].to_pylist() if "image_path" in table.column_names else ids
    splits = table["split"].to_pylist() if "split" in table.column_names else []
    held_out = frozenset(identifier for identifier, split in zip(ids, splits, strict=False) if split != TRAIN)
    return Features(matrix, ids, tuple(named), source, read_provenance(table), held_out)


def _texts(table: pa.Table, name: str, source: str) -> list[str]:
    kind = table.schema.field(name).type
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    # As text, a float is another one for every tool: 1.0, 1, 1e0.
    if not (pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_integer(plain)):
        raise CurateError(f"{source}: column {name!r} is {kind}, expected text")
    texts: list[str] = table[name].cast(pa.string()).to_pylist()
    return texts


def save_features(
    path: Path | str,
    ids: Sequence[str],
    matrix: NDArray[np.floating[Any]],
    *,
    provenance: dict[str, Any] | None = None,
    **columns: Any,
) -> None:
    """Write features with their ids, so that rows can never be matched wrongly.

    A `.npy` gets `<stem>.ids.txt` beside it, which begins with the digest of the array: should the process be killed
    between the two files, `load_features` refuses the pair.

    Args:
        path: `.parquet`, `.npz` or `.npy`.
        ids: N ids, e.g. the `sample_id` of each row. Ids that end in an image suffix are stored as they are, but read
            without it, unless two differ in nothing else, as ids of manifests have none: a `UserWarning` says so.
        matrix: Floating array (N, D); stored as float32.
        provenance: For `.parquet`: how the features were made.
        **columns: For `.parquet`: further columns of N values, e.g. `status`.

    Raises:
        CurateError: Counts differ, there are no features, ids are no text or repeat, or the file cannot be written.
    """
    path = Path(path)
    refuse_one_text(ids, str(path))
    matrix = np.ascontiguousarray(matrix, dtype=np.float32)
    if matrix.ndim != MATRIX_AXES:
        raise CurateError(f"features of shape {matrix.shape}, expected (rows, D)")
    if len(ids) != len(matrix):
        raise CurateError(f"{len(ids)} ids for {len(matrix)} feature rows; expected one for each")
    if not matrix.size:
        raise CurateError(f"features of shape {matrix.shape} have no numbers: expected one row and one column at least")
    require_texts(ids, str(path))
    require_unique(ids, str(path))
    _warn_of_suffixes(ids, path)
    if path.suffix == ".parquet":
        values = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
        table = pa.table({"id": pa.array(ids, pa.string()), "features": values, **columns})
        write_feature_table(attach(table, provenance or {}), path)
    elif path.suffix == ".npz":
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, ids=np.array(list(ids), dtype=np.str_), features=matrix)
    elif path.suffix == ".npy":
        if any("\n" in i or "\r" in i for i in ids):
            raise CurateError("an id with a line break cannot go into an ids file: use .parquet or .npz")
        lines = [_DIGEST_LINE + digest_array(matrix, ()), *ids]
        # First the ids: an array beside the ids of another one is found out by its digest.
        write_bytes(path.with_suffix(".ids.txt"), "".join(f"{line}\n" for line in lines).encode())
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.save(file, matrix)
    else:
        raise CurateError(f"{path}: features are written as .parquet, .npz or .npy")


def write_feature_table(table: pa.Table, path: Path) -> None:
    """Write a table with the columns `id` and `features`, and any others, as a feature file.

    Args:
        table: Its rows; `features` may be NaN where a column `status` is not `ok`.
        path: A `.parquet` file to make or replace.

    Raises:
        CurateError: Another format, or the file cannot be written.
    """
    write_feature_parts([table], path, read_provenance(table))


def write_feature_parts(tables: Iterable[pa.Table], path: Path, provenance: Mapping[str, Any]) -> None:
    """Write a feature file from its pieces, one below the other; memory does not grow with their number.

    The bytes depend on the rows alone, not on where the pieces were cut.

    Args:
        tables: As for `write_feature_table`.
        path: A `.parquet` file to make or replace.
        provenance: How they were made.

    Raises:
        CurateError: Another format, no pieces, or the file cannot be written.
    """
    if path.suffix != ".parquet":
        raise CurateError(f"{path}: encoded features are written as .parquet, which keeps the rows that failed")
    with atomic_path(path) as temporary:
        writer = None
        try:
            for piece in in_pieces(tables, ROWS_PER_GROUP):
                group = attach(piece, provenance)
                writer = writer or pq.ParquetWriter(temporary, group.schema, compression="zstd", use_dictionary=False)
                writer.write_table(group, row_group_size=ROWS_PER_GROUP)
        finally:
            if writer is not None:
                writer.close()
        if writer is None:
            raise CurateError(f"{path}: no features to write; expected one row or more")


def _load_npy(path: Path) -> Features:
    with path.open("rb") as file:
        start = file.read(len(_NPY_MAGIC))
    if start != _NPY_MAGIC:
        if zipfile.is_zipfile(path):
            raise CurateError(f"{path} is an archive of arrays: name it .npz")
        raise CurateError(
            f"{path} is not a readable .npy file: it does not begin like one (pickles are never loaded); write it "
            "with numpy.save or save_features"
        )
    matrix = _refusing_pickles(path, lambda: np.load(path, mmap_mode="r", allow_pickle=False))
    ids_file = path.with_suffix(".ids.txt")
    refuse_special(ids_file)
    if not ids_file.is_file():
        return _features(matrix, None, path)
    lines = _read_lines(ids_file)
    # An ids file from another program has no digest.
    if lines and lines[0].startswith(_DIGEST_LINE):
        if lines[0].removeprefix(_DIGEST_LINE) != digest_array(matrix, ()):
            raise CurateError(
                f"{path} and {ids_file.name} do not belong together: the ids are of another array, as after a write "
                "that was interrupted. Save both again with save_features, or, if these are the ids, remove the first "
                f"line of {ids_file.name}"
            )
        lines = lines[1:]
    return _features(matrix, tuple(lines), path)


def _load_npz(path: Path) -> Features:
    if not zipfile.is_zipfile(path):
        raise CurateError(
            f"{path} is not a readable .npz file: it is no zip archive of arrays; write it with numpy.savez or "
            "save_features"
        )
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        key = next((k for k in ("ids", "names") if k in archive.files), None)
        if key is None or "features" not in archive.files:
            raise CurateError(f"{path} holds {', '.join(archive.files)}; expected 'ids' (or 'names') and 'features'")
        names = _refusing_pickles(path, lambda: archive[key])
        matrix = _refusing_pickles(path, lambda: archive["features"])
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise CurateError(f"{path}: {key!r} is {names.dtype} of shape {names.shape}, expected a list of strings")
    texts = np.char.decode(names, "utf-8") if names.dtype.kind == "S" else names
    return _features(matrix, tuple(texts.tolist()), path)


def _load_arrow(path: Path) -> Features:
    table = pq.read_table(path, partitioning=None) if path.suffix.lower() == ".parquet" else _read_ipc(path)
    return _with_ids(features_from_table(table, str(path)))


def _load_parts(folder: Path) -> Features:
    return _with_ids(features_from_table(read_parts(folder), str(folder)))


def _with_ids(features: Features) -> Features:
    """Turn file names in other people's files into ids."""
    if features.provenance.get("stage") == _ENCODED:
        return features  # an id keeps its suffix also where the other file of its name could not be read
    return replace(features, ids=tuple(path_ids(features.require_ids())))


def _read_ipc(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
        # Offsets that point outside the file would end the process, not raise.
        table.validate(full=True)
    return table


def _read_lines(path: Path) -> list[str]:
    lines = read_utf8(path).split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _warn_of_suffixes(ids: Sequence[str], path: Path) -> None:
    """Warn that ids are read without their image suffix."""
    changed = {given: read for given, read in zip(ids, path_ids(ids), strict=True) if given != read}
    if changed:
        given, read = next(iter(changed.items()))
        warnings.warn(
            f"{path}: {len(changed)} ids end in an image suffix and are read without it, as ids of manifests have "
            f"none: {given!r} becomes {read!r}",
            CurateWarning,
            stacklevel=3,
        )


def _features(matrix: NDArray[Any], names: tuple[str, ...] | None, path: Path) -> Features:
    ids = None if names is None else tuple(path_ids(names))
    return Features(matrix, ids, names, str(path), {})


def _refusing_pickles(path: Path, load: Any) -> NDArray[Any]:
    try:
        value: NDArray[Any] = load()
    except ValueError as error:
        if "pickle" in str(error).lower() or "python objects" in str(error).lower():
            raise CurateError(
                f"{path} holds pickled Python objects, which are never loaded: save an array of numbers, and ids as "
                "an array of text"
            ) from error
        raise CurateError(f"{path} is not a readable {path.suffix} file: {error}") from error
    return value
