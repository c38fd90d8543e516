"""Chains of distortions and their lengths as users write them."""

from collections.abc import Iterable

from ....distortions.chains import Chain, parse_chain
from ....distortions.errors import DistortionError
from ...errors import CurateError
from ...storage.texts.strict_numbers import whole_number


def parse_chains(texts: Iterable[str]) -> tuple[Chain, ...]:
    """Turn chains into their steps.

    Args:
        texts: Chains such as `gaussian_blur:2+white_noise:3+jpeg:2`.

    Raises:
        CurateError: One is no chain; the message says which step.
    """
    try:
        return tuple(parse_chain(text) for text in texts)
    except DistortionError as error:
        raise CurateError(str(error)) from error


def parse_chain_length(text: str) -> tuple[int, int]:
    """Turn `2,4` into the fewest and the most distortions of a chain; a single number stands for both.

    Raises:
        CurateError: Not one or two whole numbers.

    >>> parse_chain_length("2,4"), parse_chain_length("3")
    ((2, 4), (3, 3))
    """
    ends = [whole_number(part) for part in text.split(",")]
    if len(ends) > 2 or ends[0] is None or ends[-1] is None:  # noqa: PLR2004
        raise CurateError(f"--chain-length {text!r}: expected the fewest and the most distortions, such as 2,4")
    return ends[0], ends[-1]
