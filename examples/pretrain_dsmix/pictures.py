"""A check of pictures before they are cropped."""

from dataclasses import dataclass

from PIL import Image
from syndr_curate import CurateError


@dataclass(frozen=True)
class LargeEnough:
    """A transform that refuses pictures smaller than a crop: torchvision would put a black border around them."""

    side: int

    def __call__(self, picture: Image.Image) -> Image.Image:
        if min(picture.size) < self.side:
            width, height = picture.size
            raise CurateError(
                f"a picture of {width}x{height} is smaller than --crop {self.side}; give a smaller --crop"
            )
        return picture
