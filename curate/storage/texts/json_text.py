"""JSON from files that other people wrote."""

import json
import math
from collections.abc import Iterator
from typing import Any

DEEPEST = 100  # levels: ours has five, and Python gives up with errors of its own at some hundreds


def parse_json(text: str | bytes) -> Any:
    """Read a JSON text strictly: the result can be written and printed again.

    Python's reader also takes `NaN`, `1e999`, half of a character, and a name that occurs twice in one object, of which
    the last one counts.

    Raises:
        ValueError: It is not JSON, is nested too deeply, or holds one of these.

    >>> parse_json('{"types": [1, 3]}')
    {'types': [1, 3]}
    >>> parse_json('{"types": [1], "types": [3]}')
    Traceback (most recent call last):
    ValueError: it has 'types' twice
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    level = [value]
    for _ in range(DEEPEST + 1):
        if not level:
            return value
        level = [part for item in level for part in _parts(item)]
    raise ValueError(_TOO_DEEP)


_TOO_DEEP = f"it is nested too deeply, more than {DEEPEST} levels"


def _parts(value: Any) -> Iterator[Any]:
    """Yield the parts of a value, and refuse a value that could not be written again."""
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it holds a number beyond the largest double")
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError("it holds half of a character (a lone surrogate), which no file can") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"it has {name!r:.60} twice")
        found[name] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it holds {name}, which is no number of JSON")
