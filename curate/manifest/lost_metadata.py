"""Manifests that lost their metadata in another tool: recognized, said, and refused where pixels depend on it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from ..errors import CurateError, CurateWarning
from .provenance import read_provenance
from .schema import METADATA_KEY

LOST_METADATA = (
    f"the manifest has lost its metadata, the Parquet key {METADATA_KEY.decode()!r} that pandas, polars, DuckDB and "
    "Hugging Face datasets drop: the folders of its roots, how references are read (exif_orient), the label scale and "
    "how it was made are not known. `syndr-curate relocate MANIFEST --provenance-from OLD.parquet` gives it back, OLD "
    "being the manifest that its rows come from; `relocate MANIFEST --root name=DIR` gives back the roots alone; for a "
    "table in memory, table.replace_schema_metadata(old.schema.metadata)"
)


def has_lost_metadata(table: pa.Table | pa.Schema) -> bool:
    """Return whether a manifest has no metadata, which every manifest has when it is written.

    Args:
        table: The manifest, some of its columns, or its schema.
    """
    return not read_provenance(table)


def warn_of_lost_metadata(table: pa.Table | pa.Schema, path: Path) -> None:
    """Warn the caller's caller if the manifest read from `path` has lost its metadata."""
    if has_lost_metadata(table):
        warnings.warn(f"{path}: {LOST_METADATA}", CurateWarning, stacklevel=3)


@contextmanager
def no_metadata_warning() -> Iterator[None]:
    """Read manifests without the warning, for code that reports or repairs the loss itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(?s).*has lost its metadata", category=CurateWarning)
        yield


def refuse_lost_recipes(table: pa.Table) -> None:
    """Refuse rows with a recipe that lost the metadata: results made from them would look complete and would not be.

    Args:
        table: A manifest, or its columns with `seed` among them.

    Raises:
        CurateError: It has lost its metadata, and at least one row has a seed.
    """
    recipes = len(table) - table["seed"].null_count
    if recipes and has_lost_metadata(table):
        raise CurateError(f"{recipes} rows have a seed but not what else decides their pixels: {LOST_METADATA}")
