"""Numbers on the command line and in the settings file, read strictly, whatever Typer accepts."""

import copy
import math
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import typer
from typer.models import ParameterInfo

from ..storage.texts.strict_numbers import finite_number, whole_number

LARGEST = 2**53  # of counts, sizes and seeds on the command line


@dataclass(frozen=True)
class NumberReader:
    """Reads the value of one flag.

    Attributes:
        kind: `int` or `float`.
        minimum: The smallest value allowed; None for any.
        maximum: The largest; as above.
    """

    kind: type[int] | type[float]
    minimum: float | None = None
    maximum: float | None = None

    @property
    def __name__(self) -> str:
        """The name that help shows for the kind of value."""
        return self.kind.__name__

    def __call__(self, value: object) -> int | float:
        """Read a value.

        Args:
            value: Text of the command line, or a number, text or something else of the settings file.

        Raises:
            typer.BadParameter: It is no number of this kind, or outside its range.
        """
        number = self._number(value)
        if number is None:
            expected = "a whole number such as 34" if self.kind is int else "a finite number such as 0.5"
            raise typer.BadParameter(f"{value!r} is not {expected}.")
        if self.minimum is not None and number < self.minimum:
            raise typer.BadParameter(f"{value!r} is below {self.minimum:g}.")
        if self.maximum is not None and number > self.maximum:
            raise typer.BadParameter(f"{value!r} is above {self.maximum:g}.")
        if self.kind is int and abs(number) > LARGEST:
            raise typer.BadParameter(f"{value!r} is too large: above {LARGEST:g} nothing is counted.")
        return number

    def _number(self, value: object) -> int | float | None:
        if isinstance(value, str):
            return whole_number(value) if self.kind is int else finite_number(value)
        # TOML's `true` is no 1, and 2.7 is no 2.
        if isinstance(value, bool):
            return None
        if isinstance(value, int):
            return self.kind(value)
        return value if isinstance(value, float) and self.kind is float and math.isfinite(value) else None


def with_strict_numbers(annotation: Any) -> Any:
    """Have a flag that takes a number read by a `NumberReader`.

    Args:
        annotation: The type of a command's parameter, `Annotated` with its `typer.Option` or `typer.Argument`.

    Returns:
        The same, with a reader where it is a number; any other annotation as it is.
    """
    if get_origin(annotation) is not Annotated:
        return annotation
    declared, *notes = get_args(annotation)
    kinds = [kind for kind in (int, float) if declared is kind or kind in get_args(declared)]
    if not kinds:
        return annotation
    return Annotated[(declared, *(_with_reader(note, kinds[0]) for note in notes))]


def _with_reader(note: Any, kind: type[int] | type[float]) -> Any:
    if not isinstance(note, ParameterInfo):
        return note
    read = copy.copy(note)  # several commands share one declaration
    read.parser = NumberReader(kind, note.min, note.max)
    return read
