"""Names of kinds of input files, and settings of `split`.

The command line reads them from here, so this module imports no numeric library.
"""

from dataclasses import dataclass
from typing import Literal

from ..whole_numbers import hold_whole_numbers

IdStyle = Literal["stem", "path"]
OWN_SET = "csv"  # anybody's own test set
SCORE_COLUMN = "score"  # of files of predictions
TestSetName = Literal[
    "koniq10k",
    "livec",
    "bid",
    "spaq",
    "biq2021",
    "cid2013",
    "tid2013",
    "live",
    "csiq",
    "pipal",
    "kadid10k",
    "csv",
]


@dataclass(frozen=True)
class SplitSettings:
    """How splits are drawn.

    Attributes:
        fractions: Shares of the references for `train` and `test`, or for `train`, `val` and `test`; they add up to 1.
        seeds: How many splits are drawn, under as many seeds.
        seed: The first seed; the others follow it.
        redraw: Whether to draw where the input has an official split, which is read otherwise.
    """

    fractions: tuple[float, ...] = (0.8, 0.2)
    seeds: int = 10
    seed: int = 123
    redraw: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that are not whole."""
        hold_whole_numbers(self, seeds=1, seed=0)
