"""What the random types share: a check of the numbers they are handed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def checked(draws: NDArray[np.float64], shape: tuple[int, ...], name: str, meaning: str) -> NDArray[np.float64]:
    """Return draws in their expected shape.

    Args:
        draws: As many numbers as ``shape`` holds, in that shape or flat.
        shape: The shape the distortion works with.
        name: Name of the distortion, for the message.
        meaning: What the numbers are, for the message.

    Returns:
        The numbers, float64, C-contiguous, in ``shape``.

    Raises:
        ValueError: If their shape is another one.
    """
    size = int(np.prod(shape))
    if draws.shape != shape and not (draws.ndim <= 1 and draws.size == size):
        message = f"draws of {name} must be {meaning}, of shape {shape}, not {draws.shape}: see draw() for the layout"
        raise ValueError(message)
    return np.ascontiguousarray(draws, dtype=np.float64).reshape(shape)
