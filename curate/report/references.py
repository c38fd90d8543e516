"""The references of a report: originals, candidates kept, candidates dropped and why; neighbors of pseudo-labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..datasets.features import Features
from ..errors import CurateError
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.manifest import ok_rows
from ..manifest.provenance import read_provenance
from ..manifest.seeds import uniform_draw
from ..manifest.selection import KEPT, NOT_DRAWN
from ..similarity import check_rows

ORIGINAL, DROPPED = "original", "dropped"
MAX_POINTS = 10_000
MAX_CARDS = 60


@dataclass(frozen=True)
class ReferencePoint:
    """A reference or candidate.

    Attributes:
        id: Its id.
        role: `original`, a status of the selection (`kept`, `too_close`, ...), or `dropped` where the reason is not
            known.
        path: A candidate's path as the selection or the feature file names it; None for an original.
        nearest: Id of the nearest original, where the selection says it.
        nearest_distance: 1 - cosine to it.
        farthest_distance: 1 - cosine to the farthest original.
    """

    id: str
    role: str
    path: str | None = None
    nearest: str | None = None
    nearest_distance: float | None = None
    farthest_distance: float | None = None


def candidate_points(
    selection: pa.Table | None, candidates: Features | None, manifest_references: set[str]
) -> list[ReferencePoint]:
    """List the candidates with what became of each.

    Args:
        selection: What `select` wrote, where it is given.
        candidates: The candidates' features, where they are given.
        manifest_references: Reference ids of the manifest: tell the kept where there is no selection.

    Returns:
        The candidates in order; those not drawn are left out.
    """
    if selection is not None:
        rows = selection.filter(pc.not_equal(selection["status"], NOT_DRAWN)).to_pylist()
        return [
            ReferencePoint(
                row["candidate_id"],
                row["status"],
                row["candidate_path"],
                row["nearest_reference"],
                _rounded(row["nearest_distance"]),
                _rounded(row["farthest_distance"]),
            )
            for row in rows
        ]
    if candidates is None:
        return []
    ids = candidates.require_ids()
    names = candidates.names or ids
    return [
        ReferencePoint(identifier, KEPT if identifier in manifest_references else DROPPED, name)
        for identifier, name in zip(ids, names, strict=True)
    ]


def limited(points: list[ReferencePoint], limit: int, seed: int) -> list[ReferencePoint]:
    """Keep at most `limit` points, in order: originals and kept candidates first, the others drawn by seed."""
    if len(points) <= limit:
        return points
    first = [point.id for point in points if point.role in (ORIGINAL, KEPT)]
    rest = [point.id for point in points if point.role not in (ORIGINAL, KEPT)]
    chosen = uniform_draw(first, limit, seed, "report references")
    chosen |= uniform_draw(rest, max(0, limit - len(chosen)), seed, "report candidates")
    return [point for point in points if point.id in chosen]


def reference_matrix(
    points: list[ReferencePoint], references: Features | None, candidates: Features | None
) -> tuple[list[ReferencePoint], NDArray[np.float32] | None]:
    """Put the features of originals and candidates one below the other.

    Args:
        points: Originals and candidates.
        references: Features of the originals.
        candidates: Features of the candidates.

    Returns:
        The points that have features, and (N, D) float32, a row each; None without features.

    Raises:
        CurateError: The two have different widths, a row has no direction, or the features of candidates are of none of
            them.
    """
    given = [features for features in (references, candidates) if features is not None]
    if not given:
        return points, None
    widths = {features.matrix.shape[1] for features in given}
    if len(widths) > 1:
        raise CurateError(
            f"reference and candidate features have {' and '.join(map(str, sorted(widths)))} numbers per row: "
            "encode both with the same encoder"
        )
    located, rows = [], []
    given_for = {
        True: (references, _row_of(references)),
        False: (candidates, _row_of(candidates)),
    }
    for point in points:
        features, row_of = given_for[point.role == ORIGINAL]
        if features is not None and point.id in row_of:
            located.append(point)
            rows.append(np.asarray(features.matrix[row_of[point.id]], dtype=np.float32))
    _require_candidates(points, located, candidates)
    if not rows:
        return points, None
    matrix = np.stack(rows)
    check_rows(matrix, [point.id for point in located], "reference and candidate features")
    return located, matrix


def selection_bounds(selection: pa.Table | None) -> dict[str, float] | None:
    """Return the two distances a candidate had to lie between, None where no selection says them."""
    bounds = None if selection is None else read_provenance(selection).get("bounds")
    if not isinstance(bounds, dict) or not {"near", "far"} <= set(bounds):
        return None
    return {name: round(float(bounds[name]), 6) for name in ("near", "far")}


def neighbor_cards(table: pa.Table, limit: int = MAX_CARDS) -> tuple[list[dict[str, Any]], int]:
    """Gather the pseudo-labeled references and the labeled ones that their labels came from.

    Args:
        table: A manifest.
        limit: At most so many references, those of the most rows first.

    Returns:
        Cards `reference, rows, label_min, label_max, labels ([type, level, label], ...), neighbors ([{reference,
        distance, weight}], nearest first; empty where none are stored)`, and how many such references there are in
        all.
    """
    usable = ok_rows(table)
    pseudo = usable.filter(pc.fill_null(pc.equal(usable["label_source"], "pseudo"), False))
    columns = ["reference_id", "distortion_id", "level", "label", "neighbors"]
    by_reference: dict[str, list[Mapping[str, Any]]] = {}
    for row in pseudo.select(columns).to_pylist():
        if row["reference_id"] is not None:
            by_reference.setdefault(row["reference_id"], []).append(row)
    order = sorted(by_reference, key=lambda name: (-len(by_reference[name]), name))
    return [_card(name, by_reference[name]) for name in order[:limit]], len(order)


def _card(reference: str, rows: list[Mapping[str, Any]]) -> dict[str, Any]:
    labels = [row["label"] for row in rows if row["label"] is not None]
    neighbors = sorted(rows[0]["neighbors"] or [], key=lambda entry: (entry["distance"], entry["reference_id"]))
    return {
        "reference": reference,
        "rows": len(rows),
        "label_min": _rounded(min(labels, default=None), 2),
        "label_max": _rounded(max(labels, default=None), 2),
        "labels": sorted([row["distortion_id"], row["level"], _rounded(row["label"], 2)] for row in rows),
        "neighbors": [
            {
                "reference": entry["reference_id"],
                "distance": _rounded(entry["distance"]),
                "weight": _rounded(entry["weight"]),
            }
            for entry in neighbors
        ],
    }


def _require_candidates(
    points: list[ReferencePoint], located: list[ReferencePoint], candidates: Features | None
) -> None:
    """Refuse features of candidates that are of none of the candidates."""
    ids = [point.id for point in points if point.role != ORIGINAL]
    if candidates is None or not ids or any(point.role != ORIGINAL for point in located):
        return
    reason = explain_mismatch(ids, candidates.require_ids(), wanted_in="the selection", given_in=candidates.source)
    raise CurateError(f"{candidates.source} has features for none of the selection's candidates{reason}")


def _row_of(features: Features | None) -> dict[str, int]:
    return {} if features is None else {name: row for row, name in enumerate(features.require_ids())}


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(float(value), digits)
