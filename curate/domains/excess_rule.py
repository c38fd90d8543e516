"""The rule that selects types that a target set shows more often than pristine photographs; it may select none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...distortions.catalog import PRISTINE
from ..errors import CurateError
from .pristine_scores import FALSE_ALARMS, PristineScores
from .selection_rule import CLASSES, check_scores

LEAST_SHARE = 0.03
LEAST_OF_LARGEST = 0.25
_CHANCE = 0.01 / (CLASSES - 1)  # 1 % for all types together
_RESAMPLES = 200
_SEED = 123


@dataclass(frozen=True)
class ExcessSelection:
    """The selection for a target set.

    Attributes:
        types: Selected distortion ids, rising.
        excess: Mean score of each class less its mean over pristine photographs, float64 (26,).
        shown_counts: Images whose score of a class is above what one in a hundred pristine photographs exceeds, (26,).
        top1_counts: Images of which each class is the best, int64 (26,).
        certainty: Share of 200 resamples of the images in which each class is selected, float64 (26,).
        images: Number of images N.
        left_out: Excluded types that the images show beyond pristine photographs, rising.
    """

    types: tuple[int, ...]
    excess: NDArray[np.float64]
    shown_counts: NDArray[np.int64]
    top1_counts: NDArray[np.int64]
    certainty: NDArray[np.float64]
    images: int
    left_out: tuple[int, ...] = ()

    @property
    def shares(self) -> dict[int, float]:
        """Type to the share of images that show it."""
        return {kind: int(self.shown_counts[kind]) / self.images for kind in range(1, CLASSES)}

    @property
    def top1_shares(self) -> dict[int, float]:
        """Class (0 is pristine) to the share of images of which it is the best; they sum to 1."""
        return {kind: int(self.top1_counts[kind]) / self.images for kind in range(CLASSES)}


def select_by_excess(
    scores: NDArray[np.floating],
    pristine: PristineScores,
    *,
    most: int | None = None,
    excluded: Collection[int] = (),
) -> ExcessSelection:
    """Select the types that a target set shows more often than pristine photographs do.

    A class score is no share: types that look alike share their scores, and mild tone changes look like photographs of
    other cameras. So each class is compared with itself on pristine photographs. A type is selected when

    1. more images show it than false alarms explain: at least 3 % of them, and so many that chance would give them in
       less than 1 % of pristine sets (binomial, all types together), and
    2. its mean score is above that of pristine photographs, by at least a quarter of the largest such excess.

    Of more than `most` types those with the largest excess are taken.

    Args:
        scores: Class scores of N images, (N, 26), rows that sum to 1.
        pristine: The classifier's scores of pristine photographs.
        most: Types at most; None: no limit.
        excluded: Types that are never selected; the others are selected as if there were none of them.

    Raises:
        CurateError: No image, not 26 finite scores for each, or a limit below 1.

    Source: this project (docs/domain-selection.md).
    """
    check_scores(scores)
    if most is not None and most < 1:
        raise CurateError(f"--max-types {most}: expected 1 or more")
    images = len(scores)
    # The order of the images must not matter, not even to the resamples.
    values = np.asarray(scores, np.float64)[np.lexsort(np.asarray(scores).T[::-1])]
    shows = values > pristine.limits
    needed = _needed(images)
    possible = np.array([kind not in (PRISTINE, *excluded) for kind in range(CLASSES)])

    def chosen(mean: NDArray[np.float64], shown: NDArray[np.floating]) -> list[int]:
        excess = np.where(possible, mean - pristine.means, -np.inf)
        enough = possible & (shown >= needed) & (excess > 0) & (excess >= LEAST_OF_LARGEST * excess.max())
        ranked = np.argsort(-excess, kind="stable")
        return [int(kind) for kind in ranked if enough[kind]][:most]

    selected = np.zeros(CLASSES, np.int64)
    rng = np.random.Generator(np.random.PCG64(_SEED))
    for _ in range(_RESAMPLES):
        weight = np.bincount(rng.integers(images, size=images), minlength=images).astype(np.float64)
        selected[chosen(weight @ values / images, weight @ shows)] += 1
    mean, shown = values.mean(axis=0), shows.sum(axis=0)
    best = np.bincount(np.argmax(values, axis=1), minlength=CLASSES)
    types, excess = tuple(sorted(chosen(mean, shown))), mean - pristine.means
    left_out = tuple(kind for kind in sorted(excluded) if shown[kind] >= needed and excess[kind] > 0)
    return ExcessSelection(types, excess, shown, best, selected / _RESAMPLES, images, left_out)


def _needed(images: int) -> int:
    """Return how many of N images must show a type."""
    from scipy import stats

    by_chance = int(stats.binom.isf(_CHANCE, images, FALSE_ALARMS)) + 1
    return max(by_chance, -(-round(100 * LEAST_SHARE) * images // 100))
