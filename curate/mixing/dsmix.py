"""DSMix on pixels: a patch of one distorted image on another, and how much of each distortion is left to see."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...distortions.numerics.compiled import compiled
from ..errors import RowError
from ..rendering.pasting import Box, Region, paste
from .sensitivity import SensitivityMap, sensitivity_map
from .settings import MixSettings

_DRAWS = 100


class DistortedPair(NamedTuple):
    """A distorted image and its reference.

    Attributes:
        image: The distorted image, uint8 (H, W, 3) RGB.
        reference: Its reference after the generator's entry stretch, the same shape.
    """

    image: NDArray[np.uint8]
    reference: NDArray[np.uint8]


class Confidences(NamedTuple):
    """How much of each source's visible change a mix still shows, each in [0, 1]."""

    a: float
    b: float

    def normalized(self) -> "Confidences":
        """Return both divided by their sum.

        Raises:
            RowError: Both are 0.
        """
        total = self.a + self.b
        if total == 0:
            raise RowError("neither distortion shows in its part of the mix")
        return Confidences(self.a / total, self.b / total)


@dataclass(frozen=True)
class Mix:
    """A mixed image and its measurements.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        raw: Share of each source's map that is left in the mix.
        maps: Sensitivity maps of A and B.
    """

    image: NDArray[np.uint8]
    raw: Confidences
    maps: tuple[SensitivityMap, SensitivityMap]


def mix_sources(a: DistortedPair, b: DistortedPair, region: Region, *, sigma: float = MixSettings.sigma) -> Mix:
    """Paste B where the region is True and keep A elsewhere, and measure how much of each distortion is visible.

    Swapping A and B together with inverting the region gives the same image and swaps the confidences.

    Args:
        a: The background.
        b: The patch, of the same size.
        region: (H, W) mask, True where B shows.
        sigma: Smoothing of the sensitivity maps in pixels.

    Returns:
        The mix.

    Raises:
        ValueError: The sizes differ, or an image and its reference differ in size.

    Source: Shi et al., "DSMix", ECCV 2024; the box is CutMix's (Yun et al., ICCV 2019).
    """
    if a.image.shape != b.image.shape:
        raise ValueError(f"the images to mix have the shapes {a.image.shape} and {b.image.shape}")
    maps = sensitivity_map(*a, sigma=sigma), sensitivity_map(*b, sigma=sigma)
    return Mix(paste(a.image, b.image, region), confidences(maps[0].values, maps[1].values, region), maps)


def confidences(map_a: NDArray[np.float64], map_b: NDArray[np.float64], region: Region) -> Confidences:
    """Measure how visible two distortions are in a mix.

    Args:
        map_a: Sensitivity map of the background, (H, W), sum 1.
        map_b: Sensitivity map of the patch, (H, W), sum 1.
        region: (H, W) mask, True where B shows.

    Returns:
        The mass of A's map outside the region and of B's map inside, raw.
    """
    return Confidences(_mass(map_a, region, False), _mass(map_b, region, True))


def draw_box(height: int, width: int, rng: np.random.Generator, *, alpha: float = MixSettings.alpha) -> Box:
    """Draw the box of a mix as CutMix does.

    The background's share is drawn from Beta(alpha, alpha), the middle of the box uniformly. The box has the picture's
    proportions and is cut off at its border. Unlike there, a box that would leave one image only is drawn again.

    Args:
        height: Of the picture, in pixels.
        width: Likewise.
        rng: Where the numbers come from.
        alpha: Above 0; 1 makes every share equally likely, more favors boxes of half the area.

    Raises:
        RowError: No box leaves something of both images: the picture is too small.

    Source: Yun et al., "CutMix", ICCV 2019, equation 2.
    """
    for _ in range(_DRAWS):
        side = np.sqrt(1.0 - rng.beta(alpha, alpha))
        half_width, half_height = int(width * side) // 2, int(height * side) // 2
        x, y = int(rng.integers(width)), int(rng.integers(height))
        left, right = max(x - half_width, 0), min(x + half_width, width)
        top, bottom = max(y - half_height, 0), min(y + half_height, height)
        if 0 < (right - left) * (bottom - top) < width * height:
            return Box(left, top, right, bottom)
    raise RowError(f"a picture of {width} x {height} pixels is too small to cut a box from")


@compiled
def _mass(values: NDArray[np.float64], region: Region, inside: bool) -> float:
    # Row by row, as the map was normalized: the sum must not depend on the machine's vector width.
    total = 0.0
    for y in range(values.shape[0]):
        row = 0.0
        for x in range(values.shape[1]):
            if region[y, x] == inside:
                row += values[y, x]
        total += row
    return total
