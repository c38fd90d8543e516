"""The state of long runs: `status` and `merge`."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..encoding.encode import join_features
from ..errors import CurateError
from ..manifest.provenance import read_provenance
from ..rendering.distort import MANIFEST, RUN_FOLDER, join_manifest
from ..runs.options import run_folder
from ..runs.parts import read_progress
from ..runs.plan import RunPlan, differences, read_plan
from ..runs.progress import SILENT, Reporter
from ..runs.run_lock import is_locked
from ..runs.shards import Join, merge
from ..storage.paths.regular_files import refuse_special

_JOINS: dict[str, Join] = {"distort": join_manifest, "encode": join_features}


def status_of(place: Path) -> dict[str, Any]:
    """Say how far a long run is.

    Args:
        place: The folder or file that the run writes, or its run folder.

    Returns:
        `stage, state (complete, running or stopped), shards, shards_done, rows, rows_done, statuses, out`; of a run
        whose plan is not written yet `state` (planning) and `run`, its folder.

    Raises:
        CurateError: There is no run.
    """
    plan = _find_plan(place)
    if plan is None:
        planned = next((folder for folder in _run_folders(place) if is_locked(folder)), None)
        return _status_of_result(place) if planned is None else {"state": "planning", "run": str(planned)}
    progress = read_progress(plan)
    done = progress.shards - len(progress.missing)
    complete = not progress.missing and _is_result_of(plan, progress.statuses)
    state = "running" if is_locked(plan.folder) else "complete" if complete else "stopped"
    return {
        "stage": plan.stage,
        "state": state,
        "shards": progress.shards,
        "shards_done": done,
        "rows": progress.rows,
        "rows_done": sum(progress.statuses.values()),
        "statuses": progress.statuses,
        "out": str(plan.final),
    }


def run_merge(place: Path, reporter: Reporter = SILENT) -> dict[str, Any]:
    """Join the parts of a run into its result.

    Args:
        place: The folder or file that the run writes, or its run folder.
        reporter: Told what there is to know.

    Returns:
        `rows, rows_not_ok, out`.

    Raises:
        CurateError: There is no run, shards are missing, or it is not one that can be joined from outside.
    """
    plan = _find_plan(place)
    if plan is None:
        found = _status_of_result(place)
        reporter.note(f"{found['out']} is complete; nothing to do")
    elif plan.stage not in _JOINS:
        raise CurateError(f"{plan.folder} is a step of upsample: the same upsample command goes on with it")
    else:
        merge(plan, _JOINS[plan.stage])
        found = _status_of_result(plan.final)
    not_ok = sum(count for status, count in found["statuses"].items() if status != "ok")
    return {"rows": found["rows"], "rows_not_ok": not_ok, "out": found["out"]}


def _find_plan(place: Path) -> RunPlan | None:
    plans = map(read_plan, _run_folders(place))
    return next((plan for plan in plans if plan is not None), None)


def _run_folders(place: Path) -> list[Path]:
    folders = [place / RUN_FOLDER, run_folder(place), place]
    if place.name == MANIFEST:
        folders.append(place.parent / RUN_FOLDER)
    return [folder for folder in folders if folder.is_dir()]


def _is_result_of(plan: RunPlan, statuses: dict[str, int]) -> bool:
    """Return whether the file at the run's end is this run's, as its parts are now, and not an older one."""
    try:
        found = read_provenance(pq.read_schema(plan.final))
        counts = _status_of_result(plan.final)["statuses"]
    except (OSError, pa.ArrowException, CurateError):
        return False
    return counts == statuses and not differences({key: found.get(key) for key in plan.identity}, plan.identity)


def _status_of_result(place: Path) -> dict[str, Any]:
    result = place / "manifest.parquet" if place.is_dir() else place
    refuse_special(result)
    if not result.is_file():
        inside = sorted(path for path in place.glob("*.run") if path.is_dir())
        hint = f"; there is one in {inside[0]}" if inside else ""
        raise CurateError(
            f"no run at {place}: neither a run folder nor a result; give what encode, distort or upsample was given "
            f"as --out{hint}"
        )
    try:
        schema = pq.read_schema(result)
        statuses = pq.read_table(result, columns=["status"], partitioning=None)["status"].cast(pa.string())
    except (OSError, KeyError, pa.ArrowException) as error:
        raise CurateError(
            f"{result} is not the result of a long run: {error}; give what encode, distort or upsample was given as "
            "--out"
        ) from error
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(statuses).to_pylist()}
    return {
        "stage": read_provenance(schema).get("stage", "unknown"),
        "state": "complete",
        "rows": len(statuses),
        "rows_done": len(statuses),
        "statuses": counts,
        "out": str(result),
    }
