"""The 25 distortions of KADID-10k and the camera family as pure pixel functions.

The public names are resolved on first use, so that reading the catalog needs neither OpenCV nor numba.
"""

from typing import TYPE_CHECKING

from .catalog import CAMERA, CATALOG, FAMILIES, LEVELS, PRISTINE, Distortion, get
from .errors import DistortionError

if TYPE_CHECKING:
    from .apply import distort, draw, map_min_max, stretch_uint8

__all__ = [
    "CAMERA",
    "CATALOG",
    "FAMILIES",
    "LEVELS",
    "PRISTINE",
    "Distortion",
    "DistortionError",
    "distort",
    "draw",
    "get",
    "map_min_max",
    "stretch_uint8",
]

_RESOLVED_LATE = frozenset({"distort", "draw", "map_min_max", "stretch_uint8"})


def __getattr__(name: str) -> object:
    if name not in _RESOLVED_LATE:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from . import apply

    return getattr(apply, name)
