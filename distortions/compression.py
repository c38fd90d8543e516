"""Compression: JPEG 2000 and JPEG, encoded and decoded in memory."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .numerics.coded_image import CodedImage
from .numerics.min_max import rounded_codes

FULL = 255.0
CHROMA_420 = 2  # Pillow's number for halving both colour channels in both directions


def jpeg2000(image: CodedImage, ratio: float) -> CodedImage:
    """Code the image in ``H W 3 / ratio`` bytes of JPEG 2000 and decode it (type 9)."""
    return _decoded(jpeg2000_bytes(rounded_codes(image), ratio))


def jpeg(image: CodedImage, quality: float) -> CodedImage:
    """Code the image as baseline JPEG of ``quality`` and decode it (type 10)."""
    return _decoded(jpeg_bytes(rounded_codes(image), int(quality)))


def jpeg2000_bytes(codes: NDArray[np.uint8], ratio: float) -> bytes:
    """Return a JPEG 2000 file: 9/7 wavelet, irreversible colour transform, one tile, one quality layer.

    Args:
        codes: H x W x 3 RGB, uint8.
        ratio: Size of the samples over the size of the file.

    Returns:
        The file; OpenJPEG cuts it to ``H W 3 / ratio`` bytes or a little under.
    """
    return _coded(
        codes,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[ratio],
        irreversible=True,
        mct=1,
    )


def jpeg_bytes(codes: NDArray[np.uint8], quality: int) -> bytes:
    """Return a baseline JPEG file: libjpeg's tables at ``quality``, colour at half resolution.

    Args:
        codes: H x W x 3 RGB, uint8.
        quality: 1 to 100.

    Returns:
        The file.
    """
    return _coded(codes, "JPEG", quality=quality, subsampling=CHROMA_420)


def _coded(codes: NDArray[np.uint8], file_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    Image.fromarray(codes).save(buffer, file_format, **options)
    return buffer.getvalue()


def _decoded(coded: bytes) -> CodedImage:
    with Image.open(BytesIO(coded)) as opened:
        codes = np.array(opened, dtype=np.uint8)
    return CodedImage(codes, np.arange(256) / FULL)
