"""What every command does around its one call: errors as one line, exit codes, the summary."""

import functools
import sys
from collections.abc import Callable
from typing import Any, ParamSpec

import typer

from ..errors import CurateError
from .console import describe, print_result

EXIT_WRONG, EXIT_ERROR, EXIT_REJECTED, EXIT_INTERRUPTED = 1, 2, 3, 130

P = ParamSpec("P")


def reporting_errors(command: Callable[P, None]) -> Callable[P, None]:
    """Print a `CurateError`, or what the system says of a file, as one line, and exit with 2; an interrupt with 130."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except CurateError as error:
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            raise typer.Exit(EXIT_ERROR) from error
        except OSError as error:
            if error.filename is None:
                raise
            print(f"error: {error.filename}: {error.strerror or error}", file=sys.stderr)
            raise typer.Exit(EXIT_ERROR) from error
        except KeyboardInterrupt:
            print("interrupted; the same command goes on where it stopped", file=sys.stderr)
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return wrapped


def finish(summary: dict[str, Any], *, as_json: bool, strict: bool = False, rejected: str = "rows_not_ok") -> None:
    """Print a command's summary; under `--strict`, exit with 3 where rows were rejected."""
    print_result(summary, describe(summary), as_json=as_json)
    if strict and any(summary.get(key) for key in (rejected, "candidates_unusable")):
        raise typer.Exit(EXIT_REJECTED)
