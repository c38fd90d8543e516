"""The one exception that users of the toolkit meet."""


class CurateError(ValueError):
    """A user's input or setting cannot be used.

    The message says what was given, what was expected and what to do. The command line prints it
    as one line and exits with status 2; it never hides a programming error.
    """
