"""What tests of test sets look at."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.datasets.test_sets.rated_set import RatedSet


def columns(rated: RatedSet, *names: str) -> list[tuple[object, ...]]:
    """Return some columns of a set's manifest, as one tuple per row."""
    table = rated.rows()
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def cells(texts: Sequence[str]) -> NDArray[np.object_]:
    """Return texts as a column of a MATLAB cell array."""
    values = np.empty((len(texts), 1), dtype=object)
    values[:, 0] = texts
    return values
