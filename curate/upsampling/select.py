"""Stage `select`: which candidate references bring content that the training references lack (Algorithm 1)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..datasets.feature_files import as_features, load_features
from ..datasets.features import Features
from ..errors import CurateError
from ..manifest.ids import list_ids
from ..manifest.provenance import attach, digest_array, make_provenance, read_provenance
from ..manifest.seeds import uniform_draw
from ..manifest.selection import (
    KEPT,
    NOT_DRAWN,
    OVER_LIMIT,
    SELECTION_SCHEMA,
    THINNED,
    TOO_CLOSE,
    TOO_FAR,
    count_statuses,
    write_selection,
)
from ..runs.progress import SILENT, Reporter, counting
from ..similarity import FeatureRows, check_rows, farthest, nearest, nearest_and_farthest, thin
from ..storage.atomic import refuse_overwriting, require_parquet_name
from .settings import SelectSettings

MINIMUM_REFERENCES = 2
CANDIDATE_DRAW = "candidates"  # names the random stream of the draw


@dataclass(frozen=True)
class Bounds:
    """The two distances that a candidate must be between.

    Attributes:
        near: τ, the median distance of a training reference to its nearest neighbor among the others.
        far: The largest distance between two training references.
    """

    near: float
    far: float


def select(
    references: Features | pa.Table | Path | str,
    candidates: Features | pa.Table | Path | str,
    *,
    count: int | None = SelectSettings.candidates,
    max_selected: int | None = SelectSettings.max_selected,
    seed: int = SelectSettings.seed,
    reporter: Reporter = SILENT,
) -> pa.Table:
    """Choose the candidates that are neither near-copies of the training references nor far from all of them.

    Distances are d = 1 - cos, in float64. A candidate stays when its nearest reference is farther than τ and its
    farthest one closer than `far` (both strict); of two candidates closer than τ to each other the first in candidate
    order
    goes.

    Args:
        references: (n, D) features of the training references, with ids: a file, `Features`, or a table as `encode`
            gives it; n ≥ 2.
        candidates: (m, D) features of the candidates, likewise.
        count: Draw that many candidates first, uniformly by seed; their file order is kept. None takes all.
        max_selected: Keep at most that many of the selected, drawn uniformly by seed.
        seed: Seed of the two draws.
        reporter: Shows progress.

    Returns:
        One row per candidate, in order: `candidate_id, candidate_path, status, nearest_reference, nearest_distance,
        farthest_distance`. `status` is `kept`, or why not: `too_close`, `too_far`, `thinned`, `not_drawn`,
        `over_limit`.
        τ and `far` are in the provenance.

    Raises:
        CurateError: Widths differ, fewer than two references, or a feature row without a direction.

    Source: SynDR-IQA, Algorithm 1 (DDCUp).
    """
    references, candidates = as_features(references), as_features(candidates)
    settings = SelectSettings(candidates=count, max_selected=max_selected, seed=seed)
    count, max_selected, seed = settings.candidates, settings.max_selected, settings.seed
    _check(references, candidates)
    if candidates.held_out:
        raise CurateError(
            f"{candidates.source}: {len(candidates.held_out)} candidates are held out in the manifest that they come "
            f"from, and would become training rows: {list_ids(sorted(candidates.held_out))}; encode its training rows "
            "alone"
        )
    reference_rows, candidate_rows = _measure(references), _measure(candidates)
    reference_ids, candidate_ids = references.require_ids(), candidates.require_ids()
    drawn = uniform_draw(candidate_ids, len(candidate_ids) if count is None else count, seed, CANDIDATE_DRAW)
    rows = np.array([row for row, identifier in enumerate(candidate_ids) if identifier in drawn], dtype=np.int64)
    drawn_rows = candidate_rows.take(rows)
    bounds = reference_bounds(reference_rows)
    with reporter.task("compare with references", len(rows)) as task:
        least, which, most = nearest_and_farthest(drawn_rows, reference_rows, progress=counting(task))
    statuses = _thin(drawn_rows, _judge(least, most, bounds), bounds.near, reporter)
    statuses = _limit(statuses, [candidate_ids[int(row)] for row in rows], max_selected, seed)
    table = _table(candidates, rows, statuses, [reference_ids[int(i)] for i in which], least, most)
    config = {"candidates": count, "max_selected": max_selected, "seed": seed}
    inputs = {
        "reference_features": digest_array(references.matrix, reference_ids),
        "candidate_features": digest_array(candidates.matrix, candidate_ids),
    }
    facts = {"near": bounds.near, "far": bounds.far}
    return attach(table, make_provenance("select", config, inputs, bounds=facts))


def reference_bounds(references: NDArray[np.floating[Any]] | FeatureRows) -> Bounds:
    """Return τ and `far` of the training references.

    Args:
        references: (n, D) features, or rows that `check_rows` measured; n ≥ 2.

    Source: SynDR-IQA, Algorithm 1, lines 1-3.
    """
    rows = check_rows(references)
    distances, _ = nearest(rows, rows, 1, exclude_self=True)
    return Bounds(float(np.median(distances[:, 0])), float(farthest(rows, rows).max()))


def run_select(
    reference_features: Path,
    candidate_features: Path,
    out: Path,
    *,
    count: int | None = SelectSettings.candidates,
    max_selected: int | None = SelectSettings.max_selected,
    seed: int = SelectSettings.seed,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Select from feature files and write the selection.

    Returns:
        `references, candidates, near, far, statuses, references_selected, out`.

    Raises:
        CurateError: As `select`.
    """
    refuse_overwriting(Path(out), Path(reference_features), Path(candidate_features))
    require_parquet_name(Path(out))
    references, candidates = load_features(reference_features), load_features(candidate_features)
    selection = select(references, candidates, count=count, max_selected=max_selected, seed=seed, reporter=reporter)
    write_selection(selection, out)
    counts = count_statuses(selection)
    return {
        "references": len(references.matrix),
        "candidates": len(candidates.matrix),
        **read_provenance(selection)["bounds"],
        "statuses": counts,
        "references_selected": counts.get(KEPT, 0),
        "out": str(out),
    }


def _check(references: Features, candidates: Features) -> None:
    if references.matrix.shape[1] != candidates.matrix.shape[1]:
        raise CurateError(
            f"{references.source} has {references.matrix.shape[1]} features per row, {candidates.source} "
            f"{candidates.matrix.shape[1]}: encode both with the same encoder"
        )
    if len(references.matrix) < MINIMUM_REFERENCES:
        raise CurateError(f"{references.source} has {len(references.matrix)} reference; at least two are needed")


def _measure(features: Features) -> FeatureRows:
    return check_rows(features.matrix, features.require_ids(), features.source)


def _judge(least: NDArray[np.float64], most: NDArray[np.float64], bounds: Bounds) -> NDArray[np.str_]:
    statuses = np.full(len(least), KEPT, dtype="U10")
    statuses[~(most < bounds.far)] = TOO_FAR
    statuses[~(least > bounds.near)] = TOO_CLOSE
    return statuses


def _thin(candidates: FeatureRows, statuses: NDArray[np.str_], near: float, reporter: Reporter) -> NDArray[np.str_]:
    passing = np.flatnonzero(statuses == KEPT)
    with reporter.task("thin", len(passing)) as task:
        if len(passing) > 1:
            alive = thin(candidates, near, among=passing, progress=counting(task))
            statuses[passing[~alive]] = THINNED
    return statuses


def _limit(
    statuses: NDArray[np.str_], candidate_ids: list[str], max_selected: int | None, seed: int
) -> NDArray[np.str_]:
    if max_selected is not None:
        kept = np.flatnonzero(statuses == KEPT)
        chosen = uniform_draw([candidate_ids[int(row)] for row in kept], max_selected, seed, "selected")
        statuses[[row for row in kept if candidate_ids[int(row)] not in chosen]] = OVER_LIMIT
    return statuses


def _table(
    candidates: Features,
    rows: NDArray[np.int64],
    statuses: NDArray[np.str_],
    nearest_ids: list[str],
    least: NDArray[np.float64],
    most: NDArray[np.float64],
) -> pa.Table:
    ids = candidates.require_ids()
    full_statuses = np.full(len(ids), NOT_DRAWN, dtype="U10")
    full_statuses[rows] = statuses
    position = dict(zip(rows.tolist(), range(len(rows)), strict=True))
    places = [position.get(row) for row in range(len(ids))]
    columns = [
        pa.array(ids, pa.string()),
        pa.array(candidates.names or ids, pa.string()),
        pa.array(full_statuses.tolist(), pa.string()).dictionary_encode(),
        pa.array([None if place is None else nearest_ids[place] for place in places], pa.string()),
        pa.array([None if place is None else float(least[place]) for place in places], pa.float64()),
        pa.array([None if place is None else float(most[place]) for place in places], pa.float64()),
    ]
    return pa.table(columns, schema=SELECTION_SCHEMA)
