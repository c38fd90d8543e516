"""The parts of a run: a file per shard, which is the mark that the shard is done."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import CurateError
from ..manifest.provenance import attach, read_provenance
from ..storage.atomic import atomic_path
from .plan import RunPlan
from .run_folder import part_name


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        shards: Shards in all.
        missing: Numbers of those that are not done.
        rows: Rows in all.
        statuses: Status to number of rows, of the shards that are done.
    """

    shards: int
    missing: tuple[int, ...]
    rows: int
    statuses: dict[str, int]


def parts(plan: RunPlan) -> Iterator[pa.Table]:
    """Read the parts in order."""
    return (read_part(plan, shard) for shard in range(plan.shards))


def part_path(plan: RunPlan, shard: int) -> Path:
    """Return the path of a shard's part."""
    return plan.folder / part_name(shard)


def read_part(plan: RunPlan, shard: int) -> pa.Table:
    """Read the part of a shard.

    Raises:
        CurateError: It is damaged, or of another run.
    """
    path = part_path(plan, shard)
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise CurateError(f"{path} is not readable: {error}; remove it and start again") from error
    _check_mark(plan, shard, table.schema)
    return table.replace_schema_metadata(None)


def read_progress(plan: RunPlan) -> Progress:
    """Read how far a run is.

    Raises:
        CurateError: A part is damaged, or of another run.
    """
    missing = [shard for shard in range(plan.shards) if not part_path(plan, shard).exists()]
    gone = set(missing)
    statuses: dict[str, int] = {}
    for shard in range(plan.shards):
        if shard in gone:
            continue
        for entry in pc.value_counts(statuses_of(plan, shard)).to_pylist():
            statuses[entry["values"]] = statuses.get(entry["values"], 0) + entry["counts"]
    return Progress(plan.shards, tuple(missing), plan.rows, dict(sorted(statuses.items())))


def write_part(plan: RunPlan, shard: int, rows: pa.Table) -> None:
    """Write the part of a shard, whole or not at all."""
    mark = {"plan": plan.digest, "shard": shard}
    with atomic_path(part_path(plan, shard), crash_name="part") as temporary:
        pq.write_table(attach(rows, mark), temporary, compression="zstd")


def statuses_of(plan: RunPlan, shard: int) -> pa.ChunkedArray:
    """Return the status of each row of a shard that is done."""
    path = part_path(plan, shard)
    try:
        with pq.ParquetFile(path) as file:
            _check_mark(plan, shard, file.schema_arrow)
            return file.read(columns=["status"])["status"].cast(pa.string())
    except (OSError, pa.ArrowException) as error:
        raise CurateError(f"{path} is not readable: {error}; remove it and start again") from error


def count_not_ok(part: pa.Table) -> int:
    """Return how many rows of a part have a status other than `ok`."""
    return int(pc.sum(pc.not_equal(part["status"].cast(pa.string()), "ok")).as_py() or 0)


def _check_mark(plan: RunPlan, shard: int, schema: pa.Schema) -> None:
    if read_provenance(schema) != {"plan": plan.digest, "shard": shard}:
        raise CurateError(f"{part_path(plan, shard)} belongs to another run; --overwrite starts over")
