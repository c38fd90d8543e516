"""The pixels of a mix: one image pasted into a box of another."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Region = NDArray[np.bool_]


class Box(NamedTuple):
    """A rectangle of pixels; the right column and the bottom row lie outside."""

    left: int
    top: int
    right: int
    bottom: int

    def region(self, height: int, width: int) -> Region:
        """Return an (H, W) mask that is True inside."""
        mask = np.zeros((height, width), np.bool_)
        mask[self.top : self.bottom, self.left : self.right] = True
        return mask


def paste(a: NDArray[np.uint8], b: NDArray[np.uint8], region: Region) -> NDArray[np.uint8]:
    """Return B where the region is True and A elsewhere; all (H, W, ...)."""
    return np.where(region[..., np.newaxis], b, a)


def crop_middle(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Return the middle of a picture; of an odd rest, the smaller half is cut off at the top and at the left.

    Args:
        image: (H, W, 3), at least as large as asked for.
        height: Wanted, in pixels.
        width: Likewise.
    """
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]


def common_size(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the (height, width) that both pictures can be cropped to."""
    return min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
