"""JSON that somebody else wrote."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Read a JSON text.

    Raises:
        ValueError: It is none, is nested so deeply that Python gives up, or holds half of a character.
    """
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeEncodeError as error:
        raise ValueError("it holds half of a character (a lone surrogate), which no file can") from error
    return value
