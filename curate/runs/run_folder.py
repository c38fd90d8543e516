"""What lies in a run folder, and how it goes away."""

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
    """Refuse a folder that has the name of a run folder but is somebody's own: a run would empty and remove it.

    Raises:
        CurateError: There are files in it that no run makes.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return  # there is none, or the lock will say what is wrong with it
    # Hidden ones: temporary files, and what a network file system keeps of open ones.
    foreign = [name for name in names if name not in _OURS and not _PART.fullmatch(name) and not name.startswith(".")]
    if foreign:
        raise CurateError(
            f"{folder} is where the run would lie, but holds other files ({foreign[0]}): choose another --out"
        )


def holds_nothing(folder: Path) -> bool:
    """Tell whether a run folder has nothing in it that a later start would go on with."""
    return not any((folder / name).exists() for name in (PLAN_FILE, ROWS_FILE, OLDER_FILE))


def clear(folder: Path) -> None:
    """Remove everything of an older run but the lock; its plan must be gone already."""
    for path in folder.iterdir():
        if path.name != LOCK_FILE:
            path.unlink(missing_ok=True)


def put_away(folder: Path) -> None:
    """Take a run folder out of sight and remove it; killed in the middle, it leaves nothing that looks like a run.

    What cannot be removed yet (a network file system keeps files that are open, such as the lock) is for `sweep`.
    """
    trash = folder.with_name(f".{folder.name}.{secrets.token_hex(6)}.{_TRASH}")
    os.replace(folder, trash)
    shutil.rmtree(trash, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what is left of run folders that were put away under this name."""
    before, after = re.escape(f".{folder.name}."), re.escape(f".{_TRASH}")
    gone = re.compile(f"{before}[0-9a-f]{{12}}{after}")
    try:
        names = os.listdir(folder.parent)
    except OSError:
        return
    for name in filter(gone.fullmatch, names):
        shutil.rmtree(folder.parent / name, ignore_errors=True)
