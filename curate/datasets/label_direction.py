"""Check the direction of a label file: whether higher scores are better, as the user said."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Mean shift and contrast change: the levels go from one side through the mildest to the other side.
TWO_SIDED_TYPES = (18, 25)


def describe_reversed_labels(
    distortion_ids: Sequence[int], levels: Sequence[int], quality: NDArray[np.float64], *, lower_is_better: bool
) -> str | None:
    """Describe labels that look reversed: quality that rises with the level in most types.

    A higher level is a stronger distortion, so its quality should be lower.

    Args:
        distortion_ids: Of each of N images, 1-25.
        levels: Their levels, 1-5.
        quality: N on [0, 10], higher is better: as it comes out.
        lower_is_better: Whether the scores were flipped.

    Returns:
        What looks wrong and what to do; None if nothing does. Types with one level, and the two whose levels are no
        order of strength, do not count.
    """
    kinds, strengths = np.asarray(distortion_ids), np.asarray(levels, np.float64)
    rises: list[bool] = []
    for kind in sorted(set(kinds.tolist()) - set(TWO_SIDED_TYPES)):
        mine = kinds == kind
        above = strengths[mine] - strengths[mine].mean()
        if above.any():
            rises.append(bool(np.dot(above, quality[mine]) > 0))
    if 2 * sum(rises) <= len(rises):
        return None
    advice = (
        "leave out --lower-is-better (lower_is_better=False) if higher scores are better"
        if lower_is_better
        else "give --lower-is-better (lower_is_better=True) if lower scores are better"
    )
    return (
        f"quality rises with the level in {sum(rises)} of {len(rises)} types, and a higher level is a stronger "
        f"distortion: {advice}"
    )
