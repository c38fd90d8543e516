"""The section of a document that is written from a run's results, between two marker lines."""

from __future__ import annotations

from pathlib import Path

from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.storage.atomic import write_bytes

BEGIN, END = "<!-- real-photos: begin -->", "<!-- real-photos: end -->"


def write_section(path: Path, text: str) -> None:
    """Replace what stands between the two marker lines of a document.

    Args:
        path: The document.
        text: The new section.

    Raises:
        CurateError: It has not both markers, once each and in this order.
    """
    content = path.read_text("utf-8")
    before, begin, rest = content.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"{END}\n")
    if not (begin and end) or BEGIN in rest or END in before + after:
        raise CurateError(f"{path} needs the lines {BEGIN} and {END}, once each and in this order")
    write_bytes(path, f"{before}{begin}\n{text}\n\n{end}{after}".encode())
