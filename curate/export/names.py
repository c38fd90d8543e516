"""File names that every tool reads in the same way: ids spelled with letters, digits, `-` and `_`."""

import string
from pathlib import PurePosixPath

from ..manifest.ids import IMAGE_SUFFIXES
from ..storage.paths.file_names import MARK, shortened

_KEPT = frozenset(string.ascii_letters + string.digits + "-_")
# Not `%`, which a URL would decode; not `=`, which some readers take for a partition.
_ESCAPE = MARK


def safe_name(identifier: str) -> str:
    """Turn an id into a file name without suffix.

    Every other character becomes `~` and two hexadecimal digits per byte of its UTF-8: a dot (where a webdataset key
    would end), a slash, a space, a glob's star, markup. Different ids have different names.

    Args:
        identifier: Any text.

    Returns:
        A name of 1 to 197 ASCII characters.
    """
    spelled = "".join(c if c in _KEPT else "".join(f"{_ESCAPE}{byte:02X}" for byte in c.encode()) for c in identifier)
    return shortened(spelled, of=identifier) or _ESCAPE


def image_name(sample_id: str, reference_id: str | None, suffix: str) -> str:
    """Return the path of an exported image in its folder, as a POSIX path: a folder per reference if the row has one.

    Args:
        sample_id: The row's id.
        reference_id: Its reference.
        suffix: Of the file, with its dot.
    """
    name = safe_name(sample_id) + suffix
    return name if reference_id is None else f"{safe_name(reference_id)}/{name}"


def image_suffix(path: str) -> str:
    """Return the suffix of an image's path, in small letters; `.png` where it has none that image readers know."""
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if suffix in IMAGE_SUFFIXES else ".png"
