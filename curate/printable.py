"""Names on a terminal: what would move its cursor, change its colors or turn its text around is shown, not obeyed."""

from collections.abc import Iterable


def printable(text: str) -> str:
    r"""Return a text as one line in which every character that is not for display is an escape.

    Such are control characters, marks that turn text around, other line breaks and blanks, and surrogates (bytes of a
    file name that are no UTF-8).

    >>> printable("a\x1b[31m\nb")
    'a\\x1b[31m\\nb'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def printable_lines(lines: Iterable[str]) -> str:
    """Join lines, each made printable: a line break inside one is an escape."""
    return "\n".join(map(printable, lines))


def printable_json(text: str) -> str:
    r"""Escape control characters in a JSON text, without changing its meaning.

    >>> printable_json('{"a": "\x9b31m"}')
    '{"a": "\\u009b31m"}'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _json_escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
