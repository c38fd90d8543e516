"""How a stage says how far it is, without knowing who listens."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Task(Protocol):
    """One piece of work under way."""

    def advance(self, rows: int = 1, *, failed: int = 0) -> None:
        """Say that `rows` more are done, `failed` of them badly."""


class Reporter(Protocol):
    """Whoever shows progress: a bar, a log, nobody."""

    def task(self, name: str, total: int) -> AbstractContextManager[Task]:
        """Begin a piece of work of `total` rows."""

    def note(self, message: str) -> None:
        """Say something that a user should know while it runs."""


class _SilentTask:
    def advance(self, rows: int = 1, *, failed: int = 0) -> None:
        pass


class Silent:
    """A reporter that says nothing; what calls from Python get."""

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]:  # noqa: ARG002
        """Begin a piece of work that nobody follows."""
        yield _SilentTask()

    def note(self, message: str) -> None:
        """Drop the message."""


SILENT = Silent()
