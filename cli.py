"""The door of the command line: first how the process behaves at its edges, then the commands.

The commands are imported late, so that an interrupt in the first moment meets a handler and not an import.
"""

import sys

from .curate.terminal.interrupts import leave_at_once_on_interrupt
from .curate.terminal.streams import EXIT_READER_LEFT, OutputLostError, guard_streams


def main() -> None:
    """Run the command line."""
    leave_at_once_on_interrupt()
    guard_streams()
    from .curate.command.app import app
    from .curate.terminal.exit_codes import EXIT_ERROR

    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OutputLostError as error:
        if error.reader_left:
            sys.exit(EXIT_READER_LEFT)
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)
