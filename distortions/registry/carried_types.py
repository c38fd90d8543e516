"""Users' types in other processes: what is pickled with one of these brings them along."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from ..errors import DistortionError
from .user_types import MAIN, UserDistortion, add_user_type, digest_source, find_user_type, user_types

if TYPE_CHECKING:
    from .user_types import UserFunction

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Place:
    """Where a function is defined: its module, its name there, and the folder in which the module is found."""

    module: str
    name: str
    folder: str

    @classmethod
    def of(cls, function: UserFunction) -> _Place:
        module = sys.modules[function.__module__]
        file = Path(module.__file__ or "").absolute()
        depth = function.__module__.count(".") + (file.stem == "__init__")
        return cls(function.__module__, function.__qualname__, str(file.parents[depth]))

    def find(self) -> UserFunction:
        """Import the module, from its folder where it is not found otherwise, and return the function.

        Raises:
            ImportError: The module cannot be imported.
            AttributeError: It has no such function.
        """
        try:
            module = import_module(self.module)
        except ModuleNotFoundError:
            if self.folder in sys.path:
                raise
            sys.path.append(self.folder)
            module = import_module(self.module)
        found: UserFunction = attrgetter(self.name)(module)
        return found


# All of a type but its function, and where that is found; one of the main script goes as it is.
_Carried: TypeAlias = "tuple[dict[str, Any], _Place | UserFunction]"


class CarriedTypes:
    """Carries the types that are registered here: where it is unpickled, they are registered too.

    Something that renders, and may be pickled into another process, holds one.
    """

    def __reduce__(self) -> tuple[Callable[[tuple[_Carried, ...]], CarriedTypes], tuple[tuple[_Carried, ...]]]:
        """Pickle the types as they are at this moment."""
        return _register_again, (tuple(map(_carried, user_types())),)


@dataclass(frozen=True)
class CarryingTypes(Generic[Result]):
    """A function of an index that brings the types along.

    Attributes:
        function: Picklable.
        types: Unpickled with it.
    """

    function: Callable[[int], Result]
    types: CarriedTypes = field(default_factory=CarriedTypes)

    def __call__(self, index: int) -> Result:
        """Call the function."""
        return self.function(index)


def carrying_types(function: Callable[[int], Result]) -> Callable[[int], Result]:
    """Let a function bring the registered types along into the process that it is pickled into.

    Args:
        function: Picklable.

    Returns:
        The function itself where no type is registered.
    """
    return CarryingTypes(function) if user_types() else function


def _carried(entry: UserDistortion) -> _Carried:
    values = {each.name: getattr(entry, each.name) for each in fields(entry) if each.name != "user_function"}
    function = entry.user_function
    return values, function if function.__module__ == MAIN else _Place.of(function)


def _register_again(carried: tuple[_Carried, ...]) -> CarriedTypes:
    for values, where in carried:
        here = find_user_type(values["id"])
        if here is None or here.source_sha256 != values["source_sha256"] or here.version != values["version"]:
            add_user_type(UserDistortion(**values, user_function=_found(values, where)))
    return CarriedTypes()


def _found(values: dict[str, Any], where: _Place | UserFunction) -> UserFunction:
    if not isinstance(where, _Place):
        return where
    try:
        function = where.find()
    except (ImportError, AttributeError) as error:
        message = (
            f"type {values['id']} ({values['name']}) cannot be registered in a worker: {where.module}:{where.name} of "
            f"{where.folder} is not found ({error}); every worker must see the file"
        )
        raise DistortionError(message) from error
    if digest_source(function) != values["source_sha256"]:
        message = (
            f"type {values['id']} ({values['name']}) has another source in a worker than where the work began: "
            f"{where.module} of {where.folder} was edited, or is another file there; start over with one and the same"
        )
        raise DistortionError(message)
    return function
