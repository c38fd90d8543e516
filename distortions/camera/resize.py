"""Resizing: smaller and back to its size, by the filters of various programs."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..numerics.coded_image import CodedImage, of_codes
from ..numerics.min_max import rounded_codes
from ..numerics.random_draws import checked

FILTER_NUMBERS = 2  # down, up
# OpenCV's filters do not widen when they shrink a picture, area apart; Pillow's do, as those of image editors.
DOWN = (
    ("opencv", cv2.INTER_AREA),
    ("opencv", cv2.INTER_LINEAR),
    ("opencv", cv2.INTER_CUBIC),
    ("opencv", cv2.INTER_NEAREST),
    ("pillow", Image.Resampling.BICUBIC),
    ("pillow", Image.Resampling.LANCZOS),
)
UP = (
    ("opencv", cv2.INTER_LINEAR),
    ("opencv", cv2.INTER_CUBIC),
    ("opencv", cv2.INTER_LANCZOS4),
    ("pillow", Image.Resampling.BICUBIC),
)


def resizing(image: CodedImage, share: float, draws: NDArray[np.float64]) -> CodedImage:
    """Shrink the picture and enlarge it to its size again (type 107).

    Args:
        image: The image.
        share: What is left of each side in between, above 0 and at most 1.
        draws: Two uniforms in [0, 1): which filter shrinks, which enlarges.

    Returns:
        The resized image, in 8-bit codes as programs write it.

    Source: filters of OpenCV and Pillow (ImageMagick's and Photoshop's are of the same kinds).
    """
    down, up = checked(draws, (FILTER_NUMBERS,), "resizing", "which filter shrinks and which enlarges").tolist()
    height, width = image.codes.shape[:2]
    small = (max(1, round(width * share)), max(1, round(height * share)))
    shrunk = _resized(rounded_codes(image), small, DOWN[int(down * len(DOWN))])
    return of_codes(_resized(shrunk, (width, height), UP[int(up * len(UP))]))


def draw_resizing(_share: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw two uniforms in [0, 1): which filter shrinks, which enlarges."""
    return rng.random(FILTER_NUMBERS)


def _resized(codes: NDArray[np.uint8], size: tuple[int, int], program_filter: tuple[str, int]) -> NDArray[np.uint8]:
    """Return a picture of another (width, height)."""
    program, kind = program_filter
    if program == "opencv":
        return np.asarray(cv2.resize(codes, size, interpolation=kind), np.uint8)
    return np.array(Image.fromarray(codes).resize(size, Image.Resampling(kind)), np.uint8)
