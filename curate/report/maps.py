"""The maps of a report: which rows are on them, and where."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import CurateError
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.ids import list_ids
from ..manifest.manifest import ok_rows
from ..manifest.provenance import digest_array
from ..manifest.seeds import uniform_draw
from ..runs.progress import SILENT, Reporter
from ..similarity import check_rows
from .coordinates import Layout, load_points
from .projection import choose_method, project
from .request import Inputs
from .rows import UNUSABLE
from .settings import Method

SAMPLES, REFERENCES = "samples", "references"


@dataclass(frozen=True)
class FeaturesById:
    """Features, and the row of each id.

    Attributes:
        matrix: (N, D) features.
        row_of: Id to its row.
    """

    matrix: NDArray[np.floating[Any]]
    row_of: dict[str, int]


def features_by_id(inputs: Inputs) -> FeaturesById | None:
    """Index the features of samples by id; None without features.

    Raises:
        CurateError: A bare `.npy` has another number of rows than the first manifest has ok rows.
    """
    features = inputs.features
    if features is None:
        return None
    if features.ids is None:
        ids: list[str] = ok_rows(inputs.before.table)["sample_id"].to_pylist()
        matrix = features.aligned_to(ids, "the first manifest's ok rows")
        return FeaturesById(matrix, {identifier: row for row, identifier in enumerate(ids)})
    return FeaturesById(features.matrix, {identifier: row for row, identifier in enumerate(features.ids)})


def drawn_rows(frame: pd.DataFrame, features: FeaturesById | None, limit: int, seed: int) -> pd.DataFrame:
    """Choose the rows that a report draws one by one: all usable ones, or a draw of them, in order.

    Args:
        frame: As `joined_rows` gives it.
        features: Features by id; with them, only rows that have some are drawn.
        limit: At most so many.
        seed: Seed of the draw.

    Raises:
        CurateError: Not one row has features.
    """
    usable = frame[frame["state"] != UNUSABLE]
    if features is not None:
        found = usable["sample_id"].isin(list(features.row_of))
        if not found.any() and len(usable):
            ids = usable["sample_id"].tolist()
            reason = explain_mismatch(ids, features.row_of, wanted_in="the manifest", given_in="the features")
            raise CurateError(
                f"the features are of none of the manifest's rows; they have {list_ids(list(features.row_of))}, "
                f"the manifest {list_ids(ids)}{reason}"
            )
        usable = usable[found]
    if len(usable) > limit:
        usable = usable[usable["sample_id"].isin(uniform_draw(usable["sample_id"].tolist(), limit, seed, "report map"))]
    return usable.reset_index(drop=True)


def sample_matrix(rows: pd.DataFrame, features: FeaturesById) -> NDArray[np.floating[Any]]:
    """Return the features of drawn rows, in their order.

    Raises:
        CurateError: A row without a direction.
    """
    ids = rows["sample_id"].tolist()
    order = np.array([features.row_of[i] for i in ids], dtype=np.int64)
    # A file that has just these rows is read as it lies, block by block; 50,000 x 2048 would be another 0.4 GB.
    as_it_lies = np.array_equal(order, np.arange(len(features.matrix)))
    matrix = features.matrix if as_it_lies else np.asarray(features.matrix[order])
    check_rows(matrix, ids, "the features")
    return matrix


def lay_out(
    name: str,
    ids: list[str],
    matrix: NDArray[np.floating[Any]],
    *,
    method: Method,
    seed: int,
    saved: Path,
    reporter: Reporter = SILENT,
) -> Layout:
    """Project features, or take the points of an earlier report on the same ones.

    Args:
        name: `samples` or `references`.
        ids: N ids.
        matrix: (N, D) features.
        method: How.
        seed: Seed of the projection.
        saved: Where an earlier report left its coordinates.
        reporter: Told which way it went.
    """
    chosen = choose_method(method, len(ids))
    nothing = np.zeros((0, 2), np.float32)
    wanted = Layout(name, chosen, seed, digest_array(np.ascontiguousarray(matrix), ids), ids, nothing)
    points = load_points(saved, wanted)
    if points is None:
        reporter.note(f"map of {name}: {len(ids):,} points by {chosen.upper()}")
        points = project(matrix, chosen, seed)
    return Layout(name, chosen, seed, wanted.digest, ids, points)


def quantised(points: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Scale points to 16 bits a coordinate, one scale for both axes: finer than any screen.

    Args:
        points: float32 (N, 2).

    Returns:
        uint16 (N, 2); the larger extent fills 0 to 65535.
    """
    if not len(points):
        return np.zeros((0, 2), np.uint16)
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    scale = np.iinfo(np.uint16).max / max(float((high - low).max()), 1e-12)
    scaled: NDArray[np.uint16] = np.round((points.astype(np.float64) - low) * scale).astype(np.uint16)
    return scaled
