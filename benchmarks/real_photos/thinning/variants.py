"""The ways of thinning that are compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Which = Literal["all", "human", "pseudo"]
PUBLISHED_BOUND = 0.9


@dataclass(frozen=True)
class Quantile:
    """A bound that is this quantile of the cosines of pairs whose labels are less than the label gap apart."""

    share: float


@dataclass(frozen=True)
class Thins:
    """A bound at which clusters above keep-min hold this share of the rows: what `downsample` names in its warning."""

    share: Literal["tenth", "half"]


@dataclass(frozen=True)
class Variant:
    """One way of thinning.

    Attributes:
        key: For file names.
        title: For tables.
        bound: A cosine, or how it is found anew before each epoch.
        which: The rows that are thinned: all, those with labels of the labeled references (`human`), or those of new
            contents (`pseudo`).
        weighted: Whether a kept row counts as many times as its cluster has members per kept one, so that the expected
            gradient is that of all rows (as InfoBatch weights).
        stops: Whether the last eighth of the training sees all rows (as InfoBatch ends).
    """

    key: str
    title: str
    bound: float | Quantile | Thins
    which: Which = "all"
    weighted: bool = False
    stops: bool = False

    @property
    def needs_new_contents(self) -> bool:
        """Whether this differs from thinning all rows only where there are rows of new contents."""
        return self.which != "all"

    @property
    def has_random_control(self) -> bool:
        """Whether as many rows are dropped at random, too: for the plain ways of thinning."""
        return not (self.weighted or self.stops)


def _with_options(variant: Variant) -> tuple[Variant, ...]:
    key, title = variant.key, variant.title
    return (
        variant,
        replace(variant, key=f"{key}-weighted", title=f"{title}, weighted", weighted=True),
        replace(variant, key=f"{key}-stops", title=f"{title}, not in the last eighth", stops=True),
        replace(
            variant, key=f"{key}-both", title=f"{title}, weighted, not in the last eighth", weighted=True, stops=True
        ),
    )


_HALF = Variant("half", "bound that thins half", Thins("half"))
VARIANTS = (
    *_with_options(Variant("published", f"bound {PUBLISHED_BOUND} (the paper's)", PUBLISHED_BOUND)),
    Variant("0.98", "bound 0.98", 0.98),
    Variant("quantile-0.99", "bound = 0.99 quantile", Quantile(0.99)),
    Variant("quantile-0.999", "bound = 0.999 quantile", Quantile(0.999)),
    Variant("tenth", "bound that thins a tenth", Thins("tenth")),
    *_with_options(_HALF),
    replace(_HALF, key="half-pseudo", title=f"{_HALF.title}, new contents only", which="pseudo"),
    replace(_HALF, key="half-human", title=f"{_HALF.title}, labeled references only", which="human"),
)


def variant_of(key: str) -> Variant:
    """Return the variant of a key."""
    return next(variant for variant in VARIANTS if variant.key == key)
