"""Linear light: what lenses, sensors and exposures work on."""

from __future__ import annotations

from ..numerics.coded_image import CodedImage
from ..numerics.lab import srgb_to_linear

LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709, of linear red, green and blue


def linear_light(image: CodedImage) -> CodedImage:
    """Return the image with every code standing for its linear light, 0 to 1, in place of its sRGB value."""
    return image.with_table(srgb_to_linear(image.table))
