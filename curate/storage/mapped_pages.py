"""Memory of a mapped file that was read: given back, as the file still has it."""

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray


def give_back_pages(array: NDArray[Any]) -> None:
    """Give the memory back that reading a memory-mapped array took; it can be read again as before.

    Args:
        array: A map of a file that was opened for reading only, or a view of one. Any other array is left alone.
    """
    owner: object = array
    while isinstance(owner, np.ndarray):
        if isinstance(owner, np.memmap) and owner.mode != "r":
            return  # what was written into it may be nowhere else
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)
