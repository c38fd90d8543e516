"""How a stage reports its progress, whatever shows it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Protocol


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, rows: int = 1, *, failed: int = 0) -> None:
        """Count `rows` more as done, `failed` of them as failed."""


class Reporter(Protocol):
    """What shows progress: a bar, a log, or nothing."""

    def task(self, name: str, total: int) -> AbstractContextManager[Task]:
        """Begin a piece of work of `total` rows."""

    def note(self, message: str) -> None:
        """Show a note to the user while it runs."""


def counting(task: Task, total: int | None = None) -> Callable[[int, int], None]:
    """Turn a task into a callback (done, of) that may come from several threads.

    Args:
        task: Gets the progress.
        total: The task's own total, where the callback counts in other units.
    """
    lock, shown = Lock(), 0

    def progress(done: int, of: int) -> None:
        nonlocal shown
        with lock:
            now = done if total is None else total * done // max(1, of)
            if now > shown:
                task.advance(now - shown)
                shown = now

    return progress


class _SilentTask:
    def advance(self, rows: int = 1, *, failed: int = 0) -> None:
        pass


class Silent:
    """A reporter that says nothing; what calls from Python get."""

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]:  # noqa: ARG002
        """Begin a piece of work without showing it."""
        yield _SilentTask()

    def note(self, message: str) -> None:
        """Drop the message."""


SILENT = Silent()
