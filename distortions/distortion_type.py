"""One type of distortion: its levels and where its pixel function is. Importing this loads no numeric library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from numbers import Real
from typing import TYPE_CHECKING

from .errors import DistortionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .numerics.coded_image import CodedImage

    Rendered = CodedImage | NDArray[np.float64]
    PixelFunction = Callable[..., Rendered]
    DrawFunction = Callable[[float, int, int, np.random.Generator], NDArray[np.float64]]

LEVELS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Distortion:
    """One distortion type.

    Attributes:
        id: 1 to 25, as in the file names of KADID-10k; of the camera family from 101 on, of users' types from 200 on.
        name: Public and fixed, e.g. ``gaussian_blur``; also the name of the pixel function.
        family: One of ``FAMILIES``; also the module or the package that holds the pixel function. ``user`` of users'
            types.
        subfamily: What a picture meets once on its way. Of the camera family a part of that way, such as ``optics``,
            and the module in the package; of the 25 types of KADID-10k the family again.
        parameters: What the pixel function receives at levels 1 to 5.
        parameter: What that number is, e.g. ``sigma in pixels``.
        whole: Whether it is a whole number between the levels too: a count, or pixels of a kernel.
        random: Whether the picture depends on random draws.
        minimum_size: The smallest height and width in pixels.
        source: Where the formula comes from.
    """

    id: int
    name: str
    family: str
    subfamily: str
    parameters: tuple[float, float, float, float, float]
    parameter: str
    whole: bool
    random: bool
    minimum_size: int
    source: str

    @property
    def is_geometric(self) -> bool:
        """Whether levels grow by factors: from one to the next, ratios differ less than differences do."""
        if min(self.parameters) <= 0:
            return False
        pairs = [sorted(pair) for pair in pairwise(self.parameters)]
        ratios = [larger / smaller for smaller, larger in pairs]
        differences = [larger - smaller for smaller, larger in pairs]
        return max(ratios) / min(ratios) < max(differences) / min(differences)

    def parameter_at(self, level: float) -> float:
        """Return the parameter of a level; between two levels it is interpolated, geometrically where the levels are.

        Args:
            level: 1 to 5.

        Returns:
            The number the pixel function receives.

        Raises:
            DistortionError: If the level is not a number from 1 to 5.
        """
        given: object = level
        if isinstance(given, bool) or not isinstance(given, Real) or not LEVELS[0] <= float(given) <= LEVELS[-1]:
            message = f"level {level!r} of {self.name} does not exist: give a number from 1 to 5"
            raise DistortionError(message)
        below = int(level)
        share = float(level) - below
        lower = self.parameters[below - 1]
        if not share:
            return lower
        upper = self.parameters[below]
        between = lower * (upper / lower) ** share if self.is_geometric else lower + (upper - lower) * share
        return round(between) if self.whole else between

    @property
    def function(self) -> PixelFunction:
        """The pixel function ``(image, parameter[, draws])``; its module is imported on first use."""
        found: PixelFunction = getattr(import_module(self._module, __package__), self.name)
        return found

    @property
    def draw_function(self) -> DrawFunction:
        """The function ``(parameter, height, width, rng) -> draws`` of a random type.

        Raises:
            DistortionError: If the type is not random.
        """
        if not self.random:
            message = f"{self.name} is not random: it has no draws"
            raise DistortionError(message)
        found: DrawFunction = getattr(import_module(self._module, __package__), f"draw_{self.name}")
        return found

    @property
    def _module(self) -> str:
        return f".{self.family}" if self.subfamily == self.family else f".{self.family}.{self.subfamily}"
