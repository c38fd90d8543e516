"""The two kinds of error, one that ends a command and one of a single row, and the warning."""

from typing import ClassVar


class CurateError(ValueError):
    """A user's input or setting cannot be used: the request ends.

    The message says what was given, what was expected and what to do. The command line prints it
    as one line and exits with status 2; it never hides a programming error.
    """


class CurateWarning(UserWarning):
    """Something that a user should know though the request goes on; the command line prints it as one line."""


class RowError(Exception):
    """The image of one row cannot be read, made or used; the message is the reason that goes into the row.

    It is no `CurateError`, so that code which turns it into a row's status cannot swallow a problem of the request.

    Attributes:
        status: What the row's status becomes.
    """

    status: ClassVar[str] = "failed"

    def about(self, what: str) -> "RowError":
        """Return an error of the same kind with a prefix that says what it is about."""
        return type(self)(f"{what}: {self}")
