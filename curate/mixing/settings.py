"""Settings of `mix`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from ...distortions.catalog import CATALOG, LEVELS
from ..errors import CurateError
from ..storage.formats import ImageFormat
from ..whole_numbers import hold_whole_numbers, whole_numbers

SIGMA_MAXIMUM = 100.0
ALPHA_RANGE = (0.1, 100.0)
Classes = Literal["type", "type-level"]
CLASSES: tuple[Classes, ...] = get_args(Classes)


@dataclass(frozen=True)
class MixSettings:
    """What is mixed, and how.

    Attributes:
        count: Mixes to make.
        types: Distortion ids whose images are used.
        levels: Levels whose images are used.
        classes: What the two images of a mix differ in: their `type`, or their type or level (`type-level`).
        sigma: Smoothing of the sensitivity maps in pixels, 0 to 100.
        alpha: CutMix's: the background's share is Beta(alpha, alpha), uniform at 1; 0.1 to 100.
        image_format: Of the stored pixels.
        seed: The run's seed.
    """

    count: int
    types: tuple[int, ...] = tuple(entry.id for entry in CATALOG)
    levels: tuple[int, ...] = tuple(LEVELS)
    classes: Classes = "type"
    sigma: float = 8.0
    alpha: float = 1.0
    image_format: ImageFormat = "png"
    seed: int = 123

    def __post_init__(self) -> None:
        """Refuse invalid settings."""
        hold_whole_numbers(self, count=1, seed=None)
        object.__setattr__(self, "types", whole_numbers("type", self.types))
        object.__setattr__(self, "levels", whole_numbers("level", self.levels))
        low, high = ALPHA_RANGE
        ranges = {
            "classes": (self.classes in CLASSES, " or ".join(CLASSES)),
            "sigma": (0 <= self.sigma <= SIGMA_MAXIMUM, f"pixels from 0 to {SIGMA_MAXIMUM:g}"),
            "alpha": (low <= self.alpha <= high, f"a number from {low:g} to {high:g}"),
        }
        for name, (fits, expected) in ranges.items():
            if not fits:
                raise CurateError(f"{name} is {getattr(self, name)!r}; expected {expected}")
