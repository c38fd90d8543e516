"""The section of a document that is written from a run's results, between two marker lines."""

from __future__ import annotations

from pathlib import Path

from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.storage.atomic import write_bytes
from syndr_curate.curate.storage.texts.utf8_text import read_utf8

BEGIN, END = "<!-- real-photos: begin -->", "<!-- real-photos: end -->"


def write_section(path: Path, text: str) -> None:
    """Replace what stands between the two marker lines of a document.

    Args:
        path: The document.
        text: The new section.

    Raises:
        CurateError: It cannot be read, or has not both markers, once each and in this order.
    """
    before, after = require_section(path)
    write_bytes(path, f"{before}{BEGIN}\n\n{text}\n\n{END}\n{after}".encode())


def require_section(path: Path) -> tuple[str, str]:
    """Return what stands before and after the section of a document.

    Args:
        path: The document.

    Raises:
        CurateError: It cannot be read, or has not both markers, once each and in this order.
    """
    content = read_utf8(path)
    before, begin, rest = content.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"{END}\n")
    if not (begin and end) or BEGIN in rest or END in before + after:
        raise CurateError(f"{path} needs the lines {BEGIN} and {END}, once each and in this order")
    return before, after
