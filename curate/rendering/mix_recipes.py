"""Rows that say how to make a mixed image: two sources, a box and a seed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...distortions import stretch_uint8
from ..errors import CurateError, RowError
from ..manifest.roots import Roots
from ..storage.images import DecodeOptions, UnreadableImageError
from .pasting import Box, Source, common_size, crop_middle, paste
from .render import RECIPE_COLUMNS, Recipe, load_pixels, load_stored, render

SOURCE_TYPE = pa.struct(
    [
        *((name, pa.string()) for name in ("sample_id", "image_root", "image_path")),
        *((name, pa.string()) for name in ("reference_id", "reference_root", "reference_path")),
        *(("distortion_id", pa.int8()), ("level", pa.int8()), ("seed", pa.int64())),
    ]
)
SOFT_LABELS_TYPE = pa.list_(
    pa.struct([("distortion_id", pa.int8()), ("level", pa.int8()), ("confidence", pa.float32())])
)
BOX_TYPE = pa.struct([(side, pa.int32()) for side in Box._fields])

# The columns of a mixed manifest besides the schema's own.
MIX_FIELDS: tuple[pa.Field, ...] = (
    pa.field("soft_labels", SOFT_LABELS_TYPE),
    pa.field("raw_confidence_a", pa.float32()),
    pa.field("raw_confidence_b", pa.float32()),
    pa.field("color_difference_a", pa.float32()),
    pa.field("color_difference_b", pa.float32()),
    pa.field("uniform_map_a", pa.bool_()),
    pa.field("uniform_map_b", pa.bool_()),
    pa.field("box", BOX_TYPE),
    pa.field("source_a", SOURCE_TYPE),
    pa.field("source_b", SOURCE_TYPE),
)


@dataclass(frozen=True)
class MixRow:
    """What a row says about its mixed image.

    Attributes:
        sample_id: Its id.
        image_root: Root of its pixels.
        image_path: Where they lie below it.
        a: The background.
        b: The patch.
        seed: Seed of the draw of the box.
        box: Where B shows, in pixels of the mix; None where it could not be made.
    """

    sample_id: str
    image_root: str
    image_path: str
    a: Recipe
    b: Recipe
    seed: int
    box: Box | None = None


def mix_rows_of(table: pa.Table) -> list[MixRow]:
    """Take the recipes out of a mixed manifest's rows, in order.

    Raises:
        CurateError: The table lacks a column of mixed manifests, or a row a source or its seed.
    """
    columns = ["sample_id", "image_root", "image_path", "seed", "box", "source_a", "source_b"]
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise CurateError(f"no mixes: the columns {', '.join(missing)} are missing")
    rows = table.select(columns).to_pylist()
    bare = [row["sample_id"] for row in rows if None in (row["source_a"], row["source_b"], row["seed"])]
    if bare:
        raise CurateError(f"{len(bare)} rows without sources or seed, e.g. {bare[0]!r}")
    return [
        MixRow(
            sample_id=row["sample_id"],
            image_root=row["image_root"],
            image_path=row["image_path"],
            a=_recipe(row["source_a"]),
            b=_recipe(row["source_b"]),
            seed=row["seed"],
            box=None if row["box"] is None else Box(**row["box"]),
        )
        for row in rows
    ]


def mixes_by_id(usable: pa.Table) -> dict[str, MixRow]:
    """Return the mixed rows of any manifest by sample id; those that are not mixes are left out.

    Args:
        usable: Rows of a manifest whose status is `ok`.
    """
    if "source_a" not in usable.column_names:
        return {}
    return {row.sample_id: row for row in mix_rows_of(usable.filter(usable["source_a"].is_valid()))}


def load_row(recipe: Recipe, mix: MixRow | None, roots: Roots, decoding: DecodeOptions) -> NDArray[np.uint8]:
    """Return a row's pixels: the stored ones, or where there are none, rendered or mixed anew.

    Args:
        recipe: The row.
        mix: The same row where it is a mix.
        roots: Where images and references lie.
        decoding: EXIF orientation of references, pixel limit.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        UnreadableImageError: The image or one that it is made of cannot be decoded.
        RowError: The row cannot be rendered.
    """
    if mix is None:
        return load_pixels(recipe, roots, decoding)
    stored = load_stored(recipe, roots, decoding)
    return render_mix(mix, roots, decoding) if stored is None else stored


def source_column(sources: pa.Table, positions: NDArray[np.int64]) -> pa.StructArray:
    """Return rows of a manifest as the values of a source column.

    Args:
        sources: A manifest.
        positions: Its rows to take, in the order of the column.
    """
    taken = sources.take(pa.array(positions))
    arrays = [taken[field.name].combine_chunks().cast(field.type) for field in SOURCE_TYPE]
    return pa.StructArray.from_arrays(arrays, fields=list(SOURCE_TYPE))


def load_sources(row: MixRow, roots: Roots, decoding: DecodeOptions) -> tuple[Source, Source]:
    """Load both images of a row with their references, cropped to their common size.

    Args:
        row: The row.
        roots: Where images and references lie.
        decoding: EXIF orientation of references, pixel limit.

    Returns:
        A and B. Of images that differ in size, the middle of each remains.

    Raises:
        UnreadableImageError: An image or a reference cannot be decoded; the message names the source.
        RowError: A source cannot be rendered, or its size is not its reference's.
    """
    a, b = (_load_source(recipe, roots, decoding) for recipe in (row.a, row.b))
    height, width = common_size(a.image, b.image)
    first, second = (Source(*(crop_middle(image, height, width) for image in source)) for source in (a, b))
    return first, second


def render_mix(row: MixRow, roots: Roots, decoding: DecodeOptions | None = None) -> NDArray[np.uint8]:
    """Make a row's mixed image again, bit for bit, from its sources' pixels or their references.

    Args:
        row: The row.
        roots: Where images and references lie; stored pixels of a source are taken, otherwise it is rendered.
        decoding: EXIF orientation of references, pixel limit.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        UnreadableImageError: A source cannot be decoded.
        RowError: A source cannot be rendered, or the row has no box: it failed when it was made.
    """
    if row.box is None:
        raise RowError(f"the mix {row.sample_id} has no box: it could not be made in the first place")
    decoding = decoding or DecodeOptions()
    a, b = (load_pixels(recipe, roots, decoding) for recipe in (row.a, row.b))
    height, width = common_size(a, b)
    return paste(crop_middle(a, height, width), crop_middle(b, height, width), row.box.region(height, width))


def _recipe(source: dict[str, Any]) -> Recipe:
    return Recipe(**{name: source[name] for name in RECIPE_COLUMNS})


def _load_source(recipe: Recipe, roots: Roots, decoding: DecodeOptions) -> Source:
    try:
        path = roots.resolve(recipe.reference_root, recipe.reference_path)
        try:
            reference = decoding.decode(path)
        except UnreadableImageError as error:
            raise error.about(f"reference {recipe.reference_path}") from error
        image = load_stored(recipe, roots, decoding)
        if image is None:  # as `load_pixels` does, without decoding the reference a second time
            image = render(reference, recipe.distortion_id, recipe.level, recipe.seed)
    except RowError as error:
        raise error.about(f"source {recipe.sample_id}") from error
    if image.shape != reference.shape:
        sizes = " and its reference ".join(f"{size[1]} x {size[0]}" for size in (image.shape, reference.shape))
        raise RowError(f"source {recipe.sample_id} has {sizes} pixels: what changed cannot be mapped")
    return Source(image, stretch_uint8(reference))
