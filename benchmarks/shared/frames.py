"""Photographs to square frames."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.errors import CurateError


def cut_frame(photograph: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Shrink a photograph until its shorter side has the length asked for, and cut out the center.

    Args:
        photograph: uint8 (H, W, 3) RGB.
        side: Of the frame, in pixels.

    Returns:
        uint8 (side, side, 3) RGB.

    Raises:
        CurateError: The photograph is smaller than the frame.
    """
    height, width = photograph.shape[:2]
    share = side / min(height, width)
    if share > 1:
        raise CurateError(f"a photograph of {width}x{height} is smaller than the frame of {side} pixels a side")
    shape = (max(side, round(width * share)), max(side, round(height * share)))
    small = cv2.resize(photograph, shape, interpolation=cv2.INTER_AREA)
    top, left = (small.shape[0] - side) // 2, (small.shape[1] - side) // 2
    return np.ascontiguousarray(small[top : top + side, left : left + side], np.uint8)
