"""What every training of a network here keeps to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold torch to one thread: sums do not depend on the machine then, and several trainings run side by side."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def with_direction(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give pictures on which every unit is silent a direction of their own, so that a cosine is defined.

    Args:
        matrix: (N, D) features.

    Returns:
        The same where no row is zero; else (N, D + 1).
    """
    silent = (matrix == 0).all(axis=1)
    if not silent.any():
        return matrix
    extra = silent[:, np.newaxis].astype(np.float32)
    return np.concatenate([matrix, extra], axis=1)
