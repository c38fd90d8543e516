"""Compression: JPEG 2000 and JPEG, encoded and decoded in memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .numerics.codecs import decode, encode
from .numerics.coded_image import CodedImage, of_codes
from .numerics.min_max import rounded_codes

CHROMA_420 = 2  # Pillow's number for halving both color channels in both directions


def jpeg2000(image: CodedImage, ratio: float) -> CodedImage:
    """Code the image in ``H W 3 / ratio`` bytes of JPEG 2000 and decode it (type 9)."""
    return of_codes(decode(jpeg2000_bytes(rounded_codes(image), ratio)))


def jpeg(image: CodedImage, quality: float) -> CodedImage:
    """Code the image as baseline JPEG of ``quality`` and decode it (type 10)."""
    return of_codes(decode(jpeg_bytes(rounded_codes(image), int(quality))))


def jpeg2000_bytes(codes: NDArray[np.uint8], ratio: float) -> bytes:
    """Return a JPEG 2000 file: 9/7 wavelet, irreversible color transform, one tile, one quality layer.

    Args:
        codes: H x W x 3 RGB, uint8.
        ratio: Size of the samples over the size of the file.

    Returns:
        The file; OpenJPEG cuts it to ``H W 3 / ratio`` bytes or a little under.
    """
    return encode(
        codes,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[ratio],
        irreversible=True,
        mct=1,
    )


def jpeg_bytes(codes: NDArray[np.uint8], quality: int) -> bytes:
    """Return a baseline JPEG file: libjpeg's tables at ``quality``, color at half resolution.

    Args:
        codes: H x W x 3 RGB, uint8.
        quality: 1 to 100.

    Returns:
        The file.
    """
    return encode(codes, "JPEG", quality=quality, subsampling=CHROMA_420)
