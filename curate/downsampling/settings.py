"""Settings of DRCDown and their defaults; imports nothing heavy, so that the command line can read them."""

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import CurateError
from ..whole_numbers import hold_whole_numbers, whole_number

Scope = Literal["all", "mos"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class DownsampleSettings:
    """Settings of one run of DRCDown; the defaults are the paper's best.

    Attributes:
        similarity: Two rows are alike when their cosine, in [-1, 1], is above this (strict) ...
        label_gap: ... and their labels, on [0, 10], are less than this apart (strict).
        keep_min: A cluster keeps at least this many members; clusters up to this size are left alone.
        keep_fraction: Share of a larger cluster that is kept, in [0, 1].
        scope: `all`: every training row is filtered. `mos`: rows with label_source `pseudo` all stay, as in the
            released training loop.
        seed: Seed of the draws.
        device: Where cosines are computed: `cpu` or `cuda`.

    Source: SynDR-IQA, Algorithm 3 (DRCDown), Tables 6 and 7.
    """

    similarity: float = 0.9  # Algorithm 3: an edge needs cos > 1 - 0.1 (Table 6)
    label_gap: float = 1.0  # Algorithm 3: and labels less than this apart
    keep_min: int = 20  # Algorithm 3: clusters up to this size are left alone (Table 7)
    keep_fraction: float = 0.5
    scope: Scope = "all"
    seed: int = 123
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse invalid settings."""
        hold_whole_numbers(self, keep_min=1, seed=None)
        ranges = {
            "similarity": (-1.0 <= self.similarity <= 1.0, "a cosine in [-1, 1]"),
            "label_gap": (0 < self.label_gap < float("inf"), "a finite number above 0"),
            "keep_fraction": (0.0 <= self.keep_fraction <= 1.0, "a share in [0, 1]"),
            "scope": (self.scope in SCOPES, " or ".join(SCOPES)),
            "device": (self.device.partition(":")[0] in ("cpu", "cuda"), "cpu or cuda"),
        }
        for name, (fits, expected) in ranges.items():
            if not fits:
                raise CurateError(f"{name} is {getattr(self, name)!r}; expected {expected}")

    def draw_settings(self) -> dict[str, float | int | str]:
        """Return the settings that a kept set depends on: all but the device."""
        return {
            "similarity": self.similarity,
            "label_gap": self.label_gap,
            "keep_min": self.keep_min,
            "keep_fraction": self.keep_fraction,
            "scope": self.scope,
            "seed": self.seed,
        }


def check_epoch(epoch: int) -> int:
    """Return the number of an epoch as an int: every draw is seeded with it.

    Args:
        epoch: 0 or more.

    Raises:
        CurateError: It is negative, or no whole number.
    """
    return whole_number("epoch", epoch, least=0)
