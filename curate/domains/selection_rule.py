"""DGQA's counting rule: from class scores of images to a list of distortion types."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...distortions.catalog import CATALOG
from ..errors import CurateError

CLASSES = len(CATALOG) + 1  # class 0 is pristine, class k is type k
COUNTED = 4  # ranks of an image that are counted
PLACES = COUNTED - 1  # DGQA divides by 3 N: class 0 takes one of the four places
# round(count / (3 N), 2) >= 0.04, halves rounded up, in whole numbers: 200 count >= 21 N.
_SHARE_NUMERATOR, _SHARE_DENOMINATOR = 21, 200


@dataclass(frozen=True)
class Selection:
    """The selection for a target set.

    Attributes:
        types: Selected distortion ids, rising.
        counts: Images in which each class takes one of the four places, int64 (26,).
        top1_counts: Images of which each class is the best, int64 (26,).
        images: Number of images N.
    """

    types: tuple[int, ...]
    counts: NDArray[np.int64]
    top1_counts: NDArray[np.int64]
    images: int

    @property
    def shares(self) -> dict[int, float]:
        """Type to count / (3 N), what the published rule compares with 0.04."""
        return {kind: int(self.counts[kind]) / (PLACES * self.images) for kind in range(1, CLASSES)}

    @property
    def top1_shares(self) -> dict[int, float]:
        """Class (0 is pristine) to the share of images of which it is the best; they sum to 1."""
        return {kind: int(self.top1_counts[kind]) / self.images for kind in range(CLASSES)}


def select_types(scores: NDArray[np.floating]) -> Selection:
    """Count the four best classes of every image and select the types that are counted often enough.

    Args:
        scores: Class scores of N images, (N, 26); higher is more likely. Of equal scores the smaller class comes first.

    Returns:
        The selection; class 0 is counted, but never selected. Some type always is.

    Raises:
        CurateError: No image, or not 26 finite scores for each.

    Source: DGQA (CVPR 2024), selection of distortion types.
    """
    check_scores(scores)
    ranked = np.argsort(-scores, axis=1, kind="stable")
    counts = np.bincount(ranked[:, :COUNTED].ravel(), minlength=CLASSES)
    top1 = np.bincount(ranked[:, 0], minlength=CLASSES)
    images = len(scores)
    enough = [k for k in range(1, CLASSES) if _SHARE_DENOMINATOR * int(counts[k]) >= _SHARE_NUMERATOR * images]
    return Selection(tuple(enough), counts, top1, images)


def check_scores(scores: NDArray[np.floating]) -> None:
    """Refuse values that are no class scores of images.

    Raises:
        CurateError: No image, or not 26 finite scores for each.
    """
    if scores.ndim != 2 or scores.shape[1] != CLASSES:  # noqa: PLR2004
        raise CurateError(f"class scores have the shape {scores.shape}, expected (images, {CLASSES})")
    if not len(scores):
        raise CurateError("no image to select distortion types for: give the scores of one image or more")
    if not np.isfinite(scores).all():
        raise CurateError("class scores hold values that are not finite")
