"""A hook by which a test kills the process at a named moment; it does nothing unless the environment asks for it."""

import os
import signal
import threading
from collections import Counter

CRASH_VARIABLE = "SYNDR_CURATE_CRASH_AT"

_passages: Counter[str] = Counter()
_lock = threading.Lock()


def crash_point(name: str) -> None:
    """Kill this process, as a power cut would, when `SYNDR_CURATE_CRASH_AT` says so.

    A test hook. `SYNDR_CURATE_CRASH_AT=before-rename` kills at the first passage of the point of that name,
    `before-rename:3` at the third; passages are counted per process, over all its threads.

    Args:
        name: What the moment is called.
    """
    wanted, _, count = os.environ.get(CRASH_VARIABLE, "").partition(":")
    if wanted != name:
        return
    with _lock:
        _passages[name] += 1
        if _passages[name] == int(count or 1):
            os.kill(os.getpid(), signal.SIGKILL)
