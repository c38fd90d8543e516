"""Names of files that every file system takes and every manifest can hold."""

import hashlib
import os
import re
from pathlib import Path

# A name of 255 bytes is the longest on common file systems; the suffix and a temporary name need some.
LONGEST_NAME = 180
MARK = "~"
_DIGITS = 16
_SPELLED = re.compile(f"{MARK}+(?=5C|[89A-F][0-9A-F])")
_RAW_BYTES = range(0xDC80, 0xDD00)  # how Python gives bytes of a file name that are no UTF-8 (PEP 383)


def shortened(name: str, *, of: str | None = None) -> str:
    """Shorten a file's name without its suffix, if it is long; different names stay different.

    Args:
        name: The name, without a slash.
        of: What it spells, if it is not that itself: a digest of it ends the short name.

    Returns:
        The name as it is if its UTF-8 has at most 180 bytes; else its beginning, `~` and 16 hexadecimal digits.
    """
    content = name.encode()
    if len(content) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256((name if of is None else of).encode()).hexdigest()[:_DIGITS]
    return f"{content[:LONGEST_NAME].decode(errors='ignore')}{MARK}{digest}"


def rendered_path(reference_id: str, sample_id: str, suffix: str) -> str:
    """Return the path of a rendered image below its root: a folder per reference, so that no folder holds millions.

    Args:
        reference_id: The row's reference, a relative path under `--ids path`.
        sample_id: The row's id.
        suffix: Of the image file, with its dot.

    Returns:
        A POSIX path; long names are shortened.
    """
    folders = "/".join(shortened(part) for part in reference_id.split("/"))
    return f"{folders}/{shortened(sample_id.rsplit('/', 1)[-1])}{suffix}"


def is_storable_name(name: str) -> bool:
    r"""Return whether a manifest can hold a file's name: no backslash, and Unicode.

    >>> [is_storable_name(name) for name in ("sub/a.png", "a\\b.png", "a\udcff.png")]
    [True, False, False]
    """
    return "\\" not in name and (name.isascii() or not any(map(_is_raw_byte, name)))


def spelled(name: str, mark: str = MARK) -> str:
    r"""Rewrite a file's name so that a manifest can hold it: a mark and two digits for each forbidden character.

    Args:
        name: A name or a relative path, as the file system has it.
        mark: One `~` or more.

    >>> [spelled(name) for name in ("sub/a.png", "a\\b.png", "a\udcff.png")]
    ['sub/a.png', 'a~5Cb.png', 'a~FF.png']
    """
    return "".join(f"{mark}{ord(c) & 0xFF:02X}" if c == "\\" or _is_raw_byte(c) else c for c in name)


def explain_missing_file(path: str | os.PathLike[str]) -> str | None:
    """Explain that a missing file exists under a name that a manifest cannot hold; None otherwise.

    Args:
        path: A path that leads to no file, perhaps one that `spelled` has made.
    """
    here = Path(path)
    while not os.path.lexists(here) and here != here.parent:
        if _SPELLED.search(here.name) and _is_escaped_form(here):
            return "its name has a backslash or is no UTF-8, which a manifest cannot hold: rename the file"
        here = here.parent
    return None


def _is_escaped_form(path: Path) -> bool:
    """Return whether a folder has a name that this one rewrites; how often the mark is written does not matter."""
    wanted = _SPELLED.sub(MARK, path.name)
    try:
        names = os.listdir(path.parent)
    except OSError:
        return False
    return any(not is_storable_name(name) and _SPELLED.sub(MARK, spelled(name)) == wanted for name in names)


def _is_raw_byte(character: str) -> bool:
    return ord(character) in _RAW_BYTES
