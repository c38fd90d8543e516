"""The files of a run folder, and how the folder is removed."""

import os
import re
import secrets
import shutil
from pathlib import Path

from ..errors import CurateError
from .run_lock import LOCK_FILE

PLAN_FILE, ROWS_FILE, INPUTS_FILE = "plan.json", "rows.parquet", "inputs.parquet"
OLDER_FILE = "older.parquet"  # the result that is being replaced, as long as what it names is not removed
_PART = re.compile(r"part-\d{5,}\.parquet")
_OURS = (LOCK_FILE, PLAN_FILE, ROWS_FILE, INPUTS_FILE, OLDER_FILE)
_TRASH = "finished"


def part_name(shard: int) -> str:
    """Return the file name of a shard's part."""
    return f"part-{shard:05d}.parquet"


def refuse_foreign_files(folder: Path) -> None:
    """Refuse a folder that has the name of a run folder but holds other files: a run would empty and remove it.

    Raises:
        CurateError: There are files in it that no run makes.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return  # no folder, or the lock will report what is wrong with it
    # Hidden ones: temporary files, and what a network file system keeps of open ones.
    foreign = [name for name in names if name not in _OURS and not _PART.fullmatch(name) and not name.startswith(".")]
    if foreign:
        raise CurateError(
            f"{folder} is where the run keeps its files, but it holds other files ({foreign[0]}): choose another --out"
        )


def has_no_run(folder: Path) -> bool:
    """Return whether a run folder has nothing in it that a later start could continue."""
    return not any((folder / name).exists() for name in (PLAN_FILE, ROWS_FILE, OLDER_FILE))


def empty_run_folder(folder: Path) -> None:
    """Remove everything of an older run but the lock; its plan must be gone already."""
    for path in folder.iterdir():
        if path.name != LOCK_FILE:
            path.unlink(missing_ok=True)


def remove_run_folder(folder: Path) -> None:
    """Rename a run folder and remove it, so that a kill in the middle leaves nothing that looks like a run.

    Files that cannot be removed yet (a network file system keeps open files, such as the lock) are left to
    `remove_leftovers`.
    """
    trash = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.{_TRASH}")
    os.replace(folder, trash)
    shutil.rmtree(trash, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what is left of removed run folders of this name."""
    before, after = re.escape(f".{folder.name}."), re.escape(f".{_TRASH}")
    gone = re.compile(f"{before}[0-9a-f]{{12}}{after}")
    try:
        names = os.listdir(folder.parent)
    except OSError:
        return
    for name in filter(gone.fullmatch, names):
        shutil.rmtree(folder.parent / name, ignore_errors=True)
