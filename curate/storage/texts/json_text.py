"""JSON that somebody else wrote."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Read a JSON text.

    Raises:
        ValueError: It is none, or nested so deeply that Python gives up.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
