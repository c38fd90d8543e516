"""The two images that a mix is made of, each with its reference."""

from ...distortions import stretch_uint8
from ..errors import RowError
from ..rendering.mix_recipes import MixRow
from ..rendering.pasting import common_size, crop_middle
from ..rendering.pixel_loader import PixelLoader
from ..rendering.render import Recipe
from .dsmix import DistortedPair


def load_sources(row: MixRow, pixels: PixelLoader) -> tuple[DistortedPair, DistortedPair]:
    """Load both images of a row with their references, cropped to their common size.

    Args:
        row: The row.
        pixels: Finds or makes the images.

    Returns:
        A and B. Of images that differ in size, the middle of each remains.

    Raises:
        RowError: An image or a reference cannot be had, or their sizes differ; the message names the source.
        CurateError: The folder of a file is not known.
    """
    a, b = (_load_source(source, pixels) for source in (row.a, row.b))
    height, width = common_size(a.image, b.image)
    first, second = (DistortedPair(*(crop_middle(image, height, width) for image in pair)) for pair in (a, b))
    return first, second


def _load_source(source: Recipe, pixels: PixelLoader) -> DistortedPair:
    try:
        reference, image = pixels.load_reference(source), pixels.load(source)
    except RowError as error:
        raise error.about(f"source {source.sample_id}") from error
    if image.shape != reference.shape:
        sizes = " and its reference ".join(f"{size[1]} x {size[0]}" for size in (image.shape, reference.shape))
        raise RowError(f"source {source.sample_id} has {sizes} pixels: what changed cannot be mapped")
    return DistortedPair(image, stretch_uint8(reference))
