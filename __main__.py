"""`python -m syndr_curate`, and the command `syndr-curate`: the edges of a process are met without a traceback."""

import sys

from .curate.terminal.streams import EXIT_READER_LEFT, OutputLostError, guard_streams

EXIT_ERROR, EXIT_INTERRUPTED = 2, 130  # as in terminal/exit_codes.py, whose import takes longer than the first Ctrl-C


def main() -> None:
    """Run the command line; an interrupt while the program loads is one word, and lost output an exit code."""
    guard_streams()
    try:
        from .cli import main as run

        try:
            run()
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except OutputLostError as error:
        if error.reader_left:
            sys.exit(EXIT_READER_LEFT)
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)


if __name__ == "__main__":
    main()
