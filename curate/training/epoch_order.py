"""The order in which an epoch's rows come, and each rank's share of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError
from ..manifest.seeds import digest_ids
from ..whole_numbers import whole_number
from .sampler_state import is_over


class EpochIndices(Iterator[int]):
    """One rank's indices of one epoch, with a position that can be saved and gone back to.

    A position counts rows of the epoch's whole order, on all ranks together: it means the same for another number of
    ranks. torchdata's `StatefulDataLoader` finds `state_dict` and `load_state_dict` here and uses them.

    Attributes:
        epoch: The epoch that the indices belong to.
        start: The position of the first index.
        total: How many indices there are from there on.
        drawn: How many of them were given so far.
        outdated: Whether other rows were drawn in the meantime, so that no further index may be given.
    """

    def __init__(
        self,
        share_from: Callable[[int], list[int]],
        *,
        epoch: int,
        replicas: int,
        start: int = 0,
        at_first: Callable[[], None] | None = None,
    ) -> None:
        """Begin before the first of the indices.

        Args:
            share_from: Gives the rank's indices from a position on.
            epoch: The epoch that they belong to.
            replicas: Number of ranks: each index moves the position on by so many rows.
            start: Where to begin.
            at_first: Called before the first index is given.
        """
        self.epoch = epoch
        self.outdated = False
        self._share_from, self._replicas, self._at_first = share_from, replicas, at_first
        self._go_to(start)

    def __next__(self) -> int:
        """Return the next index.

        Raises:
            CurateError: Other rows were drawn since this iteration began.
        """
        if self.outdated:
            raise CurateError(
                f"the indices of epoch {self.epoch} are asked for after the sampler went on to other rows: call "
                "set_epoch or update before the loader is iterated, and iterate it again for every epoch"
            )
        if self._at_first is not None:
            self._at_first()
            self._at_first = None
        if self.is_over:
            raise StopIteration
        self.drawn += 1
        return self._indices[self.drawn - 1]

    @property
    def is_over(self) -> bool:
        """Whether every index was given."""
        return self.drawn == self.total

    def state_dict(self) -> dict[str, int]:
        """Return the epoch, the position in it and whether that is its end."""
        return {
            "epoch": self.epoch,
            "position": self.start + self.drawn * self._replicas,
            "finished": self.is_over,
        }

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go to a saved position of the same epoch; after the end of an earlier one, stay.

        Raises:
            CurateError: It is no state, or the position is one in another epoch.
        """
        if not is_over(state, self.epoch):
            self._go_to(whole_number("the position in the loader's state", state.get("position"), least=0))

    def _go_to(self, position: int) -> None:
        self._indices = self._share_from(position)
        self.start, self.total, self.drawn = position, len(self._indices), 0


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


def share_of_rank(
    order: NDArray[np.int64], *, replicas: int, rank: int, drop_last: bool, start: int = 0
) -> NDArray[np.int64]:
    """Take every `replicas`-th row of an epoch's order, as many on each rank.

    Args:
        order: (K,) row numbers.
        replicas: Number of ranks, at least 1.
        rank: Which of them, 0 to replicas - 1.
        drop_last: Whether the end of the order is left out where it cannot be split evenly, rather than the order
            filled up with its first rows.
        start: How many rows of the order all ranks together have had already.

    Returns:
        The rank's row numbers.
    """
    left = len(order) - start
    if left <= 0:
        return order[:0]
    end = start + share_length(left, replicas=replicas, drop_last=drop_last) * replicas
    if end > len(order):
        order = np.resize(order, end)  # numpy fills up with the first rows, again and again
    return order[start + rank : end : replicas]
