"""How long a training is, and the batches that it goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .epochs import Chooser

_LAST = 8  # the last eighth of a training


@dataclass(frozen=True)
class Length:
    """The end of a training: after so many steps, or after so many epochs, however long they are.

    Attributes:
        steps: Batches; None where epochs are counted.
        epochs: Epochs; None where steps are counted.
    """

    steps: int | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        """Refuse both, or neither."""
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("a training ends after steps or after epochs: give one of them")

    def is_over(self, done: int, epoch: int) -> bool:
        """Tell whether a training ends: after `done` steps, before an epoch of this number begins."""
        return done >= self.steps if self.steps is not None else epoch >= (self.epochs or 0)

    def is_late(self, done: int, epoch: int) -> bool:
        """Tell whether the last eighth has begun: of the steps, or of the epochs (one at least)."""
        if self.steps is not None:
            return done >= self.steps - self.steps // _LAST
        epochs = self.epochs or 0
        return epoch >= epochs - max(1, epochs // _LAST)


class Batch(NamedTuple):
    """Rows of a step and what their errors count."""

    rows: NDArray[np.int64]
    weights: NDArray[np.float32]


def batches(
    length: Length,
    chooser: Chooser,
    size: int,
    rng: np.random.Generator,
    features: Callable[[], NDArray[np.float32]],
) -> Iterator[Batch]:
    """Give the batches of a training, epoch after epoch, the last of an epoch as short as it comes.

    Args:
        length: When it ends.
        chooser: The rows of each epoch.
        size: Rows per batch.
        rng: Shuffles.
        features: Gives the network's features of all rows.
    """
    done = epoch = 0
    while not length.is_over(done, epoch):
        late = length.is_late(done, epoch)
        chosen = chooser(epoch, late, features)
        order = rng.permutation(len(chosen.rows))
        for start in range(0, len(order), size):
            places = order[start : start + size]
            yield Batch(chosen.rows[places], chosen.weights[places])
            done += 1
            ends = length.steps is not None and length.is_over(done, epoch)
            if ends or (chooser.stops and not late and length.is_late(done, epoch)):
                break
        epoch += 1
