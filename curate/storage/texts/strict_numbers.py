"""Numbers that people write: in tables, on the command line, in settings files."""

import math
import re

# More digits than any number here needs; Python refuses to read some thousands of them with an error of its own.
_WHOLE = re.compile(r"-?[0-9]{1,40}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_BLANKS = " \t"


def whole_number(text: str) -> int | None:
    """Read a whole number.

    Python's `int` also takes `3_4` for 34 and the digits of every script, so that a damaged or mistyped cell would pass
    for another number.

    Args:
        text: ASCII digits, a minus before them where it is negative; blanks around it do not matter.

    Returns:
        The number; None if the text is something else.

    >>> [whole_number(text) for text in ("34", " 03 ", "-1", "3_4", "3.0", "\u0663", "")]
    [34, 3, -1, None, None, None, None]
    """
    bare = text.strip(_BLANKS)
    return int(bare) if _WHOLE.fullmatch(bare) else None


def finite_number(text: str) -> float | None:
    """Read a finite decimal number; what Python's `float` takes beyond that (`1_0`, `nan`, `inf`) is refused.

    Args:
        text: ASCII digits with a sign, a decimal point and an exponent where needed; blanks around it do not matter.

    Returns:
        The nearest double; None if the text is something else, or beyond the largest double.

    >>> [finite_number(text) for text in ("34", " .5 ", "-1e3", "1_0", "nan", "1e999", "4,5")]
    [34.0, 0.5, -1000.0, None, None, None, None]
    """
    bare = text.strip(_BLANKS)
    if not _NUMBER.fullmatch(bare):
        return None
    value = float(bare)
    return value if math.isfinite(value) else None
