"""Squares cut out of pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]


def crop(image: Images, side: int, down: float, across: float) -> Images:
    """Cut out a square.

    Args:
        image: (H, W, 3).
        side: Of the square, in pixels.
        down: Where it lies, from 0 (top) to 1 (bottom).
        across: Likewise, from left to right.

    Raises:
        ValueError: The picture is smaller.
    """
    height, width = image.shape[:2]
    if min(height, width) < side:
        raise ValueError(f"a picture of {width} x {height} is smaller than a crop of {side}")
    top, left = round(down * (height - side)), round(across * (width - side))
    return image[top : top + side, left : left + side]


def random_crop(image: Images, side: int, rng: np.random.Generator) -> Images:
    """Cut out a square anywhere, mirrored half of the time."""
    down, across = rng.random(2)
    found = crop(image, side, down, across)
    return found[:, ::-1] if rng.random() < 0.5 else found
