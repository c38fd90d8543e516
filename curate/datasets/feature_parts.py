"""Features in a folder of Parquet files, as Spark, Ray and other engines write them: its parts, one below the other."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import CurateError
from ..manifest.ids import list_ids
from ..manifest.provenance import digest_file, digest_json, read_provenance
from ..storage.paths.regular_files import refuse_special

PART_SUFFIX = ".parquet"
# Feature files that are no parts: to pass over them would be to lose rows without a word.
_OTHER_FEATURES = (".npy", ".npz", ".arrow")
# Engines put marks and checksums beside the parts under such names.
_NO_PARTS = ("_", ".")


def part_files(folder: Path) -> list[Path]:
    """List the parts in a folder of features, in the order of their names.

    Names that begin with `_` or `.` are no parts, nor are files of other kinds, such as a README.

    Args:
        folder: The folder.

    Raises:
        CurateError: It cannot be listed, has no part, or holds folders or feature files that are no parts.
    """
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith(_NO_PARTS))
    except OSError as error:
        raise CurateError(f"cannot list {folder}: {error.strerror or error}") from error
    others = [path.name for path in found if path.is_dir() or path.suffix.lower() in _OTHER_FEATURES]
    if others:
        raise CurateError(
            f"{folder} holds {list_ids(others)}; a folder of features has {PART_SUFFIX} files directly in it and no "
            "other features: give one of its files or folders, or move the others away"
        )
    parts = [path for path in found if path.suffix.lower() == PART_SUFFIX]
    if not parts:
        raise CurateError(f"{folder} is a folder without {PART_SUFFIX} files: give a feature file or a folder of parts")
    return parts


def read_parts(folder: Path) -> pa.Table:
    """Read a folder of features as one table.

    Args:
        folder: The folder; a part may be empty, as engines write those that no row fell to.

    Returns:
        The parts' rows, in the order of the parts' names.

    Raises:
        CurateError: As `part_files`; a part cannot be read, differs from the first in its columns, or was made in
            another way.
    """
    parts = part_files(folder)
    tables = [_read_part(path) for path in parts]
    first, made = tables[0], read_provenance(tables[0])
    for path, table in zip(parts, tables, strict=True):
        if set(table.column_names) != set(first.column_names):
            raise CurateError(
                f"{path} has the columns {', '.join(table.column_names)}; expected those of {parts[0].name}: "
                f"{', '.join(first.column_names)}"
            )
        if read_provenance(table) != made:
            raise CurateError(
                f"{path} was made in another way than {parts[0].name}: expected parts of one run; give one feature file"
            )
    # What other libraries note in a schema, such as pandas, differs from part to part.
    bare = [table.select(first.column_names).replace_schema_metadata() for table in tables]
    try:
        joined = pa.concat_tables(bare, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
        raise CurateError(f"{folder}: its parts do not fit each other: {' '.join(str(error).split())}") from error
    return joined.replace_schema_metadata(first.schema.metadata)


def digest_features(path: Path) -> str:
    """Return the SHA-256 of a feature file, or of a folder's parts and their names, as hexadecimal digits.

    Raises:
        CurateError: It cannot be read, or the folder holds no features.
    """
    path = Path(path)
    if not path.is_dir():
        return digest_file(path)
    return digest_json([[part.name, digest_file(part)] for part in part_files(path)])


def _read_part(path: Path) -> pa.Table:
    refuse_special(path)
    try:
        return pq.read_table(path, partitioning=None)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise CurateError(f"{path} is not a readable Parquet file: {' '.join(str(error).split())}") from error
