"""Putting one pool of labels on the scale of another, type by type."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import CurateError
from ...manifest.schema import LABEL_MAXIMUM
from .sources import labeled_rows

_TRAIN = "train"
_LABELED = ("distortion_id", "level", "label")


@dataclass(frozen=True)
class Alignment:
    """What `aligned` did to one pool.

    Attributes:
        rows: The pool, its labels shifted.
        shifts: Distortion id to what was added to the labels of its rows.
        rows_without_shift: Labeled rows whose type the first pool does not have.
        rows_clipped: Rows whose label would have left [0, 10].
    """

    rows: pa.Table
    shifts: dict[int, float]
    rows_without_shift: int
    rows_clipped: int


def aligned(pool: pa.Table, first: pa.Table) -> Alignment:
    """Shift the labels of each type of a pool so that the type has the mean that it has in the first pool.

    The means are over the levels that both pools have, each level counting alike, of training rows alone: labels of
    held-out rows move none of them. All labeled rows of the type are shifted.

    Args:
        pool: A manifest.
        first: The manifest whose labels stay.

    Raises:
        CurateError: The two have no type and level in common.
    """
    means, wanted = _cell_means(pool), _cell_means(first)
    differences: dict[int, list[float]] = {}
    for cell in sorted(means.keys() & wanted.keys()):
        differences.setdefault(cell[0], []).append(wanted[cell] - means[cell])
    if not differences:
        raise CurateError("no type and level has labels for training in both, so nothing says how to align them")
    shifts = {kind: float(np.mean(found)) for kind, found in differences.items()}
    is_labeled = pc.and_(pc.is_valid(pool["label"]), pc.equal(pool["status"], "ok")).to_numpy()
    kinds = pc.if_else(pc.is_null(pool["chain"]), pool["distortion_id"], None).to_pylist()  # a chain is of no one type
    by_row = np.array([shifts.get(kind, 0.0) for kind in kinds]) * is_labeled
    has_none = np.array([kind not in shifts for kind in kinds], bool) & is_labeled
    labels: NDArray[np.float64] = pc.fill_null(pool["label"], 0.0).to_numpy().astype(np.float64) + by_row
    bounded = np.clip(labels, 0.0, LABEL_MAXIMUM)
    place = pool.schema.get_field_index("label")
    column = pa.array(bounded.astype(np.float32), mask=~pc.is_valid(pool["label"]).to_numpy())
    return Alignment(
        rows=pool.set_column(place, pool.schema.field(place), column),
        shifts=shifts,
        rows_without_shift=int(has_none.sum()),
        rows_clipped=int((bounded != labels).sum()),
    )


def _cell_means(table: pa.Table) -> dict[tuple[int, int], float]:
    rows = labeled_rows(table)
    rows = rows.filter(pc.and_(pc.equal(rows["split"], _TRAIN), pc.is_null(rows["chain"]))).select(list(_LABELED))
    rows = rows.set_column(2, "label", rows["label"].cast(pa.float64()))
    found = rows.group_by(["distortion_id", "level"]).aggregate([("label", "mean")]).to_pylist()
    return {
        (row["distortion_id"], row["level"]): row["label_mean"]
        for row in found
        if None not in (row["distortion_id"], row["level"])
    }
