"""What the distortions say of an input that they cannot use."""


class DistortionError(ValueError):
    """An image, a type, a level, a seed or drawn numbers that cannot be used; the message says what is expected."""
