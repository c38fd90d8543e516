"""The distortions by id and name: the 25 of KADID-10k, and the camera family.

Importing this module loads no numeric library; the pixel functions are found when first asked for.
"""

from __future__ import annotations

import difflib
import re
from numbers import Integral

from .camera_types import CAMERA
from .distortion_type import LEVELS, Distortion
from .errors import DistortionError
from .kadid_types import CATALOG

# The rest of the toolkit takes all that describes a type from here.
__all__ = [
    "CAMERA",
    "CATALOG",
    "FAMILIES",
    "IDENTITY_CELLS",
    "LEVELS",
    "PRISTINE",
    "Distortion",
    "get",
]

PRISTINE = 0
# The (type, level) whose picture is the stretched reference itself, in every pixel. Not among them is (8, 1): it goes
# through CIE Lab and back, which moves values that lie halfway between two codes to the other one.
IDENTITY_CELLS = ((1, 1), (3, 1), (18, 3))
FAMILIES = ("blur", "color", "compression", "noise", "brightness", "spatial", "sharpness", "camera")

_BY_ID = {entry.id: entry for entry in (*CATALOG, *CAMERA)}
# Not every digit that Python knows, nor so many that it refuses to read them.
_DIGITS = re.compile(r"[0-9]{1,9}")
_BY_NAME = {entry.name: entry for entry in _BY_ID.values()}


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
        message = (
            f"there is no distortion {given!r}: ids run from 1 to {CATALOG[-1].id}, those of the camera family from "
            f"{CAMERA[0].id} to {CAMERA[-1].id}; or give a name"
        )
        if number == PRISTINE and not isinstance(number, bool):
            message += f" ({PRISTINE} stands for a pristine image, which has no distortion)"
        raise DistortionError(message)
    return _BY_ID[int(number)]
