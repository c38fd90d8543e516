"""The order in which an epoch without thinning comes, and each process's share of it."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from patches import stream
from torch.utils.data import Sampler


class EpochOrder(Sampler[int]):
    """All rows, in an order that the seed and the epoch decide: a resumed run sees the same.

    As `DRCDownSampler` it splits the rows over the processes itself, fills the last turn up with the epoch's first
    rows, and can begin in the middle of an epoch.
    """

    def __init__(self, rows: int, seed: int, *, count: int = 1, rank: int = 0) -> None:
        self.rows, self.seed, self.epoch = rows, seed, 0
        self.count, self.rank = count, rank
        self._start = self._begun = 0

    def __len__(self) -> int:
        return math.ceil(self.rows / self.count)

    def __iter__(self) -> Iterator[int]:
        order = stream(self.seed, self.epoch, "order").permutation(self.rows)
        start = self._begun = self._start
        self._start = 0
        turns = math.ceil((self.rows - start) / self.count)
        filled = np.resize(order, start + turns * self.count)  # numpy fills up with the first rows
        return iter(filled[start + self.rank :: self.count].tolist())

    def state_dict(self, *, rows_seen: int) -> dict[str, Any]:
        """Say where the epoch stands after this process trained on so many rows of the running iteration."""
        return {"epoch": self.epoch, "position": self._begun + rows_seen * self.count, "clusters": None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Begin the next iteration where `state_dict` was taken; the number of processes may differ."""
        self.epoch, self._start = state["epoch"], state["position"]
