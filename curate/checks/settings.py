"""Settings of `verify`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class VerifySettings:
    """How thoroughly a manifest is checked.

    Attributes:
        sample: How many rows with stored pixels and a recipe are rendered again.
        seed: Seed of the sample.
    """

    sample: int = 100
    seed: int = 123
