"""What was learnt about archives, kept within a bound, for threads and forked processes alike."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import BinaryIO, Generic, TypeVar

Value = TypeVar("Value")

# More threads than this seldom read at once; two that want different things seldom wait for each other.
_LOCKS = 16


class ArchiveCache(Generic[Value]):
    """The most recently used values, up to a total weight.

    A value is keyed by the archive's identity (`archive_identity`), so that an archive that was replaced is read anew.
    """

    def __init__(self, capacity: int, weigh: Callable[[Value], int]) -> None:
        """Make an empty cache.

        Args:
            capacity: The total weight kept, though always at least one value.
            weigh: Gives a value's weight.
        """
        self._capacity = capacity
        self._weigh = weigh
        self._start_empty()
        if hasattr(os, "register_at_fork"):
            # A lock that another thread holds at the fork would stay locked in the child for ever.
            os.register_at_fork(after_in_child=self._start_empty)

    def get(self, key: tuple[object, ...], build: Callable[[], Value]) -> Value:
        """Return the value of a key, built once by whoever asks first.

        Args:
            key: The archive's identity, and what of it is meant.
            build: Makes the value; what it raises is passed on and nothing is kept.
        """
        with self._building[hash(key) % _LOCKS]:
            with self._lock:
                if key in self._values:
                    self._values.move_to_end(key)
                    return self._values[key]
            value = build()
            with self._lock:
                self._values[key] = value
                self._weight += self._weigh(value)
                while self._weight > self._capacity and len(self._values) > 1:
                    _, oldest = self._values.popitem(last=False)
                    self._weight -= self._weigh(oldest)
            return value

    def _start_empty(self) -> None:
        self._lock = threading.Lock()
        self._building = [threading.Lock() for _ in range(_LOCKS)]
        self._values: OrderedDict[tuple[object, ...], Value] = OrderedDict()
        self._weight = 0


def archive_identity(file: BinaryIO) -> tuple[object, ...]:
    """Return what tells one state of an open archive from another: its name, place on the disk, size and time."""
    state = os.fstat(file.fileno())
    return (file.name, state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
