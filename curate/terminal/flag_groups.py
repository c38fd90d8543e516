"""Flags that several commands share: declared once, as the fields of a dataclass."""

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

from .number_flags import with_strict_numbers


def with_flag_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take groups of flags.

    A parameter whose type is a dataclass becomes one flag for each of its fields, in the place of the parameter. The
    command is called with the dataclass. Flags that take numbers read them strictly.

    Args:
        command: A function as Typer takes it; it is called by keyword.

    Returns:
        The same command, with all flags in its signature.

    Raises:
        TypeError: Two flags have the same name.
    """
    hints = get_type_hints(command, include_extras=True)
    given = inspect.signature(command).parameters.values()
    groups = {parameter.name: hints[parameter.name] for parameter in given if is_dataclass(hints[parameter.name])}
    flags = [flag for parameter in given for flag in _flags(parameter, hints[parameter.name])]
    names = [flag.name for flag in flags]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise TypeError(f"{command.__name__} has the flags {', '.join(sorted(twice))} twice")

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        built = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **built)

    wrapped.__signature__ = inspect.Signature(flags)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {flag.name: flag.annotation for flag in flags}
    return wrapped


def _flags(parameter: inspect.Parameter, hint: Any) -> Iterator[inspect.Parameter]:
    if not is_dataclass(hint):
        yield parameter.replace(annotation=with_strict_numbers(hint), kind=inspect.Parameter.KEYWORD_ONLY)
        return
    hints = get_type_hints(hint, include_extras=True)
    for field in fields(hint):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=with_strict_numbers(hints[field.name]),
        )
