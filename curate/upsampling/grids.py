"""The conditions of each reference of `upsample`: new ones, and those that are distorted and labeled here."""

from collections.abc import Sequence

import pyarrow as pa

from ...distortions.catalog import LEVELS, PRISTINE
from ..datasets.image_folders import ImageSource
from ..errors import CurateError
from ..manifest.recipes import RecipeGrid, Reference, recipe_rows
from ..manifest.roots import REFERENCES, RENDERED
from .settings import UpsampleSettings


def grid_of(
    settings: UpsampleSettings, *, reference_root: str, dataset: str, levels: Sequence[int] | None = None
) -> RecipeGrid:
    """Lay out the conditions: the settings' types, with the pristine image first where they ask for it.

    Args:
        settings: Types, levels, seed and image format.
        reference_root: Root of the references.
        dataset: What the rows' column `dataset` says.
        levels: Levels in place of the settings'.
    """
    return RecipeGrid(
        types=((PRISTINE,) if settings.with_pristine else ()) + settings.types,
        levels=settings.levels if levels is None else tuple(levels),
        seed=settings.seed,
        reference_root=reference_root,
        image_root=RENDERED,
        suffix=f".{settings.image_format}",
        dataset=dataset,
    )


def reference_rows(source: ImageSource | None, settings: UpsampleSettings) -> pa.Table:
    """Lay out the rows of the references that we distort and label ourselves: every level, as in a labeled set.

    Raises:
        CurateError: There are no references.
    """
    if source is None:
        raise CurateError("references that are labeled here have to be distorted first: give --references DIR")
    grid = grid_of(settings, reference_root=REFERENCES, dataset=source.name, levels=LEVELS)
    return recipe_rows([Reference(entry.id, entry.path) for entry in source.entries], grid)
