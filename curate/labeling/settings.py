"""Settings of the labeling stage, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

import math
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from ..errors import CurateError
from ..whole_numbers import whole_number

Weighting = Literal["published", "similarity"]
WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)
LabelerName = Literal["knn", "gp", "condition", "calibrated"]
ConditionsName = Literal["kadid10k"]  # files below manifests/conditions/
CONDITIONS: tuple[ConditionsName, ...] = get_args(ConditionsName)
NeighborsFrom = Literal["train", "all"]
NEIGHBORS_FROM: tuple[NeighborsFrom, ...] = get_args(NeighborsFrom)
LABELED_LEVELS = (1, 3, 5)  # those that SynDR-IQA labels
SEED = 123


@dataclass(frozen=True)
class NeighborSettings:
    """How many neighbors label a reference, and how they are weighted.

    Attributes:
        count: k nearest labeled references, at least 1.
        margin: Of these, keep those with d - d_min below this; above 0. Above 2 keeps all: no d is larger.
        weighting: `published`: softmax(d), as the released code does; `similarity`: softmax(-d / temperature).
        temperature: For `similarity`; finite, above 0.

    Raises:
        CurateError: A setting is out of its range.

    Source: SynDR-IQA, Algorithm 2: k and, in line 4, the margin.
    """

    count: int = 5
    margin: float = 0.05
    weighting: Weighting = "published"
    temperature: float = 0.05

    def __post_init__(self) -> None:
        """Refuse invalid settings."""
        object.__setattr__(self, "count", whole_number("neighbors", self.count, least=1))
        # The settings are written into metadata, as JSON, which has no infinity.
        if not 0 < self.margin < math.inf:
            raise CurateError(f"margin is {self.margin:g}; expected a finite number above 0 (above 2 keeps all)")
        if not 0 < self.temperature < math.inf:
            raise CurateError(f"temperature is {self.temperature:g}; expected a finite number above 0")
        if self.weighting not in WEIGHTINGS:
            raise CurateError(f"weighting is {self.weighting!r}; expected {' or '.join(WEIGHTINGS)}")


@dataclass(frozen=True)
class LabelSettings:
    """How new references are labeled.

    Attributes:
        labeler: `knn` (Algorithm 2), `gp`, `condition`: the mean human label of each type and level, or `calibrated`: a
            map from full-reference measures, fitted to labeled rows with pixels.
        neighbors: For `knn`.
        max_label_std: Leave out rows whose label is less certain, on [0, 10]; finite, None keeps all.
        neighbors_from: Whose labels any labeler learns from: `train`: not those of held-out references; `all`:
            everyone's. Without held-out references the two are the same.
        conditions: Name of a shipped table of condition means, in place of a labeled set: the labeler is then
            `condition`, whether said or not. None: labels are learned from a labeled set.

    Raises:
        CurateError: `neighbors_from` is neither, `max_label_std` is not a finite number above 0, or there is no such
            table or another labeler beside it.
    """

    labeler: LabelerName = "knn"
    neighbors: NeighborSettings = field(default_factory=NeighborSettings)
    max_label_std: float | None = None
    neighbors_from: NeighborsFrom = "train"
    conditions: ConditionsName | None = None

    def __post_init__(self) -> None:
        """Refuse an invalid setting."""
        if self.max_label_std is not None and not 0 < self.max_label_std < math.inf:
            raise CurateError(
                f"max_label_std is {self.max_label_std:g}; expected a finite number above 0; leave it out to keep all"
            )
        if self.neighbors_from not in NEIGHBORS_FROM:
            raise CurateError(f"neighbors_from is {self.neighbors_from!r}; expected {' or '.join(NEIGHBORS_FROM)}")
        if self.conditions is None:
            return
        if self.conditions not in CONDITIONS:
            raise CurateError(f"conditions are {self.conditions!r}; expected {' or '.join(CONDITIONS)}")
        if self.labeler not in (LabelSettings.labeler, "condition"):
            raise CurateError(
                f"labeler is {self.labeler!r} with conditions, whose means are the labels: leave out the labeler"
            )
        object.__setattr__(self, "labeler", "condition")

    @property
    def needs_features(self) -> bool:
        """Whether labels depend on the content of pictures."""
        return self.labeler not in ("condition", "calibrated")

    def as_json(self) -> dict[str, Any]:
        """Return the settings as they are in a manifest's metadata."""
        facts = {**vars(self), "neighbors": vars(self.neighbors)}
        if self.conditions is None:
            del facts["conditions"]
        return facts
