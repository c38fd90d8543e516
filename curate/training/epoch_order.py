"""The order in which an epoch's rows come, and each rank's share of it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..manifest.seeds import digest_ids


class CountedIndices(Iterator[int]):
    """Gives indices one after the other and counts how many were drawn.

    Attributes:
        total: How many there are.
        drawn: How many were given so far.
    """

    def __init__(self, indices: list[int]) -> None:
        """Begin before the first of the indices."""
        self._indices = indices
        self.total = len(indices)
        self.drawn = 0

    def __next__(self) -> int:
        """Return the next index."""
        if self.drawn == self.total:
            raise StopIteration
        self.drawn += 1
        return self._indices[self.drawn - 1]


def shuffled(rows: NDArray[np.int64], *, seed: int, epoch: int) -> NDArray[np.int64]:
    """Put rows in an order of the epoch's own, the same on every rank and machine.

    Args:
        rows: (K,) row numbers.
        seed: The run's seed.
        epoch: Number of the epoch.

    Returns:
        (K,) the same numbers.
    """
    # Raw words of the generator, not its shuffle, which may change from one numpy to the next.
    stream = int(digest_ids([f"order of epoch {epoch} from seed {seed}"]), 16)
    return rows[np.argsort(np.random.PCG64(stream).random_raw(len(rows)), kind="stable")]


def share_length(rows: int, *, replicas: int, drop_last: bool) -> int:
    """Return how many rows each rank draws of `rows` in all.

    Args:
        rows: Rows of the epoch.
        replicas: Number of ranks, at least 1.
        drop_last: Whether rows that cannot be split evenly are left out, rather than some repeated.
    """
    return rows // replicas if drop_last else math.ceil(rows / replicas)


def share_of_rank(order: NDArray[np.int64], *, replicas: int, rank: int, drop_last: bool) -> NDArray[np.int64]:
    """Take every `replicas`-th row of an epoch's order, as many on each rank.

    Args:
        order: (K,) row numbers.
        replicas: Number of ranks, at least 1.
        rank: Which of them, 0 to replicas - 1.
        drop_last: Whether the end of the order is left out where it cannot be split evenly, rather than the order
            filled up with its first rows.

    Returns:
        The rank's row numbers.
    """
    total = share_length(len(order), replicas=replicas, drop_last=drop_last) * replicas
    if total > len(order):
        order = np.resize(order, total)  # numpy fills up with the first rows, again and again
    return order[rank:total:replicas]
