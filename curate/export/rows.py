"""Which rows an export takes, and where their pixels come from."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CurateError
from ..manifest.ids import list_ids
from ..manifest.manifest import ok_rows, read_manifest
from ..manifest.provenance import read_provenance
from ..manifest.roots import Roots
from ..manifest.schema import SPLITS
from ..rendering.pixel_loader import RowPixels
from ..rendering.render import RECIPE_COLUMNS, Recipe
from ..runs.threads import ordered_map
from ..storage.images import ImageFormat, encode_image
from ..storage.limits import MAX_PIXELS
from .names import image_suffix

_BATCH = 10_000
_RENDERED_FORMATS: dict[str, ImageFormat] = {".png": "png", ".bmp": "bmp", ".webp": "webp"}


@dataclass(frozen=True)
class ExportRows:
    """The rows of one export.

    Attributes:
        table: Ok rows of the splits asked for, in the manifest's order.
        provenance: Of the manifest.
        not_ok: Rows of the manifest left out because their status is not `ok`.
        pixels: Finds or makes their pixels.
    """

    table: pa.Table
    provenance: dict[str, Any]
    not_ok: int
    pixels: RowPixels

    def splits(self) -> list[tuple[str, pa.Table]]:
        """Return the rows by split, in the order train, val, test; a split without rows is left out."""
        parts = [(split, self.table.filter(pc.equal(self.table["split"], split))) for split in SPLITS]
        return [(split, part) for split, part in parts if len(part)]

    def recipes(self) -> Iterator[Recipe]:
        """Give the rows' recipes, in order."""
        yield from recipes_of(self.table)


@dataclass(frozen=True)
class Supply:
    """Where the pixels of an export come from.

    Attributes:
        stored: Rows whose pixels are stored.
        rendered: Rows that have to be rendered.
        stored_bytes: Size of the stored files; those in archives are not counted.
    """

    stored: int
    rendered: int
    stored_bytes: int


def read_rows(
    manifest: Path,
    *,
    split: str | None = None,
    roots: Mapping[str, Path] | None = None,
    max_pixels: int = MAX_PIXELS,
    labelled: bool = False,
) -> ExportRows:
    """Read the rows that an export takes.

    Args:
        manifest: The file.
        split: Only rows of this split; None takes all.
        roots: Folders of roots that have moved.
        max_pixels: References with more pixels are refused.
        labelled: Whether every row must have a label.

    Raises:
        CurateError: The manifest cannot be read, or there is no such row.
    """
    if split is not None and split not in SPLITS:
        raise CurateError(f"--split {split!r}: expected {', '.join(SPLITS)}")
    table = read_manifest(manifest, training=labelled)
    usable = ok_rows(table)
    chosen = usable if split is None else usable.filter(pc.equal(usable["split"], split))
    if not len(chosen):
        raise CurateError(f"{manifest} has no row with status ok{'' if split is None else f' and split {split}'}")
    provenance = read_provenance(table)
    places = Roots.of_manifest(table, manifest, roots)
    pixels = RowPixels(places, exif_orient=bool(provenance.get("exif_orient")), max_pixels=max_pixels)
    return ExportRows(chosen, provenance, len(table) - len(usable), pixels)


def recipes_of(table: pa.Table) -> Iterator[Recipe]:
    """Give the recipes of rows, whether or not they can be rendered."""
    for batch in table.select(list(RECIPE_COLUMNS)).to_batches(max_chunksize=_BATCH):
        for row in batch.to_pylist():
            yield Recipe(**row)


def check_supply(rows: ExportRows, *, render: bool, workers: int | None = None) -> Supply:
    """Find out, without reading a pixel, whether all rows have pixels.

    Args:
        rows: The rows.
        render: Whether rows without stored pixels may be rendered.
        workers: Threads.

    Raises:
        CurateError: Pixels are missing and may not or cannot be rendered; the message names the rows.
    """
    unstored: list[Recipe] = []
    stored = size = 0
    for recipe, found in ordered_map(lambda r: (r, _stored_size(r, rows.pixels.roots)), rows.recipes(), workers):
        if found is None:
            unstored.append(recipe)
        else:
            stored, size = stored + 1, size + found
    lost = [recipe for recipe in unstored if not _has_recipe(recipe, rows.pixels.roots)]
    if lost:
        unknown = sorted({recipe.image_root for recipe in lost if not rows.pixels.roots.has_folder(recipe.image_root)})
        hint = f"; where root {unknown[0]!r} lies is not known: give --root {unknown[0]}=DIR" if unknown else ""
        names = list_ids([recipe.sample_id for recipe in lost])
        raise CurateError(f"{len(lost)} rows have neither stored pixels nor a recipe to render them: {names}{hint}")
    if unstored and not render:
        names = list_ids([recipe.sample_id for recipe in unstored])
        raise CurateError(f"{len(unstored)} rows have no stored pixels: {names}; give --render to render them")
    return Supply(stored, len(unstored), size)


def suffix_of(recipe: Recipe, roots: Roots) -> str:
    """Return the suffix of a row's exported file: that of its stored file, or of the format it is rendered to."""
    suffix = image_suffix(recipe.image_path)
    if suffix in _RENDERED_FORMATS or _stored_size(recipe, roots) is not None:
        return suffix
    return ".png"


def render_file(recipe: Recipe, pixels: RowPixels) -> bytes:
    """Render a row, and encode it in the format that `suffix_of` names.

    Raises:
        CurateError: It cannot be rendered; the message names the row.
    """
    return encode_image(pixels.render(recipe), _RENDERED_FORMATS.get(image_suffix(recipe.image_path), "png"))


def _stored_size(recipe: Recipe, roots: Roots) -> int | None:
    if not roots.has_folder(recipe.image_root):
        return None
    place = roots.resolve(recipe.image_root, recipe.image_path)
    try:
        return os.stat(place).st_size
    except OSError:
        # Inside an archive, then: reading its index would cost as much as reading it.
        return 0 if any(parent.is_file() for parent in place.parents) else None


def _has_recipe(recipe: Recipe, roots: Roots) -> bool:
    known = None not in (recipe.reference_path, recipe.distortion_id, recipe.level, recipe.seed)
    return known and roots.has_folder(recipe.reference_root)
