"""Settings of `evaluate` and their defaults; imports nothing heavy, so that the command line can read them."""

from dataclasses import dataclass
from typing import Literal, get_args

from ..datasets.settings import SCORE_COLUMN
from ..whole_numbers import hold_whole_numbers

Metric = Literal["srcc", "krcc", "plcc", "plcc_logistic", "rmse_logistic"]
METRICS: tuple[Metric, ...] = get_args(Metric)
TableFormat = Literal["table", "markdown", "csv"]


@dataclass(frozen=True)
class EvaluateSettings:
    """How predictions are scored.

    Attributes:
        score_column: The column of scores in files of predictions.
        lower_is_better: Whether the scores measure degradation: they are negated then.
        bootstrap: How often images are drawn for the interval of a paired difference; 0: no interval.
        seed: Seed of these draws.
    """

    score_column: str = SCORE_COLUMN
    lower_is_better: bool = False
    bootstrap: int = 1000
    seed: int = 123

    def __post_init__(self) -> None:
        """Refuse numbers that are not whole."""
        hold_whole_numbers(self, bootstrap=0, seed=0)
