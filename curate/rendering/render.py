"""From a recipe row to its pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...distortions import DistortionError, distort, stretch_uint8
from ...distortions.catalog import PRISTINE
from ...distortions.chains import Chain, apply_chain
from ...distortions.errors import AbsentTypeError
from ..errors import CurateError, RowError
from ..manifest.chains.recipes import chain_of_row

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


@dataclass(frozen=True)
class Recipe:
    """What one row says about its pixels: `chain` where it is of several distortions, else the type and level."""

    sample_id: str
    image_root: str
    image_path: str
    reference_root: str
    reference_path: str
    distortion_id: int
    level: int
    seed: int | None
    chain: Chain | None = None

    @property
    def type_ids(self) -> tuple[int, ...]:
        """The distortion ids that it is rendered with."""
        if self.chain is not None:
            return tuple(step.distortion_id for step in self.chain)
        return () if self.distortion_id is None else (self.distortion_id,)

    @property
    def is_complete(self) -> bool:
        """Whether the row says what it is made from, and how; that a random type has a seed is looked at later."""
        is_typed = self.distortion_id is not None and self.level is not None
        return self.reference_path is not None and (is_typed or self.chain is not None)


def with_seed(table: pa.Table) -> pa.Table:
    """Return the rows that have a seed: those whose pixels are made here. The others' pixels are somebody else's."""
    return table.filter(pc.is_valid(table["seed"]))


def recipes_of(table: pa.Table) -> list[Recipe]:
    """Take the recipes out of a manifest's rows, in order.

    Raises:
        CurateError: Rows that name no reference or no distortion.
    """
    recipes = [recipe_of(row) for row in table.select(list(RECIPE_COLUMNS)).to_pylist()]
    bare = [recipe.sample_id for recipe in recipes if not recipe.is_complete]
    if bare:
        raise CurateError(f"{len(bare)} rows name no reference, distortion or level, e.g. {bare[0]!r}")
    return recipes


def recipe_of(row: Mapping[str, Any]) -> Recipe:
    """Take the recipe out of one row of a manifest, or of a mix's source, which has no chain."""
    chain = row.get("chain")
    steps = None if chain is None else chain_of_row(chain)
    return Recipe(**{name: row[name] for name in RECIPE_COLUMNS if name != "chain"}, chain=steps)


def render_recipe(reference: NDArray[np.uint8], recipe: Recipe, *, denoiser: str | None = None) -> NDArray[np.uint8]:
    """Make a row's pixels from its decoded reference, whether it has one distortion or several.

    Args:
        reference: uint8 (H, W, 3) RGB.
        recipe: A complete one.
        denoiser: Digest of the weights of type 15, as `DecodeOptions` has it.

    Returns:
        uint8 (H, W, 3) RGB; the same arguments and library versions give the same bytes.

    Raises:
        RowError: The image is too small for a type, a type or level does not exist, or a random type has no seed.
        CurateError: A user's type is not registered here.
    """
    if recipe.chain is None:
        return render(reference, recipe.distortion_id, recipe.level, recipe.seed, denoiser=denoiser)
    try:
        return apply_chain(reference, recipe.chain, denoiser=denoiser)
    except AbsentTypeError as error:
        raise CurateError(str(error)) from error
    except DistortionError as error:
        raise RowError(str(error)) from error


def render(
    reference: NDArray[np.uint8], distortion_id: int, level: int, seed: int | None, *, denoiser: str | None = None
) -> NDArray[np.uint8]:
    """Make a row's pixels from its decoded reference.

    Args:
        reference: uint8 (H, W, 3) RGB.
        distortion_id: Of the catalog; 0 for the pristine image (after the generator's stretch, as every distorted one).
        level: 1-5; ignored for 0.
        seed: The row's stream seed.
        denoiser: Digest of the weights of type 15, as `DecodeOptions` has it.

    Returns:
        uint8 (H, W, 3) RGB; the same arguments and library versions give the same bytes.

    Raises:
        RowError: The image is too small for the type, or the seed of a random type is missing.
        CurateError: A user's type is not registered here.
    """
    if distortion_id == PRISTINE:
        return stretch_uint8(reference)
    try:
        return distort(reference, distortion_id, level, seed=seed, denoiser=denoiser)
    except AbsentTypeError as error:
        raise CurateError(str(error)) from error
    except DistortionError as error:
        raise RowError(str(error)) from error
