"""Degradations as cameras, phones and web sites make them: the camera family, one to four of its types at once.

A picture passes, in this order, through optics, a sensor, white balance, tone mapping, resizing and compression; it
meets each at most once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from syndr_curate.distortions import CAMERA, LEVELS, Distortion, distort

SHARE_OF_STEPS = (0.3, 0.35, 0.25, 0.1)  # chance of one, two, three, four steps
# The types of each part of a camera, in the order in which a picture meets the parts.
PARTS: tuple[tuple[Distortion, ...], ...] = tuple(
    tuple(entry for entry in CAMERA if entry.subfamily == subfamily)
    for subfamily in dict.fromkeys(entry.subfamily for entry in CAMERA)
)


def degrade(image: NDArray[np.uint8], seed: int) -> tuple[NDArray[np.uint8], tuple[tuple[str, int], ...]]:
    """Degrade a picture as its seed says.

    Args:
        image: uint8 (H, W, 3) RGB, at least 2 pixels a side.
        seed: Decides which steps are applied and how strongly.

    Returns:
        The degraded picture, of the same shape, and the names and levels of the steps in order. No step stretches the
        picture, as no camera does.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    count = 1 + int(rng.choice(len(SHARE_OF_STEPS), p=SHARE_OF_STEPS))
    steps = []
    for place in sorted(rng.choice(len(PARTS), size=count, replace=False).tolist()):
        entry = PARTS[place][int(rng.integers(len(PARTS[place])))]
        # Steps that come together are milder, or nothing would be left of the picture.
        level = LEVELS[int(float(rng.random()) ** count * len(LEVELS))]
        image = distort(image, entry.id, level, seed=int(rng.integers(1 << 62)), stretch=False)
        steps.append((entry.name, level))
    return image, tuple(steps)
