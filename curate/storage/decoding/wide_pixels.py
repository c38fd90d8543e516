"""Pixels of more than 8 bits a channel, rounded to 8."""

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

_EIGHT_BITS, _SIXTEEN_BITS = 255, 65535
# Pillow keeps the high byte of 16-bit colors. Its raw mode of the other byte order gives the low one of the same data.
_OTHER_ORDER = {"L": "B", "B": "L", "N": "B" if sys.byteorder == "little" else "L"}
_GRAY_WITH_ALPHA = "LA;16B"
# What Pillow calls the bits of a file to the highest value that its pixels have then.
_HIGHEST = {"I;12": 4095}
_SCALED_TO_16_BITS = ("PPM",)


class UndefinedRangeError(ValueError):
    """Nothing says which of the pixels' values is white."""


def wide_gray(image: Image.Image, rawmode: str, image_format: str | None) -> NDArray[np.uint8] | None:
    """Round a gray image of more than 8 bits to 8; None where it is of another kind.

    Args:
        image: As Pillow loaded it.
        rawmode: What Pillow called the file's pixels, empty where it did not say.
        image_format: The file's format.

    Returns:
        uint8 array (H, W).

    Raises:
        UndefinedRangeError: Floating-point, signed or 32-bit pixels, or 16-bit ones with values of 8 bits.
    """
    if image.mode == "F":
        raise UndefinedRangeError("floating-point pixels have no defined 8-bit range")
    # Mode I has 32 bits: whether 0..255 or 0..65535 of them are meant, its values do not show.
    if image.mode == "I" and image_format not in _SCALED_TO_16_BITS:
        kind = "signed 16-bit" if rawmode in ("I;16S", "I;16BS") else "32-bit"
        raise UndefinedRangeError(f"{kind} pixels have no defined 8-bit range; save the image with 8 or 16 bits")
    if image.mode.startswith("I;16") and rawmode not in _HIGHEST:
        return _rounded_from_16(np.asarray(image).astype(np.uint32))
    if image.mode == "I" or image.mode.startswith("I;16"):
        return _rounded(np.asarray(image).astype(np.uint32), _HIGHEST.get(rawmode, _SIXTEEN_BITS))
    return None


def rawmode_of(image: Image.Image) -> str:
    """Return what Pillow calls the pixels in an opened file, before it loads them; empty where it does not say."""
    if not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return ""
    args = image.tile[0].args
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def load_wide_color(
    image: Image.Image, rawmode: str, load_again: Callable[[Callable[[Image.Image], None]], Image.Image]
) -> Image.Image | None:
    """Round an image of 16 bits a channel to 8; None where it is of another kind.

    Args:
        image: As Pillow loaded it, with the high bytes.
        rawmode: What Pillow called the file's pixels.
        load_again: Opens the file once more, lets a function change how it will be read, and loads it.

    Returns:
        An image of the same mode.

    Raises:
        UndefinedRangeError: Its values are of 8 bits.
    """
    if rawmode == _GRAY_WITH_ALPHA:
        gray_and_alpha = load_again(lambda other: _read_as(other, "RGBA"))
        high, low = np.moveaxis(np.asarray(gray_and_alpha)[..., :2], -1, 0)
        return Image.fromarray(_rounded_from_16(high.astype(np.uint32) * 256 + low))
    name, _, order = rawmode.partition(";16")
    if order not in _OTHER_ORDER or image.mode not in ("L", "RGB", "RGBA", "CMYK"):
        return None
    other = load_again(lambda again: _read_as(again, f"{name};16{_OTHER_ORDER[order]}"))
    high, low = np.asarray(image).astype(np.uint32), np.asarray(other)
    return Image.fromarray(_rounded_from_16(high * 256 + low), image.mode)


def _read_as(image: Image.Image, rawmode: str) -> None:
    if isinstance(image, ImageFile.ImageFile):
        image.tile = [
            tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
            for tile in image.tile
        ]


def _rounded_from_16(values: NDArray[np.uint32]) -> NDArray[np.uint8]:
    # Alpha is at its highest wherever a picture is opaque.
    colors = np.atleast_3d(values)[..., :3]
    highest = int(colors.max(initial=0))
    if 0 < highest <= _EIGHT_BITS:  # it would turn black: an 8-bit picture was put into 16 bits unscaled
        raise UndefinedRangeError(
            f"16-bit pixels of which none is above {highest}: 8-bit values in a 16-bit file; save the image with 8 bits"
        )
    return _rounded(values, _SIXTEEN_BITS)


def _rounded(values: NDArray[np.uint32], highest: int) -> NDArray[np.uint8]:
    return ((values * 255 + highest // 2) // highest).astype(np.uint8)
