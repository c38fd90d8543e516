"""What the terminal shows: results on stdout, progress and notes on stderr."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..printable import printable, printable_json, printable_lines
from ..runs.progress import SILENT, Reporter, Task

_LOG_SECONDS = 5.0


class _LogTask:
    """Progress for a log: one JSON line every few seconds."""

    def __init__(self, name: str, total: int) -> None:
        self.name, self.total = name, total
        self.done = self.failed = 0
        self.started = self.last = time.monotonic()

    def advance(self, rows: int = 1, *, failed: int = 0) -> None:
        self.done += rows
        self.failed += failed
        now = time.monotonic()
        if now - self.last >= _LOG_SECONDS:
            self.last = now
            self.print(now)

    def print(self, now: float) -> None:
        elapsed = max(now - self.started, 1e-9)
        rate = self.done / elapsed
        line: dict[str, Any] = {"task": self.name, "done": self.done, "total": self.total, "failed": self.failed}
        line["per_second"] = round(rate, 1)
        if rate > 0:
            line["remaining_seconds"] = round((self.total - self.done) / rate)
        print(json.dumps(line), file=sys.stderr, flush=True)


class LogReporter:
    """Progress where stderr is not a terminal."""

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]:
        """Follow a piece of work."""
        yield _LogTask(name, total)

    def note(self, message: str) -> None:
        """Print a message on stderr."""
        print(printable(message), file=sys.stderr, flush=True)


class _BarTask:
    def __init__(self, advance: Callable[[int, int], None]) -> None:
        self._advance = advance

    def advance(self, rows: int = 1, *, failed: int = 0) -> None:
        self._advance(rows, failed)


class BarReporter:
    """A bar with rate, remaining time and failures, on a terminal."""

    @contextmanager
    def task(self, name: str, total: int) -> Iterator[Task]:
        """Follow a piece of work."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}", markup=False),  # a folder may be named like markup
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("[red]{task.fields[failed]}"),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task(printable(name), total=total, rate="", failed="")
            started, failures, done = time.monotonic(), 0, 0

            def advance(rows: int, failed: int) -> None:
                nonlocal failures, done
                failures += failed
                done += rows
                rate = done / max(time.monotonic() - started, 1e-9)
                text = f"{failures} failed" if failures else ""
                progress.update(bar, advance=rows, rate=f"{rate:,.1f}/s", failed=text)

            yield _BarTask(advance)

    def note(self, message: str) -> None:
        """Print a message on stderr."""
        print(printable(message), file=sys.stderr, flush=True)


def make_reporter(*, quiet: bool) -> Reporter:
    """Choose how progress is shown: not at all, as a bar, or as log lines."""
    if quiet:
        return SILENT
    return BarReporter() if sys.stderr.isatty() else LogReporter()


def print_result(value: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print a command's result: one JSON object, or text for people.

    Args:
        value: JSON values.
        text: The same for people.
        as_json: Which of the two.
    """
    shown = printable_json(json.dumps(value, ensure_ascii=False)) if as_json else printable_lines(text.split("\n"))
    if as_json and not _has_characters_of(shown, encoding=sys.stdout.encoding):
        shown = json.dumps(value)  # the escapes that stdout writes for missing characters are not JSON's
    print(shown, flush=True)


def _has_characters_of(text: str, *, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def describe(value: Mapping[str, Any]) -> str:
    """Lay out a summary as aligned `name  value` lines."""
    width = max(len(name) for name in value)
    return printable_lines(f"{name.replace('_', ' '):<{width}}  {_plain(item)}" for name, item in value.items())


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Lay out rows of text under a header, columns aligned."""
    header, rows = tuple(map(printable, header)), [tuple(map(printable, row)) for row in rows]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [header, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _plain(value: Any) -> str:
    if isinstance(value, Mapping | list) and not value:
        return "none"  # a name without a value looks like a fault
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{item:,} {name}" if isinstance(item, int) else f"{name} {item}" for name, item in value.items()
        )
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
