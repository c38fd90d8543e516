"""Who may work in a run folder: one whole run, or several that have different shards."""

import errno
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import CurateError
from ..storage.atomic import FILE_MODE, cannot_write, make_folder

LOCK_FILE = "lock"
# Planning a run of millions of rows takes a minute or two, for which the other members of an array wait.
PLANNING_SECONDS = 1800.0
_POLL_SECONDS = 0.2
# `status` holds a lock for the moment of a look; a run that works holds it for longer.
_STATUS_LOOK_SECONDS = 1.0
_OPEN_ATTEMPTS = 5
_PLANNING_BYTE, _FIRST_SHARD_BYTE = 0, 1
_SHARED_BYTE = 1 << 40  # beyond all shards: those who do a share hold it together, a whole run alone
_LOCKED = (errno.EACCES, errno.EAGAIN)


class RunLock:
    """Record locks on one file: byte 0 is planning, byte k + 1 is shard k, the whole file a whole run.

    The system releases them when their process ends, however it ends, and shared file systems carry them from one
    machine to another. They are a process's own: two runs in one process do not see each other. Where the system has
    no record locks (Windows), nothing is detected.
    """

    def __init__(self, folder: Path) -> None:
        """Open the lock of a run folder, which is made if it is not there."""
        self._folder = folder
        self._descriptor = self._open()

    def claim_run(self) -> None:
        """Claim the whole run.

        Raises:
            CurateError: Another run works in the folder.
        """
        if not self._lock_patiently(0, 0):
            raise CurateError(f"another run is working in {self._folder}: wait for it, or stop it")

    def claim_planning(self) -> None:
        """Claim the planning, waiting for others who plan the same run.

        Raises:
            CurateError: It takes too long, or a whole run is under way.
        """
        if not self._lock_patiently(_SHARED_BYTE, 1, shared=True):
            raise CurateError(f"another run is working in {self._folder}: wait for it, or stop it")
        deadline = time.monotonic() + PLANNING_SECONDS
        while not self._lock_now(_PLANNING_BYTE, 1):
            if time.monotonic() > deadline:
                raise CurateError(f"another run holds {self._folder}: wait for it, or stop it")
            time.sleep(_POLL_SECONDS)

    def release_planning(self) -> None:
        """Release the planning."""
        _record_lock(self._descriptor, _PLANNING_BYTE, 1, release=True)

    def claim_shards(self, shards: Iterable[int]) -> None:
        """Claim some shards.

        Raises:
            CurateError: Another run has one of them.
        """
        for shard in shards:
            if not self._lock_patiently(_FIRST_SHARD_BYTE + shard, 1):
                raise CurateError(f"another run is working on shard {shard} in {self._folder}: wait for it, or stop it")

    def close(self) -> None:
        """Release all locks."""
        os.close(self._descriptor)

    def _open(self) -> int:
        path = self._folder / LOCK_FILE
        attempts = 0
        while True:
            try:
                make_folder(self._folder)
                return os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
            except OSError as error:
                # Its run may have removed the folder since it was made.
                attempts += 1
                if not isinstance(error, FileNotFoundError) or attempts == _OPEN_ATTEMPTS:
                    raise cannot_write(path, error) from error

    def _lock_patiently(self, start: int, length: int, *, shared: bool = False) -> bool:
        deadline = time.monotonic() + _STATUS_LOOK_SECONDS
        while not self._lock_now(start, length, shared=shared):
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS / 4)
        return True

    def _lock_now(self, start: int, length: int, *, shared: bool = False) -> bool:
        if not _record_lock(self._descriptor, start, length, shared=shared):
            return False
        while not self._is_current():
            # The run that held it has ended and removed its folder.
            os.close(self._descriptor)
            self._descriptor = self._open()
            if not _record_lock(self._descriptor, start, length, shared=shared):
                return False
        return True

    def _is_current(self) -> bool:
        try:
            there = os.stat(self._folder / LOCK_FILE)
        except FileNotFoundError:
            return False
        mine = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


@contextmanager
def run_lock(folder: Path) -> Iterator[RunLock]:
    """Open the lock of a run folder and close it at the end."""
    lock = RunLock(folder)
    try:
        yield lock
    finally:
        lock.close()


def is_locked(folder: Path) -> bool:
    """Return whether a run is working in a run folder."""
    path = folder / LOCK_FILE
    if sys.platform == "win32" or not path.exists():
        return False
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False  # someone else's folder: whether a run works there is unknown
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _LOCKED:
            return True
        raise CurateError(f"cannot lock {path}: {error.strerror or error}") from error
    finally:
        os.close(descriptor)
    return False


def _record_lock(descriptor: int, start: int, length: int, *, shared: bool = False, release: bool = False) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    taken = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    kind = fcntl.LOCK_UN if release else taken | fcntl.LOCK_NB
    try:
        fcntl.lockf(descriptor, kind, length, start)
    except OSError as error:
        if error.errno in _LOCKED:
            return False
        raise CurateError(f"cannot lock the run folder: {error.strerror or error}") from error
    return True
