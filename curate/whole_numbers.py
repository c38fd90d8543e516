"""Whole numbers as arguments: a caller's value becomes an int, or is refused with the name of the argument."""

import operator
from collections.abc import Iterable

from .errors import CurateError


def whole_number(name: str, value: object, *, least: int | None = None) -> int:
    """Return a caller's whole number as an int.

    numpy's integers are taken. A bool, a float (also 1.0) and a text are refused: they would go into the hashes that
    draws are seeded with as `True` or `1.0`, and draw other rows than 1 does.

    Args:
        name: What the number is, for the message.
        value: What was given.
        least: The smallest number that is taken; by default any.

    Raises:
        CurateError: It is no whole number, or below `least`.

    >>> whole_number("epoch", 3, least=0)
    3
    """
    expected = "a whole number" if least is None else f"a whole number, {least} or more"
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]  # a value without an index is refused
    except TypeError:
        raise CurateError(f"{name} is {value!r}; expected {expected}, as an int, not a float, bool or text") from None
    if least is not None and number < least:
        raise CurateError(f"{name} is {number}; expected {expected}")
    return number


def whole_numbers(name: str, values: Iterable[object], *, least: int | None = None) -> tuple[int, ...]:
    """Return a caller's whole numbers as ints.

    Args:
        name: What one of them is, for the message.
        values: What was given.
        least: The smallest number that is taken; by default any.

    Raises:
        CurateError: One is no whole number, or below `least`.
    """
    return tuple(whole_number(name, value, least=least) for value in values)


def hold_whole_numbers(settings: object, **least: int | None) -> None:
    """Put ints in place of the whole numbers that a frozen dataclass was made with; for its `__post_init__`.

    Args:
        settings: The dataclass. A field that is None stays None.
        **least: For each field the smallest number that is taken, or None for any.

    Raises:
        CurateError: One is no whole number, or below its least.
    """
    for name, smallest in least.items():
        value: object = getattr(settings, name)
        if value is not None:
            object.__setattr__(settings, name, whole_number(name, value, least=smallest))
