"""Values that are costly to build, the most recent of them kept within a bound, for threads and other processes."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

# More threads than this seldom build at once; two that want different values seldom wait for each other.
_LOCKS = 16


class RecentCache(Generic[Value]):
    """The most recently used values, up to a total weight.

    A copy in another process, forked or pickled, starts empty.
    """

    def __init__(self, capacity: int, weigh: Callable[[Value], int], *, keep_last: bool = True) -> None:
        """Make an empty cache.

        Args:
            capacity: The total weight kept.
            weigh: Gives a value's weight; a function of a module, where the cache is to be pickled.
            keep_last: Whether the value used last is kept even where it is heavier than the capacity.
        """
        self._capacity, self._weigh, self._keep_last = capacity, weigh, keep_last
        self._start_empty()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the values and the locks behind."""
        return {"capacity": self._capacity, "weigh": self._weigh, "keep_last": self._keep_last}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Start empty."""
        self._capacity, self._weigh, self._keep_last = state["capacity"], state["weigh"], state["keep_last"]
        self._start_empty()

    def get(self, key: Hashable, build: Callable[[], Value]) -> Value:
        """Return the value of a key, built once by the first caller.

        Args:
            key: What the value belongs to.
            build: Makes the value; what it raises is passed on and nothing is kept.
        """
        if self._process != os.getpid():
            self._start_empty()  # a lock that was held at the fork stays locked in the child for ever
        with self._building[hash(key) % _LOCKS]:
            with self._lock:
                if key in self._values:
                    self._values.move_to_end(key)
                    return self._values[key]
            value = build()
            with self._lock:
                self._values[key] = value
                self._weight += self._weigh(value)
                while self._weight > self._capacity and len(self._values) > self._keep_last:
                    _, oldest = self._values.popitem(last=False)
                    self._weight -= self._weigh(oldest)
            return value

    def _start_empty(self) -> None:
        self._lock = threading.Lock()
        self._building = [threading.Lock() for _ in range(_LOCKS)]
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._weight = 0
        self._process = os.getpid()
