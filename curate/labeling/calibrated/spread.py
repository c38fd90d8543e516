"""The uncertainty of a calibrated label: the errors on types that the map did not see, by predicted label."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COVERED = 0.6827  # share of normal errors within one standard deviation
BINS = 5


@dataclass(frozen=True)
class Spread:
    """The error that 68 % of labels keep to, per bin of predicted label: labels in the middle are less certain.

    Attributes:
        edges: BINS - 1 predicted labels between the bins, ascending, on [0, 10].
        widths: BINS errors on the same scale.
    """

    edges: tuple[float, ...]
    widths: tuple[float, ...]

    @classmethod
    def of(cls, predicted: NDArray[np.float64], errors: NDArray[np.float64]) -> "Spread":
        """Take the bins from labels predicted for unseen types: as many in each.

        Args:
            predicted: n labels on [0, 10].
            errors: Their n absolute errors.
        """
        edges = np.quantile(predicted, np.arange(1, BINS) / BINS)
        bins = np.searchsorted(edges, predicted, side="right")
        # Equal predictions may leave a bin empty; it gets what holds of all.
        parts = [errors[bins == number] for number in range(BINS)]
        widths = [float(np.quantile(part if len(part) else errors, COVERED)) for part in parts]
        return cls(tuple(edges.tolist()), tuple(widths))

    def at(self, predicted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the `label_std` of predicted labels.

        Args:
            predicted: n labels on [0, 10].
        """
        return np.array(self.widths)[np.searchsorted(self.edges, predicted, side="right")]
