"""Types of distortion that users register: ids 200 and up, known to this process until it ends."""

from __future__ import annotations

import hashlib
import inspect
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from numbers import Integral, Real
from operator import attrgetter
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

from .. import distortion_type
from ..camera_types import CAMERA
from ..distortion_type import LEVELS, Distortion
from ..errors import DistortionError
from ..kadid_types import CATALOG

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..numerics.coded_image import CodedImage

    UserFunction = Callable[..., NDArray[np.uint8]]

FAMILY = "user"
USER_IDS = range(200, 1000)  # a sample id has room for three digits
MAIN = "__main__"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED = frozenset({"all", "camera", "chain", "pristine", "stretch"})  # they mean something where types are named
_SEEDS = 1 << 53  # a float64 holds whole numbers below it exactly


@dataclass(frozen=True)
class UserDistortion(Distortion):
    """A type that a user registered.

    Attributes:
        user_function: `(image, parameter[, rng])`, uint8 to uint8; at the top of a module.
        version: The user's name for this state of the type.
        source_sha256: SHA-256 of the file that the function is defined in.
        plugin: `module:function` of the plug-in that registered it; None where a program did.
    """

    user_function: UserFunction
    version: str
    source_sha256: str
    plugin: str | None

    @property
    def function(self) -> distortion_type.PixelFunction:
        """The pixel function, as those of the catalog."""
        return self._distort

    @property
    def draw_function(self) -> distortion_type.DrawFunction:
        """The function that draws the seed of the user's own generator, as an array of one number.

        Raises:
            DistortionError: The type is not random.
        """
        if not self.random:
            message = f"{self.name} is not random: it has no draws"
            raise DistortionError(message)
        return _draw_seed

    def _distort(self, picture: CodedImage, parameter: float, draws: NDArray[np.float64] | None = None) -> CodedImage:
        import numpy as np

        from ..numerics.min_max import entry, rounded_codes

        codes = rounded_codes(picture)
        rest: tuple[np.random.Generator, ...] = ()
        if draws is not None:
            if draws.shape != (1,) or not 0 <= draws[0] < _SEEDS:
                message = f"the draws of {self.name} are one seed, an array of shape (1,), not {draws!r:.60}"
                raise DistortionError(message)
            rest = (np.random.Generator(np.random.PCG64(int(draws[0]))),)
        shape = codes.shape
        try:
            result: object = self.user_function(codes, parameter, *rest)
        except MemoryError:
            raise
        except Exception as error:  # a user's function may raise anything; it is about this image
            message = f"the function of type {self.id} ({self.name}) raised {type(error).__name__}: {error}"
            raise DistortionError(message) from error
        if not isinstance(result, np.ndarray) or result.dtype != np.uint8 or result.shape != shape:
            message = (
                f"the function of type {self.id} ({self.name}) returned {_described(result)}; expected a uint8 array "
                f"of the image's shape {shape}"
            )
            raise DistortionError(message)
        return entry(np.ascontiguousarray(result), stretch=False)


_REGISTERED: dict[int, UserDistortion] = {}


@dataclass
class _Plugin:
    name: str
    types: list[UserDistortion]


_LOADING: ContextVar[_Plugin | None] = ContextVar("plug-in that is being loaded", default=None)


def register_distortion(
    id: int,
    name: str,
    function: UserFunction,
    parameters: Sequence[float],
    *,
    parameter: str = "amount",
    random: bool = False,
    whole: bool = False,
    minimum_size: int = 1,
    version: str = "1",
    source: str = "",
) -> None:
    """Register a type of distortion of your own: it then works wherever types do, by its id and its name.

    The image is stretched to its full range before the function sees it, and stretched again after, as for every type.
    To register a type again replaces it if the name and the place of the function are the same.

    Args:
        id: 200 to 999.
        name: Small letters, digits and underscores, beginning with a letter.
        function: `function(image, parameter)`, or `function(image, parameter, rng)` of a random type: takes H x W x 3
            RGB, uint8, which it may change, and returns the same shape and dtype. It is defined at the top of a module,
            so that worker processes find it. The same arguments must give the same pixels, in several threads at once;
            all that is random comes from `rng`, a `numpy.random.Generator`.
        parameters: What the function receives at levels 1 to 5, from mild to severe.
        parameter: What that number is, e.g. `radius in pixels`.
        random: Whether the function takes `rng`.
        whole: Whether the parameter is a whole number between the levels too.
        minimum_size: The smallest height and width in pixels.
        version: Your name for this state of the type, such as the version of the library that it calls; change it when
            that changes. It goes into the provenance, beside a digest of the function's source file.
        source: Where the formula comes from.

    Raises:
        DistortionError: An argument is not as described, or the id or the name is taken.
    """
    loading = _LOADING.get()
    _check_names(id, name)
    _check_function(function, name)
    texts: dict[str, object] = {"parameter": parameter, "version": version}
    for what, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            message = f"the {what} of {name!r} is {text!r}, expected a text"
            raise DistortionError(message)
    size: object = minimum_size
    if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
        message = f"minimum_size of {name!r} is {minimum_size!r}, expected a whole number from 1 on"
        raise DistortionError(message)
    add_user_type(
        UserDistortion(
            id=int(id),
            name=name,
            family=FAMILY,
            subfamily=name,  # a chain draws at most one of each subfamily
            parameters=_five_numbers(parameters, name),
            parameter=parameter,
            whole=whole,
            random=random,
            minimum_size=int(minimum_size),
            source=source,
            user_function=function,
            version=version,
            source_sha256=digest_source(function),
            plugin=None if loading is None else loading.name,
        )
    )


def add_user_type(entry: UserDistortion) -> None:
    """Register a type, in place of an earlier version of it.

    Args:
        entry: The type.

    Raises:
        DistortionError: Its id or its name is another type's.
    """
    for other in _REGISTERED.values():
        same = (other.id == entry.id, other.name == entry.name)
        if any(same) and not (all(same) and place_of(other) == place_of(entry)):
            message = (
                f"type {entry.id} ({entry.name}, {place_of(entry)}) cannot be registered: type {other.id} "
                f"({other.name}, {place_of(other)}) is; give it another id and another name"
            )
            raise DistortionError(message)
    _REGISTERED[entry.id] = entry
    loading = _LOADING.get()
    if loading is not None:
        loading.types.append(entry)


def user_types() -> tuple[UserDistortion, ...]:
    """Return the types that are registered, by ascending id."""
    return tuple(_REGISTERED[number] for number in sorted(_REGISTERED))


def find_user_type(kind: int | str) -> UserDistortion | None:
    """Return a registered type by its id or its name; None without one."""
    if isinstance(kind, str):
        return next((entry for entry in _REGISTERED.values() if entry.name == kind), None)
    return _REGISTERED.get(kind)


def place_of(entry: UserDistortion) -> str:
    """Return where a type's function is defined, `module:function`."""
    return f"{entry.user_function.__module__}:{entry.user_function.__qualname__}"


@contextmanager
def loading_plugin(name: str) -> Iterator[list[UserDistortion]]:
    """Set the plug-in that registers types inside the block; yields a list that holds them afterwards.

    Args:
        name: `module:function`.
    """
    loading = _Plugin(name, [])
    token = _LOADING.set(loading)
    try:
        yield loading.types
    finally:
        _LOADING.reset(token)


def digest_source(function: UserFunction) -> str:
    """Return the SHA-256 of the file that a function is defined in; of a notebook's, of the function's own lines.

    Raises:
        DistortionError: Its source cannot be read.
    """
    try:
        file = Path(inspect.getsourcefile(function) or "")
        content = file.read_bytes() if file.is_file() else inspect.getsource(function).encode()
    except (OSError, TypeError) as error:
        message = (
            f"the source of {function.__qualname__} cannot be read ({error}), by whose digest a manifest knows it: "
            "define the function in a file"
        )
        raise DistortionError(message) from error
    return hashlib.sha256(content).hexdigest()


def _draw_seed(_parameter: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    import numpy as np

    return np.array([rng.integers(_SEEDS)], np.float64)


def _check_names(number: object, name: object) -> None:
    if isinstance(number, bool) or not isinstance(number, Integral) or int(number) not in USER_IDS:
        message = f"the id {number!r} cannot be registered: give a whole number from {USER_IDS[0]} to {USER_IDS[-1]}"
        raise DistortionError(message)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        message = (
            f"the name {name!r} cannot be registered: expected small letters, digits and underscores, beginning with "
            "a letter, such as oil_paint"
        )
        raise DistortionError(message)
    if name in _RESERVED or any(entry.name == name for entry in (*CATALOG, *CAMERA)):
        message = f"the name {name!r} has a meaning already: give another one"
        raise DistortionError(message)


def _check_function(function: object, name: str) -> None:
    if not isinstance(function, FunctionType):
        message = (
            f"the function of {name!r} is {_described(function)}; expected a function that is defined with `def`; put "
            "a call of yours into one"
        )
        raise DistortionError(message)
    try:
        found: object = attrgetter(function.__qualname__)(sys.modules[function.__module__])
    except (KeyError, AttributeError):
        found = None
    if found is not function:
        message = (
            f"the function of {name!r}, {function.__module__}:{function.__qualname__}, cannot be found by worker "
            "processes: define it with `def` at the top of a module"
        )
        raise DistortionError(message)


def _five_numbers(values: Sequence[float], name: str) -> tuple[float, float, float, float, float]:
    try:
        given: list[object] = list(values)
    except TypeError:
        given = []
    numbers = [_number(value) for value in given]
    if len(numbers) != len(LEVELS) or not all(map(math.isfinite, numbers)):
        message = f"the parameters of {name!r} are {values!r:.60}; expected five finite numbers, those of levels 1 to 5"
        raise DistortionError(message)
    first, second, third, fourth, fifth = numbers
    return first, second, third, fourth, fifth


def _number(value: object) -> float:
    """Return a number as JSON has it; NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    return int(value) if isinstance(value, Integral) else float(value)


def _described(value: object) -> str:
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    return f"{type(value).__name__}" if shape is None else f"{dtype} of shape {shape}"
