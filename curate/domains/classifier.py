"""Classifiers of the 26 classes: the interface of a domain classifier, and the one that needs a processor only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import RowError
from .mlp_ensemble import Ensemble
from .patches import five_patches
from .pristine_scores import PristineScores
from .settings import KindName

STAGE = "domains fit"
LIGHT_PATCH = 256  # pixels a side at most
_LIGHT_STEP = 32  # patch sides are multiples of it, so that halving five times stays exact
LIGHT_MINIMUM = 64


class DomainClassifier(Protocol):
    """A classifier of the 26 classes.

    Attributes:
        kind: Its public name.
        pristine: What it says of pristine photographs; None where that is not known.
    """

    kind: KindName
    pristine: PristineScores | None

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Cut an image's five patches and preprocess them; safe to call from several threads.

        Raises:
            RowError: The image is too small; the message says so.
        """

    def scores(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return the class scores of B prepared images, averaged over their patches; (B, 26), rows sum to 1."""

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return all trained arrays, by name."""


class LightClassifier:
    """Hand-made features and an ensemble of small networks; needs a processor only."""

    kind: KindName = "light"

    def __init__(self, ensemble: Ensemble, pristine: PristineScores | None = None) -> None:
        """Take a trained ensemble, and its scores on pristine photographs."""
        self._ensemble = ensemble
        self.pristine = pristine

    def prepare(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the features of the five patches, float32 (5, F)."""
        from .features import domain_features

        return np.stack([domain_features(patch) for patch in five_patches(image, light_patch(image))])

    def scores(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return mean class probabilities over the patches, (B, 26)."""
        return np.stack([self._ensemble.scores(features).mean(axis=0) for features in prepared])

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return the ensemble's arrays, and its scores on pristine photographs."""
        return self._ensemble.arrays() | ({} if self.pristine is None else self.pristine.arrays())


def light_patch(image: NDArray[np.uint8]) -> tuple[int, int]:
    """Return height and width of the patches that the light classifier looks at.

    Raises:
        RowError: The image is too small for any.
    """
    height, width = image.shape[:2]
    if min(height, width) < LIGHT_MINIMUM:
        raise RowError(f"{width}x{height} is smaller than {LIGHT_MINIMUM}x{LIGHT_MINIMUM}")
    return min(LIGHT_PATCH, height // _LIGHT_STEP * _LIGHT_STEP), min(LIGHT_PATCH, width // _LIGHT_STEP * _LIGHT_STEP)
