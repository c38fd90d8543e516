"""One split, drawn by seed: the same on every machine, in any order of the rows."""

import math
from collections.abc import Collection, Sequence
from fractions import Fraction

from ...errors import CurateError
from ...manifest.seeds import uniform_draw
from ...manifest.split_names import SPLITS, Split

# What shares written in decimals may miss of 1: three times 0.333333 is meant as thirds.
TOLERANCE = Fraction(1, 100_000)
_NAMES: dict[int, tuple[Split, ...]] = {2: ("train", "test"), 3: SPLITS}


def split_sizes(fractions: Sequence[float], count: int) -> dict[Split, int]:
    """Return how many of `count` references go into each split.

    The ends of the shares are rounded, half up, so that no reference is left over.

    Args:
        fractions: Shares for train and test, or for train, val and test.
        count: How many references there are.

    Raises:
        CurateError: Other than two or three shares, one that is not above 0, a sum other than 1, or a split that would
            be empty.

    >>> split_sizes((0.8, 0.2), 81)
    {'train': 65, 'test': 16}
    """
    shown = ", ".join(map(str, fractions))
    expected = "expected shares above 0 that add up to 1, of train and test or of train, val and test, such as 0.8,0.2"
    are_shares = all(isinstance(share, int | float) and math.isfinite(share) and share > 0 for share in fractions)
    if len(fractions) not in _NAMES or not are_shares:
        raise CurateError(f"fractions are {shown}; {expected}")
    shares = [Fraction(str(float(share))) for share in fractions]
    total = sum(shares, Fraction(0))
    if abs(total - 1) > TOLERANCE:
        raise CurateError(f"fractions are {shown}, which add up to {float(total):g}; {expected}")
    ends = [
        math.floor(sum(shares[: number + 1], Fraction(0)) / total * count + Fraction(1, 2))
        for number in range(len(shares))
    ]
    sizes = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    empty = [name for name, size in zip(_NAMES[len(sizes)], sizes, strict=True) if not size]
    if empty:
        raise CurateError(
            f"fractions {shown} of {count} references leave none for {', '.join(empty)}; expected more references or "
            "other fractions. What counts as a reference is the reference column, or the part of an image's id before "
            "_<type>_<level>: where ids only look so, give the column of the images as --reference-column"
        )
    return dict(zip(_NAMES[len(sizes)], sizes, strict=True))


def draw_split(references: Collection[str], fractions: Sequence[float], seed: int) -> dict[str, Split]:
    """Draw a split of references, uniformly.

    Args:
        references: Distinct ids, in any order: it does not matter.
        fractions: Shares for train and test, or for train, val and test.
        seed: Another seed gives another split.

    Returns:
        Reference to split, in the order given.

    Raises:
        CurateError: As `split_sizes`.
    """
    ids, end = list(references), 0
    drawn: dict[str, Split] = {}
    for name, size in split_sizes(fractions, len(ids)).items():
        end += size
        # A draw of more holds every draw of fewer: these are the same hashes.
        drawn |= {reference: name for reference in uniform_draw(ids, end, "split", seed) if reference not in drawn}
    return {reference: drawn[reference] for reference in ids}
