"""The five patches of a picture that a domain classifier sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PATCHES = 5  # DGQA: class scores are averaged over five patches per image


def patch_corners(height: int, width: int, patch: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Return the corners of the five patches: in the middle and in the four corners of the picture.

    Args:
        height: Of the picture.
        width: Of the picture.
        patch: Height and width of a patch, no larger than the picture.

    Returns:
        (top, left) of each patch, PATCHES of them; they overlap in a picture of less than two patches a side.
    """
    bottom, right = height - patch[0], width - patch[1]
    return ((bottom // 2, right // 2), (0, 0), (0, right), (bottom, 0), (bottom, right))


def five_patches(image: NDArray[np.uint8], patch: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Cut the five patches of a picture.

    Args:
        image: uint8 (H, W, 3).
        patch: Height and width of a patch.

    Returns:
        PATCHES arrays, uint8 (h, w, 3), contiguous.
    """
    corners = patch_corners(image.shape[0], image.shape[1], patch)
    return [cut(image, top, left, patch) for top, left in corners]


def random_patch(image: NDArray[np.uint8], patch: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Cut one patch from anywhere in a picture, uint8 (h, w, 3), contiguous."""
    top = int(rng.integers(0, image.shape[0] - patch[0] + 1))
    left = int(rng.integers(0, image.shape[1] - patch[1] + 1))
    return cut(image, top, left, patch)


def cut(image: NDArray[np.uint8], top: int, left: int, patch: tuple[int, int]) -> NDArray[np.uint8]:
    """Cut a patch, uint8 (h, w, 3), contiguous."""
    return np.ascontiguousarray(image[top : top + patch[0], left : left + patch[1]])
