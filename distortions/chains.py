"""Chains: several distortions of one image, one after another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from .catalog import PRISTINE, get
from .errors import AbsentTypeError, DistortionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STRETCH = "stretch"
# The id of a chain spells all its steps and is a file's name, which may have 255 bytes.
MOST_STEPS = 16
DECIMALS = 2  # of a level
FLOAT32_ERROR = 1e-6  # of a level, at most
_FEWEST_STEPS = 2
_LEVEL = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2})?")


class ChainStep(NamedTuple):
    """One distortion of a chain.

    Attributes:
        distortion_id: Of the catalog; 0 is the generator's stretch alone.
        level: Of a distortion, 1 to 5 with at most two decimals, as a float32 holds them; 0 of a stretch.
        seed: Of a random type; None where it is not drawn yet.
    """

    distortion_id: int
    level: float
    seed: int | None = None

    @property
    def is_stretch(self) -> bool:
        """Whether the step is the generator's stretch, without a distortion."""
        return self.distortion_id == PRISTINE


Chain: TypeAlias = tuple[ChainStep, ...]


def apply_chain(image: NDArray[np.uint8], chain: Chain, *, denoiser: str | None = None) -> NDArray[np.uint8]:
    """Distort an image several times.

    Every step takes the uint8 picture of the one before, as if that had been written to a file. Each distortion
    stretches its picture to the full range on entry and exit, as the generator of KADID-10k would if its output were
    distorted again. A chain that has stretches as steps of its own is stretched there and nowhere else.

    Args:
        image: H x W x 3 RGB, uint8, or what else `distort` takes. It is not modified.
        chain: The steps, with the seeds of the random types.
        denoiser: Digest of the network's weights of type 15 (denoise); None: the newest.

    Returns:
        H x W x 3, uint8.

    Raises:
        DistortionError: The chain has no distortion, or a step cannot be done; the message says which.
        AbsentTypeError: A step is of a user's type that is not registered here.

    Source: Lin, Hosu, Saupe: KADID-10k: a large-scale artificially distorted IQA database. QoMEX 2019, for a step.
    """
    from .apply import distort, stretch_uint8  # late: reading a chain needs no numeric library

    _require_distortion(chain)
    stretch_each = not any(step.is_stretch for step in chain)
    for number, step in enumerate(chain, 1):
        try:
            if step.is_stretch:
                image = stretch_uint8(image)
                continue
            # The seed of a type that draws nothing is not looked at.
            level = _level(step)
            image = distort(image, step.distortion_id, level, seed=step.seed, stretch=stretch_each, denoiser=denoiser)
        except AbsentTypeError:
            raise  # it is not about this image
        except DistortionError as error:
            message = f"step {number} of {len(chain)} of the chain: {error}" if len(chain) > 1 else str(error)
            raise DistortionError(message) from error
    return image


def parse_chain(text: str) -> Chain:
    """Read a chain as people write it.

    Args:
        text: Steps joined by `+`, each a type (name or id), a colon and a level, which may have two decimals;
            `stretch` stands for a stretch.

    Returns:
        The steps, without seeds.

    Raises:
        DistortionError: A step is malformed, a type or level does not exist, or there are not 2 to 16 steps.

    >>> [(step.distortion_id, step.level) for step in parse_chain("gaussian_blur:2 + 11:3+jpeg:2")]
    [(1, 2.0), (11, 3.0), (10, 2.0)]
    """
    chain = tuple(_parse_step(part.strip(), text) for part in text.split("+"))
    distortions = sum(not step.is_stretch for step in chain)
    if distortions < _FEWEST_STEPS:
        message = (
            f"the chain {text!r} has {distortions} distortions, expected {_FEWEST_STEPS} or more: give a single one "
            "as a type with its levels"
        )
        raise DistortionError(message)
    if len(chain) > MOST_STEPS:
        message = f"the chain {text[:60]!r}... has {len(chain)} steps, expected at most {MOST_STEPS}"
        raise DistortionError(message)
    return chain


def format_chain(chain: Chain) -> str:
    """Write a chain as `parse_chain` reads it, without seeds.

    >>> format_chain(parse_chain("1:2+stretch+jpeg:2"))
    'gaussian_blur:2+stretch+jpeg:2'
    """
    return "+".join(STRETCH if step.is_stretch else f"{_name(step.distortion_id)}:{step.level:g}" for step in chain)


def stretched_once(chain: Chain) -> Chain:
    """Return a chain that is stretched on entry and on exit of the whole, and not by its steps."""
    stretch = ChainStep(PRISTINE, 0.0)
    return (stretch, *chain, stretch)


def _parse_step(part: str, text: str) -> ChainStep:
    if part.lower() == STRETCH:
        return ChainStep(PRISTINE, 0.0)
    kind, colon, level = part.rpartition(":")
    if not colon or not _LEVEL.fullmatch(level.strip()):
        message = (
            f"{part!r} in the chain {text!r} is no step: expected a type and a level of at most {DECIMALS} decimals, "
            "such as gaussian_blur:2 or jpeg:2.25"
        )
        raise DistortionError(message)
    entry = get(kind)
    step = ChainStep(entry.id, float(level))
    entry.parameter_at(_level(step))
    return step


def _require_distortion(chain: Chain) -> None:
    if all(step.is_stretch for step in chain):
        message = f"a chain of {len(chain)} steps has no distortion: expected one or more"
        raise DistortionError(message)


def _level(step: ChainStep) -> float:
    """Return a step's level as people write it: the manifest's float32 2.3 is 2.299999952 otherwise."""
    level = round(float(step.level), DECIMALS)
    if abs(level - step.level) > FLOAT32_ERROR:
        message = f"level {step.level!r} of {_name(step.distortion_id)} has more than {DECIMALS} decimals: round it"
        raise DistortionError(message)
    return int(level) if level.is_integer() else level


def _name(distortion_id: int) -> str:
    """Return a type's name; one that this release does not know is named by its id."""
    try:
        return get(distortion_id).name
    except DistortionError:
        return str(distortion_id)
