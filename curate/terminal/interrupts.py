"""Ctrl-C: before a command has begun it ends the process at once, afterwards it is Python's `KeyboardInterrupt`."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

EXIT_INTERRUPTED = 130


def leave_at_once_on_interrupt() -> None:
    """From now on, end the process at once where it is interrupted.

    Imports are no place for a `KeyboardInterrupt`: it becomes a traceback, or an error of the library whose import it
    broke. Where interrupts are ignored, as in the background of a shell script, they stay ignored.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """For the time of a command, turn an interrupt into a `KeyboardInterrupt`."""
    is_ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is _leave
    if is_ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, _leave)


def _leave(_number: int, _frame: FrameType | None) -> None:
    with contextlib.suppress(OSError):  # stderr may be gone
        os.write(2, b"interrupted\n")
    os._exit(EXIT_INTERRUPTED)
