"""Image files in memory: 8-bit pictures to bytes and back, by Pillow's codecs."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encode(codes: NDArray[np.uint8], file_format: str, **options: object) -> bytes:
    """Return an image file.

    Args:
        codes: H x W x 3 RGB, uint8.
        file_format: Pillow's name of the format.
        **options: What Pillow's writer of that format takes.

    Returns:
        The file.
    """
    buffer = BytesIO()
    Image.fromarray(codes).save(buffer, file_format, **options)
    return buffer.getvalue()


def decode(content: bytes) -> NDArray[np.uint8]:
    """Return the picture of an RGB image file, H x W x 3, uint8."""
    with Image.open(BytesIO(content)) as opened:
        return np.array(opened, dtype=np.uint8)
