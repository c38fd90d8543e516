"""A folder of pixels belongs to one manifest: another one's pixels would have the same names.

The note about it is beside the folder, so that the folder holds pixels and nothing else.
"""

import os
import stat
from pathlib import Path

from ..errors import CurateError
from .atomic import FILE_MODE, cannot_write, make_folder
from .texts.utf8_text import read_utf8

_SUFFIX = ".syndr-curate-owner"


def claim_folder(folder: Path, manifest: Path, *, write: bool) -> None:
    """Claim a folder for a manifest's pixels, before any is written or read there.

    Args:
        folder: Where the pixels go.
        manifest: The manifest that will name them.
        write: Whether pixels are stored there; of a manifest of recipes the folder is only looked at.

    Raises:
        CurateError: It holds those of another manifest, which still exists; or the note cannot be written.
    """
    note, own = folder.parent / f".{folder.name}{_SUFFIX}", _relative(manifest, folder.parent)
    if os.path.lexists(note) and not stat.S_ISREG(os.lstat(note).st_mode):
        raise CurateError(f"{note} is no regular file; expected the note of the pixels' manifest: remove it")
    owner = read_utf8(note).strip("\n") if note.is_file() else own
    if owner != own and (folder.parent / owner).is_file():
        other = os.path.normpath(folder.parent / owner)
        raise CurateError(
            f"{folder} holds the pixels of {other}, whose names the new ones may have: give another folder "
            f"with --images-out, or write {manifest.name} into a folder of its own"
        )
    if write and not (note.is_file() and owner == own):
        try:
            make_folder(note.parent)
            # Torn or lost, it guards nothing, and the next run writes it again: it need not be atomic.
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
            with open(os.open(note, flags, FILE_MODE), "w", encoding="utf-8") as file:
                file.write(f"{own}\n")
        except OSError as error:
            raise cannot_write(note, error) from error


def _relative(manifest: Path, folder: Path) -> str:
    return Path(os.path.relpath(manifest.resolve(), folder.resolve())).as_posix()
