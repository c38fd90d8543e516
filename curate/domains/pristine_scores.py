"""A classifier's scores on pristine photographs: its false alarms, which a selection of types is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .selection_rule import CLASSES

FALSE_ALARMS = 0.01  # of pristine pictures, by how `limits` are set
_MEANS, _LIMITS = "pristine.means", "pristine.limits"


@dataclass(frozen=True)
class PristineScores:
    """How high a classifier scores each class where there is no distortion.

    Attributes:
        means: Mean score of each class over pristine pictures that the classifier has not seen, float32 (26,).
        limits: The score that one in a hundred of these pictures exceeds, float32 (26,).
    """

    means: NDArray[np.float32]
    limits: NDArray[np.float32]

    @classmethod
    def of_scores(cls, scores: NDArray[np.floating]) -> PristineScores | None:
        """Describe the class scores of pristine pictures, (N, 26); None where there is no picture."""
        if not len(scores):
            return None
        # "higher": with few pictures the limit is the largest score, and no number between two.
        limits = np.quantile(scores, 1 - FALSE_ALARMS, axis=0, method="higher")
        return cls(scores.mean(axis=0, dtype=np.float64).astype(np.float32), limits.astype(np.float32))

    @classmethod
    def from_arrays(cls, named: Mapping[str, NDArray[np.float32]]) -> PristineScores | None:
        """Read what `arrays` gave; None where a classifier was saved without.

        Raises:
            ValueError: One of the two arrays alone, or not a finite number for each class.
        """
        found = {name: named[name] for name in (_MEANS, _LIMITS) if name in named}
        if not found:
            return None
        if len(found) == 1:
            (there,) = found
            raise ValueError(f"{there} is there without {_LIMITS if there == _MEANS else _MEANS}")
        for name, array in found.items():
            if array.shape != (CLASSES,):
                raise ValueError(f"{name} has the shape {array.shape}, expected ({CLASSES},)")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds values that are not finite")
        return cls(found[_MEANS], found[_LIMITS])

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return everything there is to save, by name."""
        return {_MEANS: self.means, _LIMITS: self.limits}
