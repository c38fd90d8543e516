"""Text files, whatever program saved them."""

import codecs
from pathlib import Path

from ...errors import CurateError
from ..paths.regular_files import refuse_special

# UTF-32's little-endian mark begins with that of UTF-16.
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)


def read_utf8(path: Path, *, keep_line_breaks: bool = False) -> str:
    """Read a text file.

    Args:
        path: The file, UTF-8 with or without a byte order mark.
        keep_line_breaks: Whether line breaks stay as they are; else each becomes a line feed.

    Raises:
        CurateError: It cannot be read, or is something else: UTF-16, another encoding, no text, or no regular file.
    """
    refuse_special(path)
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise CurateError(f"cannot read {path}: {reason}") from error
    # Without a mark: nearly every table, list or setting begins with an ASCII character, half of which is a zero byte.
    if content.startswith(_WIDE_MARKS) or content[:2].count(0) == 1:
        raise CurateError(f"{path} is text in UTF-16, as spreadsheets save it; expected UTF-8: save it again as UTF-8")
    if b"\0" in content:
        raise CurateError(
            f"{path} has a zero byte at {content.index(0):,}; expected text in UTF-8: it is damaged, or no text file"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CurateError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start:,}): save it again as UTF-8"
        ) from error
    return text if keep_line_breaks else text.replace("\r\n", "\n").replace("\r", "\n")
