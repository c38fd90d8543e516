"""Which members of the clusters an epoch keeps."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..manifest.seeds import digest_ids, uniform_draw

_ROUNDING = 1e-9  # 100 x 0.29 is 28.999999999999996 in binary


def keep_mask(
    sample_ids: Sequence[str],
    components: NDArray[np.integer],
    *,
    keep_min: int,
    keep_fraction: float,
    seed: int,
    epoch: int,
) -> NDArray[np.bool_]:
    """Draw the rows that one epoch keeps.

    A cluster of more than `keep_min` members keeps max(keep_min, floor(size x keep_fraction)) of them, drawn
    uniformly without replacement; a smaller one keeps all. The draw depends on the seed, the epoch and the
    cluster's members alone.

    Args:
        sample_ids: N distinct ids.
        components: (N,) cluster of each row.
        keep_min: Clusters of at most this size are left alone.
        keep_fraction: Share of a larger cluster that is kept, in [0, 1].
        seed: The run's seed.
        epoch: The training epoch.

    Returns:
        (N,) True where the row is kept.

    Source: SynDR-IQA, Algorithm 3 (DRCDown), lines 9-15.
    """
    kept = np.ones(len(sample_ids), dtype=bool)
    order = np.argsort(components, kind="stable")
    grouped = components[order]
    for rows in np.split(order, np.flatnonzero(grouped[1:] != grouped[:-1]) + 1):
        count = max(keep_min, math.floor(len(rows) * keep_fraction + _ROUNDING))
        if count >= len(rows):
            continue
        members = [sample_ids[int(row)] for row in rows]
        drawn = uniform_draw(members, count, seed, epoch, digest_ids(members))
        kept[rows] = [member in drawn for member in members]
    return kept


def number_by_smallest_id(sample_ids: Sequence[str], components: NDArray[np.integer]) -> NDArray[np.int32]:
    """Renumber clusters 0..m-1 by their smallest sample id, so that row order cannot change a number.

    Args:
        sample_ids: N distinct ids.
        components: (N,) cluster of each row, any integers.

    Returns:
        (N,) int32.

    >>> number_by_smallest_id(["c", "a", "b"], np.array([7, 5, 7])).tolist()
    [1, 0, 1]
    """
    numbers: dict[int, int] = {}
    for row in sorted(range(len(sample_ids)), key=lambda row: sample_ids[row]):
        numbers.setdefault(int(components[row]), len(numbers))
    return np.array([numbers[int(component)] for component in components], dtype=np.int32)
