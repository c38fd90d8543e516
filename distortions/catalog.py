"""The 25 distortions by id and name: levels, families and where each formula comes from.

Importing this module loads no numeric library; the pixel functions are found when first asked for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral
from typing import TYPE_CHECKING

from .errors import DistortionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .numerics.coded_image import CodedImage

    Rendered = CodedImage | NDArray[np.float64]
    PixelFunction = Callable[..., Rendered]
    DrawFunction = Callable[[float, int, int, np.random.Generator], NDArray[np.float64]]

PRISTINE = 0
LEVELS = (1, 2, 3, 4, 5)
# The (type, level) whose picture is the stretched reference itself, in every pixel. Not among them is (8, 1): it goes
# through CIE Lab and back, which moves values that lie halfway between two codes to the other one.
IDENTITY_CELLS = ((1, 1), (3, 1), (18, 3))
FAMILIES = ("blur", "color", "compression", "noise", "brightness", "spatial", "sharpness")

_KADID = "KADID-10k (Lin, Hosu, Saupe, QoMEX 2019)"


@dataclass(frozen=True)
class Distortion:
    """One distortion type of KADID-10k.

    Attributes:
        id: 1 to 25, as in the file names of KADID-10k.
        name: Public and fixed, e.g. ``gaussian_blur``; also the name of the pixel function.
        family: One of ``FAMILIES``; also the module that holds the pixel function.
        parameters: What the pixel function receives at levels 1 to 5.
        parameter: What that number is, e.g. ``sigma in pixels``.
        random: Whether the picture depends on random draws.
        minimum_size: The smallest height and width in pixels.
        source: Where the formula comes from.
    """

    id: int
    name: str
    family: str
    parameters: tuple[float, float, float, float, float]
    parameter: str
    random: bool
    minimum_size: int
    source: str

    def parameter_at(self, level: int) -> float:
        """Return the parameter of a level.

        Args:
            level: 1 to 5.

        Returns:
            The number the pixel function receives.

        Raises:
            DistortionError: If the level is not one of 1 to 5.
        """
        given: object = level
        if isinstance(given, bool) or not isinstance(given, Integral) or given not in LEVELS:
            message = f"level {level!r} of {self.name} does not exist: give 1, 2, 3, 4 or 5"
            raise DistortionError(message)
        return self.parameters[level - 1]

    @property
    def function(self) -> PixelFunction:
        """The pixel function ``(image, parameter[, draws])``; its module is imported on first use."""
        found: PixelFunction = getattr(import_module(f".{self.family}", __package__), self.name)
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
        found: DrawFunction = getattr(import_module(f".{self.family}", __package__), f"draw_{self.name}")
        return found


def _entry(
    number: int,
    name: str,
    family: str,
    parameters: tuple[float, float, float, float, float],
    parameter: str,
    *,
    formula: str,
    random: bool = False,
    minimum_size: int = 1,
) -> Distortion:
    source = f"{_KADID}: {formula}"
    return Distortion(number, name, family, parameters, parameter, random, minimum_size, source)


CATALOG: tuple[Distortion, ...] = (
    _entry(
        1,
        "gaussian_blur",
        "blur",
        (0.1, 0.5, 1, 2, 5),
        "sigma in pixels",
        formula="Gaussian window of 2 ceil(2 sigma) + 1",
    ),
    _entry(2, "lens_blur", "blur", (1, 2, 4, 6, 8), "radius in pixels", formula="disk kernel by exact pixel coverage"),
    _entry(
        3,
        "motion_blur",
        "blur",
        (1, 2, 4, 6, 10),
        "length in pixels",
        formula="anti-aliased line at a random whole angle of 0 to 180 degrees",
        random=True,
    ),
    _entry(
        4, "color_diffusion", "color", (1, 3, 6, 8, 12), "amount", formula="CIE Lab, a and b blurred, then multiplied"
    ),
    _entry(
        5,
        "color_shift",
        "color",
        (1, 3, 6, 8, 12),
        "shift in pixels",
        formula="green shifted in a random direction, blended by smoothed edge strength",
        random=True,
    ),
    _entry(
        6,
        "color_quantization",
        "color",
        (64, 48, 32, 16, 8),
        "number of colors",
        formula="minimum-variance palette, Floyd-Steinberg dithering",
    ),
    _entry(
        7,
        "color_saturation_hsv",
        "color",
        (0.4, 0.2, 0.1, 0.0, -0.4),
        "factor on HSV saturation",
        formula="V + factor (C - V), V the largest channel",
    ),
    _entry(8, "color_saturation_lab", "color", (1, 2, 3, 6, 9), "factor on CIE Lab a and b", formula="CIE Lab, D65"),
    _entry(
        9,
        "jpeg2000",
        "compression",
        (16, 32, 45, 120, 400),
        "compression ratio",
        formula="irreversible 9/7 wavelet, one tile (ISO/IEC 15444-1)",
    ),
    _entry(
        10,
        "jpeg",
        "compression",
        (43, 36, 24, 7, 4),
        "libjpeg quality",
        formula="baseline, 4:2:0, standard tables (ITU-T T.81, annex K)",
    ),
    _entry(
        11,
        "white_noise",
        "noise",
        (0.001, 0.002, 0.003, 0.005, 0.01),
        "variance",
        formula="Gaussian noise on every sample",
        random=True,
    ),
    _entry(
        12,
        "white_noise_ycbcr",
        "noise",
        (0.0001, 0.0005, 0.001, 0.002, 0.003),
        "variance",
        formula="Gaussian noise on Y, Cb, Cr of studio range (ITU-R BT.601)",
        random=True,
    ),
    _entry(
        13,
        "impulse_noise",
        "noise",
        (0.001, 0.005, 0.01, 0.02, 0.03),
        "density",
        formula="salt and pepper on every sample",
        random=True,
    ),
    _entry(
        14,
        "multiplicative_noise",
        "noise",
        (0.001, 0.005, 0.01, 0.02, 0.05),
        "variance",
        formula="speckle: the sample times uniform noise",
        random=True,
    ),
    _entry(
        15,
        "denoise",
        "noise",
        (0.01, 0.03, 0.05, 0.1, 0.15),
        "variance of the noise before denoising",
        formula="white noise, then a blind residual denoiser on each channel (DnCNN, Zhang et al., TIP 2017)",
        random=True,
        minimum_size=8,
    ),
    _entry(
        16,
        "brighten",
        "brightness",
        (0.1, 0.2, 0.4, 0.7, 1.1),
        "amount",
        formula="tone curve on RGB (two thirds) and on CIE Lab lightness (one third)",
    ),
    _entry(17, "darken", "brightness", (0.05, 0.1, 0.2, 0.4, 0.8), "amount", formula="tone curve on RGB"),
    _entry(18, "mean_shift", "brightness", (0.15, 0.08, 0.0, -0.08, -0.15), "amount added", formula="shift and clip"),
    _entry(
        19,
        "jitter",
        "spatial",
        (0.05, 0.1, 0.2, 0.5, 1),
        "standard deviation in pixels",
        formula="five random warps, cubic convolution (Keys, ASSP 1981)",
        random=True,
    ),
    _entry(
        20,
        "non_eccentricity_patch",
        "spatial",
        (20, 40, 60, 80, 100),
        "number of patches",
        formula="16 x 16 patches copied to a place at most 8 pixels away",
        random=True,
        minimum_size=48,
    ),
    _entry(
        21,
        "pixelate",
        "spatial",
        (0.01, 0.05, 0.1, 0.2, 0.5),
        "strength",
        formula="nearest neighbour down by 0.95 - strength^0.6 and up again",
    ),
    _entry(
        22,
        "quantization",
        "spatial",
        (20, 16, 13, 10, 7),
        "number of thresholds",
        formula="Otsu thresholds (Otsu, SMC 1979) by Nelder-Mead (Lagarias et al., SIAM J. Optim. 1998)",
    ),
    _entry(
        23,
        "color_block",
        "spatial",
        (2, 4, 6, 8, 10),
        "number of blocks",
        formula="opaque 32 x 32 rectangles of random colors",
        random=True,
        minimum_size=33,
    ),
    _entry(
        24,
        "high_sharpen",
        "sharpness",
        (1, 2, 3, 6, 12),
        "amount",
        formula="unsharp mask of sigma 3 on CIE Lab lightness",
    ),
    _entry(25, "contrast_change", "sharpness", (0.3, 0.15, 0.0, -0.4, -0.6), "amount", formula="cubic tone curve"),
)

_BY_ID = {entry.id: entry for entry in CATALOG}
# Not every digit that Python knows, nor so many that it refuses to read them.
_DIGITS = re.compile(r"[0-9]{1,9}")
_BY_NAME = {entry.name: entry for entry in CATALOG}


def get(kind: int | str) -> Distortion:
    """Look a distortion up.

    Args:
        kind: An id (``3``), its digits (``"3"``, ``"03"``) or a name (``"motion_blur"``, ``"Motion-Blur"``).

    Returns:
        The catalog entry.

    Raises:
        DistortionError: If there is no such distortion; the message lists close names.
    """
    if isinstance(kind, str):
        wanted = kind.strip().lower().replace("-", "_").replace(" ", "_")
        if wanted in _BY_NAME:
            return _BY_NAME[wanted]
        if _DIGITS.fullmatch(wanted):
            return _by_id(int(wanted), given=kind)
        close = difflib.get_close_matches(wanted, _BY_NAME, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"the names are: {', '.join(_BY_NAME)}"
        message = f"there is no distortion {kind!r}: {hint}"
        raise DistortionError(message)
    return _by_id(kind, given=kind)


def _by_id(number: object, *, given: int | str) -> Distortion:
    if isinstance(number, bool) or not isinstance(number, Integral) or int(number) not in _BY_ID:
        message = f"there is no distortion {given!r}: ids run from 1 to {len(CATALOG)}, or give a name"
        if number == PRISTINE and not isinstance(number, bool):
            message += f" ({PRISTINE} stands for a pristine image, which has no distortion)"
        raise DistortionError(message)
    return _BY_ID[int(number)]
