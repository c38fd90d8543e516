"""From a recipe row to its pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...distortions import DistortionError, distort, stretch_uint8
from ...distortions.catalog import PRISTINE
from ..errors import CurateError, RowError

RECIPE_COLUMNS: tuple[str, ...] = (
    "sample_id",
    "image_root",
    "image_path",
    "reference_root",
    "reference_path",
    "distortion_id",
    "level",
    "seed",
    "chain",
)


class ChainStep(NamedTuple):
    """One distortion of a row that several were applied to, one after the other."""

    distortion_id: int
    level: float
    seed: int | None


@dataclass(frozen=True)
class Recipe:
    """What one row says about its pixels."""

    sample_id: str
    image_root: str
    image_path: str
    reference_root: str
    reference_path: str
    distortion_id: int
    level: int
    seed: int | None
    chain: tuple[ChainStep, ...] | None = None


def with_seed(table: pa.Table) -> pa.Table:
    """Return the rows that have a seed: those whose pixels are made here. The others' pixels are somebody else's."""
    return table.filter(pc.is_valid(table["seed"]))


def recipes_of(table: pa.Table) -> list[Recipe]:
    """Take the recipes out of a manifest's rows, in order.

    Raises:
        CurateError: Rows that name no reference or no distortion.
    """
    recipes = [recipe_of(row) for row in table.select(list(RECIPE_COLUMNS)).to_pylist()]
    bare = [r.sample_id for r in recipes if r.reference_path is None or (r.chain is None and _is_untyped(r))]
    if bare:
        raise CurateError(f"{len(bare)} rows name no reference, distortion or level, e.g. {bare[0]!r}")
    return recipes


def recipe_of(row: Mapping[str, Any]) -> Recipe:
    """Take the recipe out of one row of a manifest, or of a mix's source, which has no chain."""
    chain = row.get("chain")
    steps = None if chain is None else tuple(ChainStep(**step) for step in chain)
    return Recipe(**{name: row[name] for name in RECIPE_COLUMNS if name != "chain"}, chain=steps)


def refuse_chain(recipe: Recipe) -> None:
    """Refuse to render a row that several distortions were applied to: this release can render one alone.

    Raises:
        RowError: The row has a chain.
    """
    if recipe.chain is not None:
        raise RowError(
            f"the row has a chain of {len(recipe.chain)} distortions, expected one: this release cannot render chains; "
            "keep its stored pixels, or upgrade syndr-curate"
        )


def _is_untyped(recipe: Recipe) -> bool:
    return recipe.distortion_id is None or recipe.level is None


def render(reference: NDArray[np.uint8], distortion_id: int, level: int, seed: int | None) -> NDArray[np.uint8]:
    """Make a row's pixels from its decoded reference.

    Args:
        reference: uint8 (H, W, 3) RGB.
        distortion_id: Of the catalog; 0 for the pristine image (after the generator's stretch, as every distorted one).
        level: 1-5; ignored for 0.
        seed: The row's stream seed.

    Returns:
        uint8 (H, W, 3) RGB; the same arguments and library versions give the same bytes.

    Raises:
        RowError: The image is too small for the type, or the seed of a random type is missing.
    """
    if distortion_id == PRISTINE:
        return stretch_uint8(reference)
    try:
        return distort(reference, distortion_id, level, seed=seed)
    except DistortionError as error:
        raise RowError(str(error)) from error
