"""Settings of `report`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from ..datasets.settings import SCORE_COLUMN
from ..errors import CurateError
from ..whole_numbers import hold_whole_numbers

Method = Literal["pca", "umap"]
ColorBy = Literal["dataset", "type", "level", "label", "source"]
COLOR_BY: tuple[ColorBy, ...] = get_args(ColorBy)


@dataclass(frozen=True)
class ReportSettings:
    """How much a page shows, and how.

    Attributes:
        projection: How features are laid out on a plane: `pca` or `umap`.
        pictures: At most so many thumbnails.
        max_rows: At most so many rows on the map of samples.
        seed: Seed of the projection and of every draw.
        color_by: What the colors of the static picture stand for; None: the data set where there are several, otherwise
            the distortion type.
        gallery: So many of the best and of the worst predicted pictures are shown.
        score_column: The column of scores in the file of predictions.
        lower_is_better: Whether the scores measure degradation.
    """

    projection: Method = "pca"
    pictures: int = 600
    max_rows: int = 50_000
    seed: int = 123
    color_by: ColorBy | None = None
    gallery: int = 8
    score_column: str = SCORE_COLUMN
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that are not whole or too small, and unknown names.

        Raises:
            CurateError: The message names the setting.
        """
        hold_whole_numbers(self, pictures=0, max_rows=1, seed=0, gallery=1)
        if self.color_by is not None and self.color_by not in COLOR_BY:
            raise CurateError(f"color_by is {self.color_by!r}; expected {', '.join(COLOR_BY)}")
