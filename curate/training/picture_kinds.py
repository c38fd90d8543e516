"""Conversion of a transform's input (PIL image, array or tensor) to an array and back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import CurateError

if TYPE_CHECKING:
    import torch

EXPECTED = "a PIL image, a uint8 array (H, W, 3) or a uint8 tensor (3, H, W)"
# Pillow's modes of 8 bits a channel that it converts to RGB by a plain formula.
_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB")
_CHANNELS = (1, 3, 4)
_TENSOR_DIMENSIONS = 3


def codes_of(image: object) -> NDArray[np.uint8]:
    """Return a picture as an array, which may share its memory: do not write to it.

    Args:
        image: PIL image of 8 bits a channel; array, taken as it is; uint8 tensor (C, H, W) in main memory, with 1, 3 or
            4 channels.

    Returns:
        The pixels, of a PIL image or a tensor (H, W, C) uint8.

    Raises:
        CurateError: It is of another kind.
    """
    if isinstance(image, np.ndarray):
        return image
    if isinstance(image, Image.Image):
        if image.mode not in _MODES:
            raise CurateError(f"an image of mode {image.mode} has not 8 bits a channel: convert it to RGB first")
        # Pillow knows no direct way from premultiplied gray.
        plain = image.convert("LA") if image.mode == "La" else image
        return np.asarray(plain.convert("RGB"))
    if not _is_tensor(image):
        raise CurateError(f"an image is a {type(image).__name__}; expected {EXPECTED}")
    if image.ndim != _TENSOR_DIMENSIONS or image.shape[0] not in _CHANNELS:
        raise CurateError(f"a tensor has the shape {tuple(image.shape)}; expected one image, (3, H, W), not a batch")
    if str(image.dtype) != "torch.uint8" or image.device.type != "cpu":
        raise CurateError(
            f"a tensor is {image.dtype} on {image.device}; expected torch.uint8 on cpu: distort it before it is "
            "converted or moved"
        )
    codes: NDArray[np.uint8] = image.permute(1, 2, 0).numpy()
    return codes


def in_kind_of(image: object, codes: NDArray[np.uint8]) -> Any:
    """Return pixels as what a transform was given.

    Args:
        image: What it was given.
        codes: (H, W, 3), RGB.

    Returns:
        A PIL image in mode RGB, an array (H, W, 3), or a tensor (3, H, W) of the same class.
    """
    if isinstance(image, Image.Image):
        return Image.fromarray(codes)
    if _is_tensor(image):
        import torch

        # torchvision's class for images, for one, has no data beside the pixels.
        return torch.from_numpy(np.ascontiguousarray(codes.transpose(2, 0, 1))).as_subclass(type(image))
    return codes


def _is_tensor(image: object) -> TypeGuard[torch.Tensor]:
    torch = sys.modules.get("torch")  # who has a tensor has loaded it
    return torch is not None and isinstance(image, torch.Tensor)
