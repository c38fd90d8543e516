"""Settings of `select` and `upsample`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass, field
from typing import Any

from ..errors import CurateError
from ..labeling.settings import LABELED_LEVELS, LabelSettings
from ..storage.formats import ImageFormat
from ..whole_numbers import hold_whole_numbers, whole_numbers


@dataclass(frozen=True)
class SelectSettings:
    """Which candidates are looked at, and how many are kept.

    Attributes:
        candidates: Draw that many candidates first; None takes all.
        max_selected: Keep at most that many new references; None keeps all.
        seed: The run's seed.
    """

    candidates: int | None = None
    max_selected: int | None = None
    seed: int = 123

    def __post_init__(self) -> None:
        """Refuse invalid settings."""
        hold_whole_numbers(self, candidates=1, max_selected=1, seed=None)


@dataclass(frozen=True)
class UpsampleSettings:
    """What to add and how to label it.

    Attributes:
        types: Distortion ids, of originals and new rows.
        levels: Levels of the new rows, by default those that SynDR-IQA labels; originals keep all five.
        candidates: Draw that many candidates first; None takes all.
        max_selected: Keep at most that many new references.
        labeling: How new rows are labeled.
        with_pristine: Add a pristine row per reference.
        only_new: Leave the originals out.
        image_format: What the pixels of new rows are stored as.
        seed: The run's seed.
    """

    types: tuple[int, ...]
    levels: tuple[int, ...] = LABELED_LEVELS
    candidates: int | None = SelectSettings.candidates
    max_selected: int | None = SelectSettings.max_selected
    labeling: LabelSettings = field(default_factory=LabelSettings)
    with_pristine: bool = False
    only_new: bool = False
    image_format: ImageFormat = "png"
    seed: int = SelectSettings.seed

    def __post_init__(self) -> None:
        """Refuse invalid settings."""
        if self.labeling.labeler == "calibrated":
            raise CurateError(
                "upsample does not label by calibrated, which compares pixels: make the rows first, then label "
                "--manifest ROWS --labeler calibrated --fit-on MANIFEST"
            )
        hold_whole_numbers(self, candidates=1, max_selected=1, seed=None)
        object.__setattr__(self, "types", whole_numbers("type", self.types))
        object.__setattr__(self, "levels", whole_numbers("level", self.levels))

    def as_json(self) -> dict[str, Any]:
        """Return the settings as they are in a manifest's metadata."""
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}
        del plain["labeling"]
        return {**plain, **self.labeling.as_json()}
