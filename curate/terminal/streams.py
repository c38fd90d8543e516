"""Standard streams that are closed or full, or whose reader has left."""

import errno
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EXIT_READER_LEFT = 141  # as a shell reports a program that was stopped because its output has no reader


class OutputLostError(Exception):
    """The result cannot be written to stdout.

    It is no `OSError`, which Typer and the commands take for something that befell a file.

    Attributes:
        reader_left: Whether a program read the beginning and ended, as `head` does.
    """

    def __init__(self, cause: OSError) -> None:
        """Take the reason from what the system said."""
        super().__init__(f"the result cannot be printed: {cause.strerror or cause}")
        self.reader_left = cause.errno == errno.EPIPE


def guard_streams() -> None:
    """Prepare the standard streams of this process.

    A stream that is closed becomes one that is empty or takes everything: otherwise `print` to a closed stderr writes
    into the result, and the next file that is opened gets the stream's number, and with it what libraries print there.
    Notes that stderr does not take are lost, and the command goes on. What stdout does not take is an
    `OutputLostError`. Text that the terminal's encoding does not have is escaped.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = _stream(_Result(1, "w", closefd=False), encoding=getattr(sys.stdout, "encoding", "utf-8"))
    sys.stderr = _stream(_Notes(2, "w", closefd=False), encoding=getattr(sys.stderr, "encoding", "utf-8"), by_line=True)


class _Result(io.FileIO):
    _is_lost = False

    def write(self, data: "ReadableBuffer", /) -> int:
        if self._is_lost:  # said already; Python tries again when it ends
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as error:
            self._is_lost = True
            raise OutputLostError(error) from error


class _Notes(io.FileIO):
    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes  # there is no other place to say so


def _stream(raw: io.FileIO, *, encoding: str, by_line: bool = False) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=encoding, errors="backslashreplace", line_buffering=by_line or raw.isatty()
    )
