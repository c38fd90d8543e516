"""From recipe rows to pixels: decode a reference once, distort it as each of its rows says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...distortions import distort, stretch_uint8
from ...distortions.catalog import PRISTINE
from ..data.atomic import write_bytes
from ..data.images import IMAGE_FORMATS, MAX_PIXELS, ImageFormat, UnreadableImageError, decode_image, encode_image
from ..data.roots import Roots
from ..errors import CurateError
from .progress import SILENT, Reporter
from .proxy import mdsi
from .workers import ordered_map

# A reference is decoded again after so many rows: an interrupt waits for no more than these.
_ROWS_PER_TASK = 16
RECIPE_COLUMNS: tuple[str, ...] = (
    "sample_id",
    "image_root",
    "image_path",
    "reference_root",
    "reference_path",
    "distortion_id",
    "level",
    "seed",
)


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


@dataclass(frozen=True)
class Outcome:
    """What became of one row: its status, the reason if it is not `ok`, and its MDSI score if asked for."""

    status: str
    error: str | None = None
    deviation: float | None = None


@dataclass(frozen=True)
class RenderOptions:
    """How rows are rendered.

    Attributes:
        write: Store the pixels at each row's image path.
        measure: Compute each image's MDSI score.
        exif_orient: Obey the EXIF orientation of references.
        max_pixels: References with more pixels are refused.
        workers: Threads; None uses every core.
    """

    write: bool = True
    measure: bool = False
    exif_orient: bool = False
    max_pixels: int = MAX_PIXELS
    workers: int | None = None


def recipes_of(table: pa.Table) -> list[Recipe]:
    """Take the recipes out of a manifest's rows, in order.

    Raises:
        CurateError: Rows that name no reference or no distortion.
    """
    recipes = [Recipe(**row) for row in table.select(list(RECIPE_COLUMNS)).to_pylist()]
    bare = [r.sample_id for r in recipes if r.reference_path is None or r.distortion_id is None or r.level is None]
    if bare:
        raise CurateError(f"{len(bare)} rows name no reference, distortion or level, e.g. {bare[0]!r}")
    return recipes


def render(reference: NDArray[np.uint8], distortion_id: int, level: int, seed: int | None) -> NDArray[np.uint8]:
    """Make a row's pixels from its decoded reference.

    Args:
        reference: uint8 (H, W, 3) RGB.
        distortion_id: 1-25, or 0 for the pristine image (after the generator's stretch, as every distorted one).
        level: 1-5; ignored for 0.
        seed: The row's stream seed.

    Returns:
        uint8 (H, W, 3) RGB; the same arguments and library versions give the same bytes.

    Raises:
        ValueError: The image is too small for the type, or the seed of a random type is missing.
    """
    if distortion_id == PRISTINE:
        return stretch_uint8(reference)
    return distort(reference, distortion_id, level, seed=seed)


def load_pixels(recipe: Recipe, roots: Roots, options: RenderOptions) -> NDArray[np.uint8]:
    """Return a row's pixels: the stored ones, or where there are none, a fresh rendering.

    Args:
        recipe: The row.
        roots: Where images and references lie.
        options: EXIF orientation of the reference, pixel limit.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        UnreadableImageError: The image or its reference cannot be decoded.
        ValueError: The row cannot be rendered.
    """
    if roots.has_folder(recipe.image_root):
        path = roots.resolve(recipe.image_root, recipe.image_path)
        if recipe.seed is None or path.exists():
            return decode_image(path, max_pixels=options.max_pixels)
    path = roots.resolve(recipe.reference_root, recipe.reference_path)
    reference = decode_image(path, exif_orient=options.exif_orient, max_pixels=options.max_pixels)
    return render(reference, recipe.distortion_id, recipe.level, recipe.seed)


def render_rows(
    recipes: Sequence[Recipe],
    roots: Roots,
    options: RenderOptions,
    *,
    name: str = "render",
    reporter: Reporter = SILENT,
) -> list[Outcome]:
    """Render rows, reference by reference, with a bounded number of images in memory.

    Args:
        recipes: The rows. Neighbouring rows with one reference share its decoding.
        roots: Where references lie and images go.
        options: How to render.
        name: What the progress bar says.
        reporter: Shows progress.

    Returns:
        One outcome per row, in order. An unreadable reference makes all its rows `unreadable`; a row whose distortion
        cannot be applied is `failed`.

    Raises:
        CurateError: An image cannot be written.
    """
    outcomes: list[Outcome] = []
    with reporter.task(name, len(recipes)) as task:
        for group in ordered_map(lambda rows: _render_group(rows, roots, options), _groups(recipes), options.workers):
            outcomes += group
            task.advance(len(group), failed=sum(outcome.status != "ok" for outcome in group))
    return outcomes


def _groups(recipes: Sequence[Recipe]) -> Iterator[list[Recipe]]:
    group: list[Recipe] = []
    for recipe in recipes:
        place = (recipe.reference_root, recipe.reference_path)
        same = bool(group) and place == (group[0].reference_root, group[0].reference_path)
        if group and (not same or len(group) == _ROWS_PER_TASK):
            yield group
            group = []
        group.append(recipe)
    if group:
        yield group


def _render_group(recipes: Sequence[Recipe], roots: Roots, options: RenderOptions) -> list[Outcome]:
    first = recipes[0]
    try:
        path = roots.resolve(first.reference_root, first.reference_path)
        reference = decode_image(path, exif_orient=options.exif_orient, max_pixels=options.max_pixels)
    except UnreadableImageError as error:
        return [Outcome("unreadable", f"reference {first.reference_path}: {error}")] * len(recipes)
    shown = stretch_uint8(reference) if options.measure else reference
    return [_render_one(recipe, reference, shown, roots, options) for recipe in recipes]


def _render_one(
    recipe: Recipe, reference: NDArray[np.uint8], shown: NDArray[np.uint8], roots: Roots, options: RenderOptions
) -> Outcome:
    try:
        image = render(reference, recipe.distortion_id, recipe.level, recipe.seed)
    except CurateError:
        raise
    except ValueError as error:
        return Outcome("failed", str(error))
    if options.write:
        target = roots.resolve(recipe.image_root, recipe.image_path)
        image_format = _format_of(target)
        try:
            content = encode_image(image, image_format)
        except CurateError as error:  # a picture that its format cannot hold
            return Outcome("failed", str(error))
        write_bytes(target, content, durable=False)
    return Outcome("ok", None, mdsi(shown, image) if options.measure else None)


def _format_of(path: Path) -> ImageFormat:
    suffix = path.suffix.lower().removeprefix(".")
    for image_format in IMAGE_FORMATS:
        if suffix == image_format:
            return image_format
    raise CurateError(f"{path}: images are written as {', '.join(IMAGE_FORMATS)}")
