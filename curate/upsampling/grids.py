"""The grid of conditions that a reference of `upsample` gets, be it new or labeled by us."""

from collections.abc import Sequence

from ...distortions.catalog import PRISTINE
from ..manifest.recipes import RecipeGrid
from ..manifest.roots import RENDERED
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
