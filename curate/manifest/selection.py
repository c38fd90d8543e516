"""The selection file: what became of every candidate reference."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import CurateError
from ..storage.atomic import atomic_path
from ..storage.paths.regular_files import refuse_special
from .provenance import read_provenance

KEPT, TOO_CLOSE, TOO_FAR, THINNED = "kept", "too_close", "too_far", "thinned"
NOT_DRAWN, OVER_LIMIT = "not_drawn", "over_limit"

SELECTION_SCHEMA = pa.schema(
    [
        pa.field("candidate_id", pa.string(), nullable=False),
        pa.field("candidate_path", pa.string(), nullable=False),
        pa.field("status", pa.dictionary(pa.int32(), pa.string())),
        pa.field("nearest_reference", pa.string()),
        pa.field("nearest_distance", pa.float64()),
        pa.field("farthest_distance", pa.float64()),
    ]
)


def write_selection(selection: pa.Table, path: Path) -> None:
    """Write a selection as Parquet, atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(selection, temporary, compression="zstd")


def read_selection(path: Path) -> pa.Table:
    """Read what `select` wrote.

    Raises:
        CurateError: Missing, or not a selection.
    """
    refuse_special(path)
    if not path.is_file():
        raise CurateError(f"no selection at {path}: `syndr-curate select` writes one")
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise CurateError(f"{path} is not a readable Parquet file: {error}") from error
    if not set(SELECTION_SCHEMA.names) <= set(table.column_names) or read_provenance(table).get("stage") != "select":
        raise CurateError(f"{path} is not a selection, or has lost its metadata: `syndr-curate select` writes one")
    return table


def kept_rows(selection: pa.Table) -> list[tuple[str, str]]:
    """Return (id, path) of the kept candidates, in candidate order."""
    kept = selection.filter(pc.equal(selection["status"], KEPT))
    return list(zip(kept["candidate_id"].to_pylist(), kept["candidate_path"].to_pylist(), strict=True))


def count_statuses(selection: pa.Table) -> dict[str, int]:
    """Return how many candidates have which status, the kept first."""
    statuses = selection["status"].cast(pa.string()).to_pylist()
    order = (KEPT, TOO_CLOSE, TOO_FAR, THINNED, OVER_LIMIT, NOT_DRAWN)
    return {status: statuses.count(status) for status in order if status in statuses}
