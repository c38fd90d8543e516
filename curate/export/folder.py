"""A folder that appears complete or not at all, and is replaced only if an export made it."""

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import CurateError
from ..manifest.ids import list_ids
from ..storage.atomic import NAME_SHOWN, cannot_write
from ..storage.texts.json_text import parse_json
from ..storage.texts.utf8_text import read_utf8

MARKER = ".syndr-curate-export.json"


def require_free(out: Path, *, overwrite: bool, inputs: Mapping[str, Path]) -> Path:
    """Check that an export may be written to a folder.

    Args:
        out: The folder; it need not exist.
        overwrite: Whether an earlier export there may be replaced.
        inputs: What the export reads, by name: it must not be inside the folder.

    Returns:
        The folder behind any links.

    Raises:
        CurateError: It is a file, or holds something that is not an export, or something besides the export, or an
            export without `overwrite`, or an input.
    """
    out = Path(os.path.realpath(out))
    for name, path in inputs.items():
        if Path(os.path.realpath(path)).is_relative_to(out):
            raise CurateError(f"{name} is inside {out}, which the export would replace: give another --out")
    if not out.name:
        raise CurateError(f"cannot export to {out}: give a folder")
    if not os.path.lexists(out):
        return out
    if not out.is_dir():
        raise CurateError(f"{out} is a file; --out names a folder")
    try:
        present = sorted(os.listdir(out))
    except OSError as error:
        raise CurateError(f"cannot read {out}: {error.strerror or error}") from error
    if not present:
        return out
    ours = _entries(out)
    if ours is None:
        raise CurateError(f"{out} is not empty, and no export of this tool: give another --out")
    others = [name for name in present if name not in ours]
    if others:
        raise CurateError(f"{out} holds an export and something else ({list_ids(others)}): give another --out")
    if not overwrite:
        raise CurateError(f"{out} already holds an export: give --overwrite to replace it")
    return out


@contextlib.contextmanager
def export_folder(out: Path, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Yield an empty folder that becomes `out` when the block ends without an error.

    An earlier export at `out` stays until then. A killed process leaves `.<name>.<letters>.tmp` beside `out`.

    Args:
        out: What `require_free` gave.
        facts: JSON values to be kept in the folder's marker file.

    Raises:
        CurateError: The folder cannot be written, or the block meets an `OSError`.
    """
    token = secrets.token_hex(6)
    temporary = out.with_name(f".{out.name[:NAME_SHOWN]}.{token}.tmp")
    aside = out.with_name(f".{out.name[:NAME_SHOWN]}.{token}.old.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        names = sorted([*os.listdir(temporary), MARKER])
        text = json.dumps({"entries": names, **facts}, sort_keys=True, ensure_ascii=False, indent=1)
        (temporary / MARKER).write_text(text + "\n", encoding="utf-8")
        if os.path.lexists(out):
            os.rename(out, aside)
        os.rename(temporary, out)
    except OSError as error:
        raise cannot_write(out, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if os.path.lexists(out):
            shutil.rmtree(aside, ignore_errors=True)


def _entries(out: Path) -> set[str] | None:
    try:
        value = parse_json(read_utf8(out / MARKER))
        return set(value["entries"])
    except (CurateError, ValueError, KeyError, TypeError):
        return None
