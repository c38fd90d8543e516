"""The plan of a run: a second start goes on with the first one's, or is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.storage.atomic import write_bytes


def keep_plan(folder: Path, plan: Mapping[str, Any]) -> None:
    """Write down the plan of a run, or hold a second start to the first one's.

    Args:
        folder: Of the run.
        plan: What its files depend on, as JSON values.

    Raises:
        CurateError: The folder holds another run; the message names what differs.
    """
    path = folder / "plan.json"
    content = json.dumps(plan, indent=1)
    if path.is_file():
        before, now = json.loads(path.read_text()), json.loads(content)
        differing = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
        if differing:
            raise CurateError(
                f"{folder} holds a run with another {', '.join(differing)}: give another --out, or remove it"
            )
    write_bytes(path, content.encode())
