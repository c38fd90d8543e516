"""What a long run will do, on disk: `plan.json`, its rows, and the sizes of its inputs."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import CurateError
from ..manifest.provenance import digest_json, digest_table
from ..manifest.tables.pieces import in_pieces
from ..storage.atomic import atomic_path, write_bytes
from ..storage.texts.json_text import parse_json
from .run_folder import INPUTS_FILE, PLAN_FILE, ROWS_FILE

FORMAT = 2  # 1: rows of manifest schema 1, whose seeds have 63 bits
_KEYS = {"stage": str, "final": str, "rows": int, "rows_per_shard": int, "identity": dict, "facts": dict, "digest": str}
_NAMES_SHOWN = 3

# Row number of the table, shard number, and what is already known of the rows (a part), to the rows of a part.
Work = Callable[[pa.Table, int, pa.Table | None], pa.Table]


@dataclass(frozen=True)
class Request:
    """A run as its command describes it, before anything is on disk.

    Attributes:
        stage: The command's name.
        folder: The run folder: plan, rows and part files. It goes away when all is done.
        final: The file that the parts are joined into.
        identity: What decides the bytes of the result: config, inputs, versions, weights. JSON values.
        facts: What else the result's provenance says, such as the folders of its roots. JSON values.
        rows: Called to go through the rows, in tables of any length.
        rows_per_shard: Rows of a shard.
        listing: (input name, path, bytes) of every file that the rows are made from.
        path_columns: The columns of `rows` that name such files; `a.b` is the field `b` of a struct column `a`.
        work: Turns a shard's rows into its part; picklable.
        forget: Called when the run starts over, the plan of an older one being gone: removes what that one has made
            beside its parts. Called again if it was interrupted.
    """

    stage: str
    folder: Path
    final: Path
    identity: Mapping[str, Any]
    facts: Mapping[str, Any]
    rows: Callable[[], Iterable[pa.Table]]
    rows_per_shard: int
    listing: Sequence[tuple[str, str, int]]
    path_columns: tuple[str, ...]
    work: Work
    forget: Callable[[], None] | None = None


@dataclass(frozen=True)
class RunPlan:
    """A run whose plan is on disk.

    Attributes:
        stage: The command's name.
        folder: The run folder.
        final: The file that the parts are joined into.
        rows: How many rows there are.
        rows_per_shard: Rows of each shard but the last.
        identity: What decides the bytes of the result.
        facts: What else the result's provenance says.
        digest: Of everything but the sizes of inputs: what part files carry; empty where there are none.
        work: Turns a shard's rows into its part; None where the plan is only looked at.
    """

    stage: str
    folder: Path
    final: Path
    rows: int
    rows_per_shard: int
    identity: Mapping[str, Any]
    facts: Mapping[str, Any]
    digest: str
    work: Work | None = None

    @classmethod
    def of(cls, request: Request, *, rows: int, digest: str) -> "RunPlan":
        """Describe the run of a request.

        Args:
            request: What is to be done.
            rows: The number of its rows.
            digest: Of everything that decides the result; empty for a run whose result is there and whose folder is
                gone, which has no parts.
        """
        return cls(
            stage=request.stage,
            folder=request.folder,
            final=request.final,
            rows=rows,
            rows_per_shard=request.rows_per_shard,
            identity=request.identity,
            facts=request.facts,
            digest=digest,
            work=request.work,
        )

    @property
    def shards(self) -> int:
        """The number of shards."""
        return -(-self.rows // self.rows_per_shard)

    def rows_of(self, shard: int) -> pa.Table:
        """Read the rows of a shard.

        Raises:
            CurateError: No such shard, or the file of rows is damaged.
        """
        if not 0 <= shard < self.shards:
            raise CurateError(f"{self.folder} has the shards 0 to {self.shards - 1}, not {shard}")
        path = self.folder / ROWS_FILE
        try:
            with pq.ParquetFile(path) as file:
                return file.read_row_group(shard)
        except (OSError, IndexError, pa.ArrowException) as error:
            raise CurateError(f"{path} is not readable: {error}; --overwrite starts over") from error

    def provenance(self) -> dict[str, Any]:
        """Return what the result says about how it was made."""
        return {**self.identity, **self.facts}


def read_plan(folder: Path) -> RunPlan | None:
    """Read the plan of a run folder; None without one.

    Raises:
        CurateError: It is damaged or of a newer release.
    """
    path = folder / PLAN_FILE
    try:
        value = parse_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CurateError(f"{path} is not readable: {error}; --overwrite starts over") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise CurateError(
            f"{path} was begun by another version of syndr-curate, whose rows and seeds differ (plan format "
            f"{_format_of(value)}, expected {FORMAT}): finish the run with that version, or --overwrite starts over"
        )
    if any(not isinstance(value.get(key), kind) for key, kind in _KEYS.items()) or value["rows_per_shard"] < 1:
        raise CurateError(f"{path} is damaged; --overwrite starts over")
    return RunPlan(
        stage=value["stage"],
        folder=folder,
        final=folder.parent / value["final"],
        rows=value["rows"],
        rows_per_shard=value["rows_per_shard"],
        identity=value["identity"],
        facts=value["facts"],
        digest=value["digest"],
    )


def _format_of(value: Any) -> str:
    return _short(value.get("format")) if isinstance(value, dict) else "unknown"


def make_plan(request: Request) -> RunPlan:
    """Write a run's plan: its rows, one row group per shard, the sizes of its inputs, and last `plan.json`."""
    digests: list[str] = []
    count = 0
    rows_file = request.folder / ROWS_FILE
    with atomic_path(rows_file) as temporary:
        writer = None
        try:
            for table in in_pieces(request.rows(), request.rows_per_shard):
                writer = writer or pq.ParquetWriter(temporary, table.schema, compression="zstd")
                writer.write_table(table, row_group_size=request.rows_per_shard)
                digests.append(digest_table(table))
                count += len(table)
        finally:
            if writer is not None:
                writer.close()
        if not count:
            raise CurateError(f"{request.stage}: no rows to work on; expected one or more")
    digest = digest_json([_without_inputs(request.identity), request.rows_per_shard, digests])
    plan = RunPlan.of(request, rows=count, digest=digest)
    _write_inputs(request)
    write_plan(plan)
    return plan


def write_plan(plan: RunPlan) -> None:
    """Write `plan.json`, whose presence says that the rows are there too."""
    value = {
        "format": FORMAT,
        "stage": plan.stage,
        "final": plan.final.name,
        "rows": plan.rows,
        "rows_per_shard": plan.rows_per_shard,
        "shards": plan.shards,
        "identity": plan.identity,
        "facts": plan.facts,
        "digest": plan.digest,
    }
    write_bytes(plan.folder / PLAN_FILE, json.dumps(value, indent=1, ensure_ascii=False).encode())


def resumed(plan: RunPlan, request: Request, *, failed_files: Callable[[], set[str]] | None = None) -> RunPlan:
    """Resume a plan that is on disk, if it is the same run.

    Args:
        plan: The plan on disk.
        request: What the command asks for now.
        failed_files: Where failed rows are retried: gives the paths of inputs that no row with status `ok` depends on.
            These may have changed since.

    Raises:
        CurateError: It is another run; the message names what differs.
    """
    if plan.stage != request.stage:
        raise CurateError(f"{plan.folder} holds a run of {plan.stage}, not of {request.stage}; --overwrite starts over")
    plan = replace(plan, work=request.work, facts=request.facts)
    found = differences(plan.identity, request.identity)
    if plan.rows_per_shard != request.rows_per_shard:
        found.append(f"rows_per_shard was {plan.rows_per_shard}, is now {request.rows_per_shard}")
    if not found:
        if failed_files is not None:
            _write_inputs(request)  # an earlier retry may have been killed between the plan and these
        return plan
    changed = _changed_inputs(plan.folder, request.listing)
    if failed_files is not None and changed and all(name.startswith("inputs.") for name in found):
        untouchable = sorted(set(changed) - failed_files())
        if not untouchable:
            plan = replace(plan, identity=request.identity)
            write_plan(plan)
            _write_inputs(request)
            return plan
        changed = untouchable
    files = f" (changed: {_some(changed)})" if changed else ""
    raise CurateError(f"cannot resume {plan.folder}: {'; '.join(found)}{files}; --overwrite starts over")


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Say in what two nested mappings differ: one line per key, e.g. `config.levels was [1], is now [1, 3]`."""
    lines = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            lines += differences(before, after, f"{prefix}{key}.")
        elif before != after and prefix == "inputs.":
            lines.append(f"{prefix}{key} has changed")
        elif before != after and not key.endswith("_digest"):
            lines.append(f"{prefix}{key} was {_short(before)}, is now {_short(after)}")
    return lines


def _without_inputs(identity: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in identity.items() if key != "inputs"}


def _write_inputs(request: Request) -> None:
    columns = {
        "input": pa.array([name for name, _, _ in request.listing], pa.string()),
        "path": pa.array([path for _, path, _ in request.listing], pa.string()),
        "bytes": pa.array([size for _, _, size in request.listing], pa.int64()),
    }
    table = pa.table(columns)
    with atomic_path(request.folder / INPUTS_FILE) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _changed_inputs(folder: Path, listing: Sequence[tuple[str, str, int]]) -> list[str]:
    """Return the paths that are new, gone or of another size."""
    try:
        old = pq.read_table(folder / INPUTS_FILE, partitioning=None)
        before = set(zip(*(old[name].to_pylist() for name in ("input", "path", "bytes")), strict=True))
    except (OSError, KeyError, pa.ArrowException):
        return []
    return sorted({path for _, path, _ in before ^ set(listing)})


def failed_paths(shards: Iterable[tuple[pa.Table, pa.ChunkedArray]], path_columns: Sequence[str]) -> set[str]:
    """Return the input paths on which no row with status `ok` depends.

    Args:
        shards: The rows of each shard, and what became of them.
        path_columns: The columns that name inputs; `a.b` is the field `b` of a struct column `a`.
    """
    bad: set[str] = set()
    good: set[str] = set()
    for rows, statuses in shards:
        ok = pc.equal(statuses, "ok")
        for column in path_columns:
            name, *fields = column.split(".")
            paths = pc.struct_field(rows[name], fields) if fields else rows[name]
            good.update(paths.filter(ok).to_pylist())
            bad.update(paths.filter(pc.invert(ok)).to_pylist())
    return bad - good


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    limit = 60
    return text if len(text) <= limit else f"{text[:limit]}…"


def _some(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
