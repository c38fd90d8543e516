"""The distortions by id and name: the 25 of KADID-10k, the camera family, and the types that users register.

Importing this module loads no numeric library; the pixel functions are found when first asked for.
"""

from __future__ import annotations

import difflib
import re
from numbers import Integral

from .camera_types import CAMERA
from .distortion_type import LEVELS, Distortion
from .errors import AbsentTypeError, DistortionError
from .kadid_types import CATALOG
from .registry.user_types import USER_IDS, UserDistortion, find_user_type, user_types

# The rest of the toolkit takes all that describes a type from here.
__all__ = [
    "CAMERA",
    "CATALOG",
    "DENOISE",
    "FAMILIES",
    "IDENTITY_CELLS",
    "LEVELS",
    "PRISTINE",
    "USER_IDS",
    "Distortion",
    "UserDistortion",
    "all_types",
    "get",
    "user_types",
]

PRISTINE = 0
DENOISE = 15
# The (type, level) whose picture is the stretched reference itself, in every pixel. Not among them is (8, 1): it goes
# through CIE Lab and back, which moves values that are halfway between two codes to the other one.
IDENTITY_CELLS = ((1, 1), (3, 1), (18, 3))
FAMILIES = ("blur", "color", "compression", "noise", "brightness", "spatial", "sharpness", "camera")

_BY_ID = {entry.id: entry for entry in (*CATALOG, *CAMERA)}
# Not every digit that Python knows, nor so many that it refuses to read them.
_DIGITS = re.compile(r"[0-9]{1,9}")
_BY_NAME = {entry.name: entry for entry in _BY_ID.values()}


def all_types() -> tuple[Distortion, ...]:
    """Return every type there is, by ascending id: of KADID-10k, of the camera family, and registered here."""
    return (*CATALOG, *CAMERA, *user_types())


def get(kind: int | str) -> Distortion:
    """Look a distortion up.

    Args:
        kind: An id (``3``), its digits (``"3"``, ``"03"``) or a name (``"motion_blur"``, ``"Motion-Blur"``).

    Returns:
        The catalog entry.

    Raises:
        DistortionError: If there is no such distortion; the message lists close names.
        AbsentTypeError: If it is the id of a user's type that is not registered here.
    """
    if isinstance(kind, str):
        wanted = kind.strip().lower().replace("-", "_").replace(" ", "_")
        found = _BY_NAME.get(wanted) or find_user_type(wanted)
        if found is not None:
            return found
        if _DIGITS.fullmatch(wanted):
            return _by_id(int(wanted), given=kind)
        names = [entry.name for entry in all_types()]
        close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"the names are: {', '.join(names)}"
        message = f"there is no distortion {kind!r}: {hint}"
        raise DistortionError(message)
    return _by_id(kind, given=kind)


def _by_id(number: object, *, given: int | str) -> Distortion:
    known = None if isinstance(number, bool) or not isinstance(number, Integral) else int(number)
    found = None if known is None else _BY_ID.get(known) or find_user_type(known)
    if found is not None:
        return found
    if known in USER_IDS:
        message = (
            f"there is no distortion {given!r} here: ids from {USER_IDS[0]} on are types that users register; give "
            "the plug-in that registers it (--plugin module:function), or call register_distortion"
        )
        raise AbsentTypeError(message)
    message = (
        f"there is no distortion {given!r}: ids run from 1 to {CATALOG[-1].id}, those of the camera family from "
        f"{CAMERA[0].id} to {CAMERA[-1].id}; or give a name"
    )
    if known == PRISTINE:
        message += f" ({PRISTINE} stands for a pristine image, which has no distortion)"
    raise DistortionError(message)
