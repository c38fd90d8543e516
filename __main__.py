"""`python -m syndr_curate`, and the command `syndr-curate`: an interrupt while the program loads is no traceback."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from .cli import main as run

        run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
