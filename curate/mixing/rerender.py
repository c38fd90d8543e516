"""From the recipe rows of a mixed manifest to their pixels."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from ..errors import CurateError, RowError
from ..manifest.lost_metadata import refuse_lost_recipes
from ..manifest.manifest import ok_rows
from ..manifest.provenance import attach, read_provenance
from ..manifest.roots import Roots
from ..rendering.mix_recipes import MixRow, mix_rows_of
from ..rendering.pixel_loader import PixelLoader
from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..storage.atomic import write_bytes
from ..storage.formats import IMAGE_FORMATS, ImageFormat
from ..storage.images import encode_image
from .mix import weights_of, with_columns


def again_roots(table: pa.Table, places: Roots, images_out: Path) -> Roots:
    """Return the roots of a mixed manifest whose pixels are in `images_out`.

    Raises:
        CurateError: The manifest has no mixes, or has lost its metadata.
    """
    refuse_lost_recipes(table)
    try:
        rows = mix_rows_of(ok_rows(table))
    except CurateError as error:
        hint = "--count says how many mixes to make; without it, the rows of a mixed manifest are rendered"
        raise CurateError(f"{hint}, and this one holds {error}") from error
    return replace(places, folders={**places.folders, **{row.image_root: images_out for row in rows}})


def mix_again(
    table: pa.Table,
    pixels: PixelLoader,
    out: Path,
    *,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> pa.Table:
    """Render the mixes of a manifest from their recipes, and store them.

    Args:
        table: A mixed manifest; rows that are not ok stay as they are.
        pixels: Finds or makes the sources; its roots also say where mixes go.
        out: Path of the manifest.
        workers: Threads; None uses every core.
        reporter: Shows progress.

    Returns:
        The same rows; `status` and `error` say which could not be made, and why.

    Raises:
        CurateError: The folder of a source is not known, or an image cannot be written.
    """
    rows = mix_rows_of(ok_rows(table))
    pixels.require_roots(source for row in rows for source in (row.a, row.b))
    problems: dict[str, tuple[str, str]] = {}
    with reporter.task("mix", len(rows)) as task:
        for row, problem in zip(rows, ordered_map(lambda row: _store(row, pixels), rows, workers), strict=True):
            task.advance(failed=problem is not None)
            if problem is not None:
                problems[row.sample_id] = problem
    columns = table.select(["sample_id", "status", "error"]).to_pylist()
    states = [problems.get(cell["sample_id"], (cell["status"], cell["error"])) for cell in columns]
    values = {"status": [state for state, _ in states], "error": [error for _, error in states]}
    facts = read_provenance(table) | {"denoiser": weights_of(table)}
    facts |= {"roots": pixels.roots.as_json(out), "pixels": "stored"}
    return attach(with_columns(table, values), facts)


def _store(row: MixRow, pixels: PixelLoader) -> tuple[str, str] | None:
    target = pixels.roots.resolve(row.image_root, row.image_path)
    image_format = _format_of(target)
    try:
        content = encode_image(pixels.make(row), image_format)
    except RowError as error:
        return error.status, str(error)
    write_bytes(target, content, durable=False)
    return None


def _format_of(path: Path) -> ImageFormat:
    for image_format in IMAGE_FORMATS:
        if path.suffix.lower() == f".{image_format}":
            return image_format
    raise CurateError(f"{path}: images are written as {', '.join(IMAGE_FORMATS)}")
