"""What every command does around its one call: errors as one line, and exit codes."""

import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TextIO

import typer

from ..errors import CurateError, CurateWarning
from ..printable import printable

EXIT_WRONG, EXIT_ERROR, EXIT_REJECTED, EXIT_INTERRUPTED = 1, 2, 3, 130

P = ParamSpec("P")


def reporting_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Print a `CurateError`, or what the system says of a file, as one line, and exit with 2; an interrupt with 130.

    A `CurateWarning` is one line too, and changes no exit code.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with _warnings_as_lines():
                command(*args, **kwargs)
        except CurateError as error:
            print(f"error: {printable(str(error))}", file=sys.stderr)
            raise typer.Exit(EXIT_ERROR) from error
        except OSError as error:
            place = "" if error.filename is None else f"{printable(str(error.filename))}: "
            print(f"error: {place}{printable(error.strerror or str(error))}", file=sys.stderr)
            raise typer.Exit(EXIT_ERROR) from error
        except (OverflowError, MemoryError) as error:
            print(
                f"error: a number or a size is too large for this machine: {printable(str(error)) or 'out of memory'}",
                file=sys.stderr,
            )
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt:
            print("interrupted; the same command goes on where it stopped", file=sys.stderr)
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return wrapped


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, CurateWarning):
            print(f"warning: {printable(str(message))}", file=sys.stderr)
        else:
            others(printable(str(message)), category, filename, lineno, file, line)

    with warnings.catch_warnings():
        others, warnings.showwarning = warnings.showwarning, show
        yield
