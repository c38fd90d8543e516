"""Settings of the chains that references get; this module imports no numeric library."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import factorial
from typing import Any, Literal, get_args

from ....distortions.catalog import CATALOG, IDENTITY_CELLS, LEVELS, get
from ....distortions.chains import MOST_STEPS, Chain, format_chain, stretched_once
from ....distortions.errors import DistortionError
from ...errors import CurateError
from ...whole_numbers import hold_whole_numbers, whole_numbers

ChainOrder = Literal["compression-last", "any"]
ChainStretch = Literal["step", "once"]
MOST_DRAWN = 10_000  # of one reference: a draw that repeats a chain is drawn again
TOO_FEW_CHAINS = "ask for fewer, or give more types, levels or lengths"
_FEWEST_DISTORTIONS = 2
# With `once`, two of a chain's steps are stretches.
_MOST_DISTORTIONS = MOST_STEPS - 2
_LENGTH_EXPECTED = (
    f"expected the fewest and the most distortions, {_FEWEST_DISTORTIONS} to {_MOST_DISTORTIONS}, such as 2,4"
)


@dataclass(frozen=True)
class ChainSettings:
    """Which chains every reference gets: named ones, and drawn ones.

    Attributes:
        named: Chains without seeds.
        drawn: How many further ones are drawn for each reference.
        length: The fewest and the most distortions of a drawn chain; each length is as likely.
        types: Distortion ids to draw from; a chain has at most one of a subfamily, which for the 25 of KADID-10k is
            the family; a compression of the camera family counts with theirs.
        levels: Levels to draw from.
        order: Whether drawn compressions come last, or anywhere.
        stretch: Whether every step is stretched, or a chain once, on entry and exit of the whole.
    """

    named: tuple[Chain, ...] = ()
    drawn: int = 0
    length: tuple[int, int] = (2, 4)
    types: tuple[int, ...] = tuple(entry.id for entry in CATALOG)
    levels: tuple[int, ...] = tuple(LEVELS)
    order: ChainOrder = "compression-last"
    stretch: ChainStretch = "step"

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            CurateError: A number is not valid, a type, level or option does not exist, chains cannot be as long as
                asked, or a chain is named twice.
        """
        hold_whole_numbers(self, drawn=0)
        if self.drawn > MOST_DRAWN:
            raise CurateError(
                f"{self.drawn:,} chains of a reference are more than {MOST_DRAWN:,}, the most that are drawn"
            )
        if not isinstance(self.length, Iterable):
            raise CurateError(f"the length of chains is {self.length!r}; {_LENGTH_EXPECTED}")
        for name in ("length", "types", "levels"):
            object.__setattr__(self, name, whole_numbers(name, getattr(self, name)))
        self._check_types()
        for name, value, allowed in (
            ("order", self.order, get_args(ChainOrder)),
            ("stretch", self.stretch, get_args(ChainStretch)),
        ):
            if value not in allowed:
                raise CurateError(f"{name} of chains is {value!r}; expected {' or '.join(allowed)}")
        self._check_length()
        named = Counter(format_chain(chain) for chain in self.named)
        twice = [text for text, count in named.items() if count > 1]
        if twice:
            raise CurateError(f"the chain {twice[0]} is given twice; give each once")
        if self.stretch == "once":
            own = [format_chain(chain) for chain in self.named if any(step.is_stretch for step in chain)]
            if own:
                raise CurateError(f"the chain {own[0]} says where it is stretched: leave out --stretch once")
            long = [chain for chain in self.named if len(chain) > _MOST_DISTORTIONS]
            if long:
                raise CurateError(
                    f"the chain {format_chain(long[0])} has {len(long[0])} distortions; expected at most "
                    f"{_MOST_DISTORTIONS} with --stretch once, which adds two steps: shorten it, or leave out the flag"
                )
        if self.drawn > self.different():
            raise CurateError(
                f"{self.drawn:,} different chains were asked for, and there are {self.different():,}: {TOO_FEW_CHAINS}"
            )

    @property
    def count(self) -> int:
        """How many chains a reference gets."""
        return len(self.named) + self.drawn

    def groups(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Return the (type, level) pairs to draw from, by subfamily, in the order of the types; no identity cells."""
        found: dict[str, list[tuple[int, int]]] = {}
        for kind in sorted(set(self.types)):
            pairs = [(kind, level) for level in sorted(set(self.levels)) if (kind, level) not in IDENTITY_CELLS]
            if pairs:
                found.setdefault(get(kind).subfamily, []).extend(pairs)
        return tuple(tuple(pairs) for pairs in found.values())

    def different(self) -> int:
        """Return the number of different chains that can be drawn."""
        # By number of groups that a chain takes: the ways to choose them, and a type and level of each.
        loose, last = [1], [1]  # of groups anywhere in the chain; of compressions, which come last
        for pairs in self.groups():
            is_last = self.order == "compression-last" and is_compression(pairs[0][0])
            ways = last if is_last else loose
            ways[:] = [a + b * len(pairs) for a, b in zip([*ways, 0], [0, *ways], strict=True)]
        shortest, longest = self.length
        return sum(
            factorial(anywhere) * loose[anywhere] * count
            for length in range(shortest, longest + 1)
            for at_the_end, count in enumerate(last)
            if 0 <= (anywhere := length - at_the_end) < len(loose)
        )

    def with_stretch(self, chain: Chain) -> Chain:
        """Return a chain as it is stretched under these settings."""
        return stretched_once(chain) if self.stretch == "once" else chain

    def as_json(self) -> dict[str, Any]:
        """Return the settings of the chains, for the provenance."""
        facts: dict[str, Any] = {"named": [format_chain(chain) for chain in self.named], "stretch": self.stretch}
        if self.drawn:
            drawing = {name: list(getattr(self, name)) for name in ("length", "types", "levels")}
            facts |= {"drawn": self.drawn, "order": self.order, **drawing}
        return facts

    def _check_types(self) -> None:
        try:
            for kind in self.types:
                for level in self.levels:
                    get(kind).parameter_at(level)
        except DistortionError as error:
            raise CurateError(f"chains cannot be drawn: {error}") from error

    def _check_length(self) -> None:
        ends = self.length
        if len(ends) != 2 or not _FEWEST_DISTORTIONS <= ends[0] <= ends[1] <= _MOST_DISTORTIONS:  # noqa: PLR2004
            raise CurateError(f"the length of chains is {','.join(map(str, ends))}; {_LENGTH_EXPECTED}")
        groups = len(self.groups()) if self.drawn else ends[1]
        if ends[1] > groups:
            raise CurateError(
                f"chains of up to {ends[1]} distortions were asked for, of types of {groups} families: a chain has at "
                "most one of each (of camera types: of each subfamily); give more types or a shorter --chain-length"
            )


def is_compression(distortion_id: int) -> bool:
    """Return whether a type is one that a chain ends with: a file is compressed after everything else."""
    return get(distortion_id).subfamily == "compression"
