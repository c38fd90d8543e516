"""What every command does around its one call: errors as one line, and exit codes."""

import contextlib
import functools
import os
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
            _say(f"error: {_one_line(error)}")
            raise typer.Exit(EXIT_ERROR) from error
        except BrokenPipeError:
            # Whoever read the result has seen enough, as `head` does.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # Python flushes it once more at its end
            raise typer.Exit(EXIT_ERROR) from None
        except OSError as error:
            place = "" if error.filename is None else f"{_one_line(error.filename)}: "
            _say(f"error: {place}{_one_line(error.strerror or error)}")
            raise typer.Exit(EXIT_ERROR) from error
        except (OverflowError, MemoryError) as error:
            _say(f"error: a number or a size is too large for this machine: {_one_line(error) or 'out of memory'}")
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt:
            _say("interrupted; the same command goes on where it stopped")
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return wrapped


def _say(line: str) -> None:
    if sys.stderr is not None:  # it is None where it was closed
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr)


def _one_line(said: object) -> str:
    return printable(" ".join(str(said).split()))


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
            print(f"warning: {_one_line(message)}", file=sys.stderr)
        else:
            others(message, category, filename, lineno, file, line)

    with warnings.catch_warnings():
        others, warnings.showwarning = warnings.showwarning, show
        yield
