"""The measures of manifest rows, whatever they are of: a type, a chain, the camera, pixels that are stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ....distortions import stretch_uint8
from ...errors import CurateError, RowError
from ...manifest.ids import list_ids
from ...manifest.outcomes import Outcome
from ...manifest.pixel_facts import decoding_of
from ...manifest.provenance import read_provenance
from ...manifest.renderers.check import check_renderers
from ...manifest.roots import Roots
from ...rendering.pixel_loader import PixelLoader
from ...rendering.render import RECIPE_COLUMNS, Recipe, recipe_of
from ...runs.progress import SILENT, Reporter
from ...runs.threads import ordered_map
from ...storage.images import DecodeOptions
from .measures import MEASURES, MeasuringReference


@dataclass(frozen=True)
class MeasuredRows:
    """What was measured.

    Attributes:
        measures: (n, M), as `MEASURES` names them; NaN for a row that could not be measured.
        outcomes: n, which say why not.
    """

    measures: NDArray[np.float64]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class RowsToMeasure:
    """Rows that can be compared with their references as far as is known without reading pixels.

    Attributes:
        loader: Finds or makes their pixels.
        recipes: n rows.
        groups: Places of the rows of each reference.
    """

    loader: PixelLoader
    recipes: tuple[Recipe, ...]
    groups: tuple[tuple[int, ...], ...]


def rows_to_measure(rows: pa.Table, place: Path, name: str) -> RowsToMeasure:
    """Check that rows can be measured, before any time is spent on it.

    Args:
        rows: Manifest rows, with the provenance of their manifest.
        place: The manifest that their roots are relative to.
        name: What it is called.

    Raises:
        CurateError: The folder of the files is not known, rows name no reference to compare them with, or they are
            recipes of a user's type that is not registered here.
    """
    check_renderers(rows)
    decoding = decoding_of(read_provenance(rows), DecodeOptions(), name)
    loader = PixelLoader(Roots.of_manifest(rows, place), decoding=decoding)
    recipes = tuple(recipe_of(row) for row in rows.select(list(RECIPE_COLUMNS)).to_pylist())
    _refuse_without_reference(recipes, name)
    loader.require_roots(recipes)
    groups: dict[tuple[str, str], list[int]] = {}
    for number, recipe in enumerate(recipes):
        loader.roots.folder(recipe.reference_root)
        groups.setdefault((recipe.reference_root, recipe.reference_path), []).append(number)
    return RowsToMeasure(loader, recipes, tuple(map(tuple, groups.values())))


def measure_rows(wanted: RowsToMeasure, reporter: Reporter = SILENT, *, workers: int | None = None) -> MeasuredRows:
    """Measure rows beside their references; pixels that are not stored are rendered.

    Args:
        wanted: The rows.
        reporter: Shows progress.
        workers: Threads; None uses every core.
    """
    recipes = wanted.recipes
    measures = np.full((len(recipes), len(MEASURES)), np.nan)
    outcomes = [Outcome("ok")] * len(recipes)

    def measure_group(numbers: tuple[int, ...]) -> list[NDArray[np.float64] | Outcome]:
        return _measure_group(wanted.loader, [recipes[number] for number in numbers])

    with reporter.task("measure", len(recipes)) as task:
        for numbers, found in zip(wanted.groups, ordered_map(measure_group, wanted.groups, workers), strict=True):
            for number, result in zip(numbers, found, strict=True):
                if isinstance(result, Outcome):
                    outcomes[number] = result
                else:
                    measures[number] = result
            task.advance(len(numbers), failed=sum(isinstance(result, Outcome) for result in found))
    return MeasuredRows(measures, tuple(outcomes))


def _measure_group(loader: PixelLoader, recipes: Sequence[Recipe]) -> list[NDArray[np.float64] | Outcome]:
    """Measure the rows of one reference."""
    try:
        shown = stretch_uint8(loader.load_reference(recipes[0]))
    except RowError as error:
        return [Outcome(error.status, str(error))] * len(recipes)
    reference = MeasuringReference(shown)
    found: list[NDArray[np.float64] | Outcome] = []
    for recipe in recipes:
        try:
            image = loader.load(recipe)
        except RowError as error:
            found.append(Outcome(error.status, str(error)))
            continue
        if image.shape != shown.shape:
            sizes = f"{image.shape[1]}x{image.shape[0]}, its reference {shown.shape[1]}x{shown.shape[0]}"
            found.append(Outcome("failed", f"the image is {sizes}: they cannot be compared"))
        else:
            found.append(reference.measure(image))
    return found


def _refuse_without_reference(recipes: Sequence[Recipe], name: str) -> None:
    bare = [r.sample_id for r in recipes if r.reference_root is None or not r.is_complete]
    if bare:
        raise CurateError(
            f"{len(bare)} rows of {name} name no reference, or no type and level or chain; a calibrated label compares "
            f"a picture with its reference: {list_ids(bare)}"
        )
