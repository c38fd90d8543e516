"""Work that leaves something behind: done once, and again only when something else is asked for."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from syndr_curate import CurateError

DONE = "done.json"


def digest(value: object) -> str:
    """Return twelve hexadecimal digits that stand for a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def digest_file(file: Path) -> str:
    """Return twelve hexadecimal digits that stand for a file's bytes."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def done_once(folder: Path, asked: object, work: Callable[[], object]) -> object:
    """Do a piece of work whose mark is `done.json` in its folder; where the mark is there for the same, read it.

    Args:
        folder: The work's own folder.
        asked: What is asked, as a JSON value: with another one the folder is emptied and the work is done anew.
        work: Returns what the mark shall remember, as a JSON value.
    """
    mark, begun = folder / DONE, folder / "asked.json"
    wanted = json.loads(json.dumps(asked))
    if mark.is_file():
        found = json.loads(mark.read_text(encoding="utf-8"))
        if found["asked"] == wanted:
            return found["result"]
    if begun.is_file() and json.loads(begun.read_text(encoding="utf-8")) != wanted:
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write(begun, wanted)
    result = work()
    _write(mark, {"asked": wanted, "result": result})
    return result


def syndr_curate(*arguments: object) -> None:
    """Run a command of the toolkit; its notes go where ours go.

    Raises:
        CurateError: It ended with an error, which it has printed.
    """
    run([sys.executable, "-m", "syndr_curate", *map(str, arguments)], f"syndr-curate {arguments[0]}")


def run(command: Sequence[str], name: str) -> None:
    """Run a program; what it prints goes to stderr, since our stdout is for results.

    Raises:
        CurateError: It ended with an error, which it has printed.
    """
    print("$", " ".join(command), file=sys.stderr, flush=True)
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode:
        raise CurateError(f"{name} ended with status {done.returncode}; its own message is above")


def _write(file: Path, value: object) -> None:
    temporary = file.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    temporary.replace(file)
