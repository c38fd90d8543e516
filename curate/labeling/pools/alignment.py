"""Putting one pool of labels on the scale of another, source by source and type by type."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import CurateError
from ...manifest.schema import LABEL_MAXIMUM
from .sources import labeled_rows, scale_of_rows

_TRAIN = "train"
_CELL = ("distortion_id", "level")


@dataclass(frozen=True)
class Alignment:
    """What `aligned` did to one pool.

    Attributes:
        rows: The pool, its labels shifted.
        shifts: Label source to distortion id to what was added to the labels of its rows.
        rows_without_shift: Labeled rows whose type the first pool does not have.
        rows_clipped: Rows whose label would have left [0, 10].
    """

    rows: pa.Table
    shifts: dict[str, dict[int, float]]
    rows_without_shift: int
    rows_clipped: int


def aligned(pool: pa.Table, first: pa.Table) -> Alignment:
    """Shift the labels of each type of a pool so that the type has the mean that it has in the first pool.

    Labels of unlike sources in the pool may be on unlike scales, so each source has its own shifts. The means are over
    the levels that both pools have, each level counting alike, of training rows alone: labels of held-out rows move
    none of them. All labeled rows of the source and type are shifted. A pool without labels stays as it is.

    Args:
        pool: A manifest.
        first: The manifest whose labels stay, all of them on one scale.

    Raises:
        CurateError: The two have no type and level in common.
    """
    wanted, scales = _cell_means(first), scale_of_rows(pool)
    labeled = scales.drop_null().unique().to_pylist()
    shifts = {source: _shifts(pool.filter(pc.equal(scales, source)), wanted) for source in sorted(labeled)}
    if labeled and not any(shifts.values()):
        raise CurateError(
            "no type and level has labels for training in both, so nothing says how to align them: label some rows of "
            "the same types and levels in both, or give --labels as-is"
        )
    kinds = pc.if_else(pc.is_null(pool["chain"]), pool["distortion_id"], None).to_pylist()  # a chain is of no one type
    added = [shifts.get(source, {}).get(kind) for source, kind in zip(scales.to_pylist(), kinds, strict=True)]
    by_row = np.array([shift or 0.0 for shift in added])
    labels: NDArray[np.float64] = pc.fill_null(pool["label"], 0.0).to_numpy().astype(np.float64) + by_row
    bounded = np.clip(labels, 0.0, LABEL_MAXIMUM)
    place = pool.schema.get_field_index("label")
    column = pa.array(bounded.astype(np.float32), mask=~pc.is_valid(pool["label"]).to_numpy())
    return Alignment(
        rows=pool.set_column(place, pool.schema.field(place), column),
        shifts={source: found for source, found in shifts.items() if found},
        rows_without_shift=sum(shift is None for shift in added) - scales.null_count,
        rows_clipped=int((bounded != labels).sum()),
    )


def _shifts(pool: pa.Table, wanted: Mapping[tuple[int, int], float]) -> dict[int, float]:
    """Return the difference of each type's mean to the wanted mean, over the cells that have both."""
    means = _cell_means(pool)
    differences: dict[int, list[float]] = {}
    for cell in sorted(means.keys() & wanted.keys()):
        differences.setdefault(cell[0], []).append(wanted[cell] - means[cell])
    return {kind: float(np.mean(found)) for kind, found in differences.items()}


def _cell_means(table: pa.Table) -> dict[tuple[int, int], float]:
    rows = labeled_rows(table)
    rows = rows.filter(pc.and_(pc.equal(rows["split"], _TRAIN), pc.is_null(rows["chain"]))).select([*_CELL, "label"])
    rows = rows.set_column(2, "label", rows["label"].cast(pa.float64()))
    found = rows.group_by(list(_CELL)).aggregate([("label", "mean")]).to_pylist()
    return {
        (row["distortion_id"], row["level"]): row["label_mean"]
        for row in found
        if None not in (row["distortion_id"], row["level"])
    }
