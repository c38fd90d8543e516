"""Errors about an input that the distortions cannot use."""


class DistortionError(ValueError):
    """An image, a type, a level, a seed or drawn numbers that cannot be used; the message says what is expected."""


class AbsentTypeError(DistortionError):
    """A type with the id of a user's own that is not registered here; the message says how to register it."""
