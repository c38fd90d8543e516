"""The order in which rows are visited, and how far each must look."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled
from ..errors import CurateError


class Band(NamedTuple):
    """Rows sorted by label, so that the partners of a row stand right behind it.

    Attributes:
        order: N row numbers; position p is row `order[p]`.
        reach: N positions; position p may only be paired with positions p < q < `reach[p]`. Never decreases.
    """

    order: NDArray[np.int64]
    reach: NDArray[np.int64]

    def positions(self) -> NDArray[np.int64]:
        """N positions: row r stands at `positions()[r]`."""
        positions = np.empty_like(self.order)
        positions[self.order] = np.arange(len(self.order))
        return positions


def label_band(labels: NDArray[Any] | None, label_gap: float, count: int) -> Band:
    """Sort rows by label and find the reach of each.

    Args:
        labels: N labels, or None when any two rows may be paired.
        label_gap: Two rows may be paired when their labels differ by strictly less, in float64.
        count: N.

    Returns:
        The band.

    Raises:
        CurateError: The labels are not N finite numbers.
    """
    if labels is None:
        return Band(order=np.arange(count, dtype=np.int64), reach=np.full(count, count, dtype=np.int64))
    values = np.asarray(labels)
    if values.shape != (count,) or values.dtype.kind not in "fiu":
        raise CurateError(
            f"labels are {values.dtype} of shape {values.shape}; expected one number per feature row, {count} in all"
        )
    values = values.astype(np.float64)
    missing = np.flatnonzero(~np.isfinite(values))
    if missing.size:
        named = ", ".join(str(row) for row in missing[:10])
        raise CurateError(f"{missing.size} labels are NaN or infinite (rows {named}); every row needs a label")
    order = np.argsort(values, kind="stable").astype(np.int64)
    reach = np.empty(count, dtype=np.int64)
    write_reach(values[order], float(label_gap), reach)
    return Band(order=order, reach=reach)


@compiled
def write_reach(ascending: NDArray[np.float64], label_gap: float, reach: NDArray[np.int64]) -> None:
    """For each position, the first position behind it whose label is `label_gap` or more away."""
    stop = 0
    for p in range(ascending.shape[0]):
        stop = max(stop, p + 1)
        while stop < ascending.shape[0] and ascending[stop] - ascending[p] < label_gap:
            stop += 1
        reach[p] = stop
