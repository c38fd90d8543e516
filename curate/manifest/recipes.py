"""Rows that say how to make an image: a reference, a type, a level and a seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from ...distortions.catalog import PRISTINE, get
from ..storage.paths.file_names import rendered_path
from ..whole_numbers import hold_whole_numbers, whole_numbers
from .ids import make_sample_id
from .schema import build_table
from .seeds import row_seed, stream_seed

PRISTINE_NAME = "pristine"


@dataclass(frozen=True)
class Reference:
    """A pristine image as manifest rows name it.

    Attributes:
        id: Its id.
        path: POSIX path relative to its root.
        split: `train`, `val` or `test`.
    """

    id: str
    path: str
    split: str = "train"


@dataclass(frozen=True)
class RecipeGrid:
    """Recipe rows of every reference: types x levels, and what all rows have in common.

    Attributes:
        types: Distortion ids; 0 makes a pristine row, once per reference.
        levels: Levels of every type.
        seed: The run's seed.
        reference_root: Root name of the references.
        image_root: Root name of the pixels.
        suffix: Suffix of the image files, with its dot.
        dataset: Value of the column `dataset`.
    """

    types: tuple[int, ...]
    levels: tuple[int, ...]
    seed: int
    reference_root: str
    image_root: str
    suffix: str
    dataset: str

    def __post_init__(self) -> None:
        """Refuse a seed that is no whole number."""
        hold_whole_numbers(self, seed=None)
        object.__setattr__(self, "types", whole_numbers("type", self.types))
        object.__setattr__(self, "levels", whole_numbers("level", self.levels))

    def conditions(self) -> tuple[tuple[int, int], ...]:
        """Return the (distortion id, level) pairs of one reference, in row order."""
        return tuple(_conditions(self.types, self.levels))


def recipe_rows(references: Sequence[Reference], grid: RecipeGrid) -> pa.Table:
    """Lay out the rows references x types x levels.

    Args:
        references: R pristine images.
        grid: Types and levels, and what the rows have in common.

    Returns:
        A manifest table with one row per reference and condition, references outermost; without labels, status `ok`.
    """
    conditions = grid.conditions()
    cells = [(reference, kind, level) for reference in references for kind, level in conditions]
    ids = [make_sample_id(reference.id, kind, level) for reference, kind, level in cells]
    names = {kind: distortion_name(kind) for kind, _ in conditions}
    columns = {
        "sample_id": ids,
        "image_path": [
            rendered_path(reference.id, i, grid.suffix) for i, (reference, _, _) in zip(ids, cells, strict=True)
        ],
        "image_root": grid.image_root,
        "reference_id": [reference.id for reference, _, _ in cells],
        "reference_path": [reference.path for reference, _, _ in cells],
        "reference_root": grid.reference_root,
        "distortion_id": pa.array([kind for _, kind, _ in cells], pa.int16()),
        "distortion": [names[kind] for _, kind, _ in cells],
        "level": pa.array([level for _, _, level in cells], pa.int8()),
        "dataset": grid.dataset,
        "split": [reference.split for reference, _, _ in cells],
        "seed": pa.array(
            [row_seed(stream_seed(grid.seed, reference.id, kind, level)) for reference, kind, level in cells],
            pa.int64(),
        ),
        "status": "ok",
    }
    return build_table(columns, len(cells))


def distortion_name(distortion_id: int) -> str:
    """Return the catalog name of a distortion id, `pristine` for 0."""
    return PRISTINE_NAME if distortion_id == PRISTINE else get(distortion_id).name


def _conditions(types: Sequence[int], levels: Sequence[int]) -> Iterator[tuple[int, int]]:
    for kind in types:
        if kind == PRISTINE:
            yield PRISTINE, 0
        else:
            yield from ((kind, level) for level in levels)
