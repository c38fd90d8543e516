"""Settings of `distort`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass

from ...distortions.catalog import LEVELS
from ..datasets.settings import IdStyle
from ..storage.formats import ImageFormat, Layout


@dataclass(frozen=True)
class DistortSettings:
    """What is done to every reference, and how the images are stored.

    Attributes:
        levels: Levels of each type.
        image_format: What the pixels are stored as.
        layout: How they are stored.
        ids: How ids are made from file names.
        seed: The run's seed.
    """

    levels: tuple[int, ...] = tuple(LEVELS)
    image_format: ImageFormat = "png"
    layout: Layout = "files"
    ids: IdStyle = "stem"
    seed: int = 123
