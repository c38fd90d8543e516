"""The public `distort`, of one image in memory, and the public `register_distortion`."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ... import distortions
from ...distortions import DistortionError
from ...distortions.registry import user_types
from ..errors import CurateError

P = ParamSpec("P")
R = TypeVar("R")


def _raising_curate_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function of `distortions`, which knows only its own error, raise the toolkit's."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except DistortionError as error:
            raise CurateError(str(error)) from error

    return wrapped


distort = _raising_curate_errors(distortions.distort)
register_distortion = _raising_curate_errors(user_types.register_distortion)
