"""Settings of `report`, with their defaults.

The command line reads its defaults from here, so this module imports no numeric library.
"""

from dataclasses import dataclass
from typing import Literal

Method = Literal["auto", "umap", "pca"]


@dataclass(frozen=True)
class ReportSettings:
    """How much a page shows.

    Attributes:
        projection: How features are laid out on a plane: `auto`, `umap` or `pca`.
        pictures: At most so many thumbnails.
        max_rows: At most so many rows on the map of samples.
        seed: Seed of the projection and of every draw.
    """

    projection: Method = "auto"
    pictures: int = 600
    max_rows: int = 50_000
    seed: int = 123
