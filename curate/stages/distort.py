"""Stage `distort`: distorted images, or the rows that say how to make them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..data.atomic import write_bytes
from ..data.images import ImageFormat, UnreadableImageError, decode_image, encode_image, image_problem, image_size
from ..data.manifest import read_manifest, validate, write_manifest
from ..data.provenance import attach, make_provenance, read_provenance
from ..data.roots import REFERENCES, RENDERED, Roots
from ..data.schema import SCHEMA
from ..data.sources import IdStyle, ImageEntry, ImageSource, open_source
from ..engine.contact_sheet import contact_sheet
from ..engine.progress import SILENT, Reporter
from ..engine.recipes import Plan, Reference, recipe_rows
from ..engine.render import Outcome, RenderOptions, recipes_of, render_rows
from ..errors import CurateError

# Measured on a photograph under all types and levels: 1.41 bytes of PNG per pixel on average, 0.94 of WebP.
BYTES_PER_PIXEL: Mapping[ImageFormat, float] = {"png": 1.41, "webp": 0.94, "bmp": 3.0}
_SIZES_SAMPLED = 64
_FAILURES_SHOWN = 10


def plan_rows(
    source: ImageSource,
    *,
    types: tuple[int, ...],
    levels: tuple[int, ...],
    seed: int = 123,
    image_format: ImageFormat = "png",
    images_out: Path,
    manifest: Path,
) -> tuple[pa.Table, Roots]:
    """Lay out the rows of `distort` without rendering them.

    Args:
        source: The pristine images.
        types: Distortion ids.
        levels: Levels of each type.
        seed: The run's seed.
        image_format: What the pixels are stored as.
        images_out: Folder of the pixels.
        manifest: Where the manifest will lie; its roots are relative to it.

    Returns:
        The rows with their provenance, and where their files are on this machine.
    """
    plan = Plan(types, levels, seed, REFERENCES, RENDERED, f".{image_format}", source.name)
    rows = recipe_rows([Reference(entry.id, entry.path) for entry in source.entries], plan)
    roots = Roots({RENDERED: images_out, REFERENCES: source.folder})
    config = {"types": list(types), "levels": list(levels), "seed": seed, "format": image_format}
    provenance = make_provenance(
        "distort", config, {source.name: source.digest()}, roots=roots.as_json(manifest), pixels="recipe"
    )
    return attach(rows, provenance), roots


def distort_rows(
    rows: pa.Table, roots: Roots, options: RenderOptions, *, name: str = "distort", reporter: Reporter = SILENT
) -> pa.Table:
    """Render the rows of a manifest and note what became of each.

    Args:
        rows: Rows with a reference, a distortion and a seed.
        roots: Where references lie and images go.
        options: How to render.
        name: What the progress bar says.
        reporter: Shows progress.

    Returns:
        The same rows; `status` and `error` say which could not be made, and why.

    Raises:
        CurateError: Rows without a recipe, or an image cannot be written.
    """
    outcomes = render_rows(recipes_of(rows), roots, options, name=name, reporter=reporter)
    provenance = dict(read_provenance(rows))
    if options.write:
        provenance["pixels"] = "stored"
    return attach(with_outcomes(rows, outcomes), provenance)


def with_outcomes(rows: pa.Table, outcomes: list[Outcome]) -> pa.Table:
    """Return the rows with the status and error of each outcome."""
    columns = {
        "status": pa.array([outcome.status for outcome in outcomes], pa.string()),
        "error": pa.array([outcome.error for outcome in outcomes], pa.string()),
    }
    for name, values in columns.items():
        position = rows.schema.get_field_index(name)
        field = SCHEMA.field(name)
        encoded = values.dictionary_encode() if pa.types.is_dictionary(field.type) else values
        rows = rows.set_column(position, field, encoded)
    return validate(rows)


def check_references(rows: pa.Table, roots: Roots, max_pixels: int) -> pa.Table:
    """Note which recipe rows have a reference that is missing or no image, by its header.

    Args:
        rows: Rows with a recipe.
        roots: Where references lie; those of a root without a folder are not looked at.
        max_pixels: References with more pixels are refused.
    """
    found: dict[tuple[str, str], str | None] = {}
    outcomes = []
    for recipe in recipes_of(rows):
        place = (recipe.reference_root, recipe.reference_path)
        if place not in found:
            known = roots.has_folder(recipe.reference_root)
            found[place] = image_problem(roots.resolve(*place), max_pixels=max_pixels) if known else None
        problem = found[place]
        bad = Outcome("unreadable", f"reference {recipe.reference_path}: {problem}")
        outcomes.append(Outcome("ok") if problem is None else bad)
    return attach(with_outcomes(rows, outcomes), read_provenance(rows))


def estimate_bytes(rows: pa.Table, roots: Roots, image_format: ImageFormat) -> int | None:
    """Estimate the disk that rendering will take, from the sizes of some of the references.

    Returns:
        Bytes; None where no reference can be read.
    """
    recipes = recipes_of(rows)
    sampled = recipes[:: max(1, len(recipes) // _SIZES_SAMPLED)]
    sizes = [
        image_size(roots.resolve(r.reference_root, r.reference_path))
        for r in sampled
        if roots.has_folder(r.reference_root)
    ]
    known = [height * width for height, width in (size for size in sizes if size is not None)]
    if not known:
        return None
    return round(sum(known) / len(known) * BYTES_PER_PIXEL[image_format] * len(recipes))


def refuse_inside(images_out: Path, source: Path) -> None:
    """Refuse to write images among the references, where the next run would take them for references.

    Raises:
        CurateError: `images_out` lies in `source`.
    """
    if os.path.commonpath([images_out.resolve(), source.resolve()]) == str(source.resolve()):
        raise CurateError(f"{images_out} lies inside {source}: the next run would read its images as references")


def run_distort(
    images: Path,
    out: Path,
    *,
    types: tuple[int, ...] | None,
    levels: tuple[int, ...],
    image_format: ImageFormat = "png",
    seed: int = 123,
    recipe_only: bool = False,
    contact_sheet_file: Path | None = None,
    ids: IdStyle = "stem",
    roots: Mapping[str, Path] | None = None,
    options: RenderOptions | None = None,
    dry_run: bool = False,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Distort a folder or an image, or render a manifest's recipe rows, into `out/manifest.parquet` and `out/images/`.

    Args:
        images: Folder, image or manifest (`.parquet`).
        out: Folder of the results.
        types: Distortion ids; None renders the rows of a manifest as they stand.
        levels: Levels of each type.
        image_format: Of the pixels.
        seed: The run's seed.
        recipe_only: Store no pixels.
        contact_sheet_file: Also draw the first reference under every type and level, as a PNG.
        ids: How ids are made from file names.
        roots: Folders of a manifest's roots that have moved.
        options: Workers, EXIF orientation, pixel limit.
        dry_run: Count only.
        reporter: Shows progress.

    Returns:
        `references, rows, rows_not_ok, bytes_estimated, out`.

    Raises:
        CurateError: Nothing to distort, or the results cannot be written.
    """
    manifest, images_out = out / "manifest.parquet", out / "images"
    if types is None:
        if images.suffix != ".parquet":
            raise CurateError("--types says which distortions to apply, e.g. --types bid")
        rows, places = _rows_of_manifest(images, manifest, images_out, roots)
    else:
        source = _references_of(images, roots) if images.suffix == ".parquet" else open_source(images, ids=ids)
        refuse_inside(images_out, source.folder)
        rows, places = plan_rows(
            source,
            types=types,
            levels=levels,
            seed=seed,
            image_format=image_format,
            images_out=images_out,
            manifest=manifest,
        )
    options = options or RenderOptions()
    size = None if recipe_only else estimate_bytes(rows, places, image_format)
    summary: dict[str, Any] = {"references": len(set(rows["reference_id"].to_pylist())), "rows": len(rows)}
    if size is not None:
        summary["megabytes_estimated"] = round(size / 1e6)
    if dry_run:
        return {**summary, "dry_run": True, "out": str(manifest)}
    if contact_sheet_file is not None:
        _draw_sheet(contact_sheet_file, rows, places, types, levels, seed, options)
        summary["contact_sheet"] = str(contact_sheet_file)
    if options.exif_orient:
        rows = attach(rows, {**read_provenance(rows), "exif_orient": True})
    if recipe_only:
        rows = check_references(rows, places, options.max_pixels)
    else:
        rows = distort_rows(rows, places, options, reporter=reporter)
    write_manifest(rows, manifest)
    failed = [row for row in rows.select(["sample_id", "status", "error"]).to_pylist() if row["status"] != "ok"]
    for row in failed[:_FAILURES_SHOWN]:
        reporter.note(f"{row['status']}: {row['sample_id']}: {row['error']}")
    return {**summary, "rows_not_ok": len(failed), "out": str(manifest)}


def _draw_sheet(
    file: Path,
    rows: pa.Table,
    roots: Roots,
    types: tuple[int, ...] | None,
    levels: tuple[int, ...],
    seed: int,
    options: RenderOptions,
) -> None:
    if types is None:
        raise CurateError("--contact-sheet needs --types: the rows of a manifest are no grid")
    if file.suffix.lower() != ".png":
        raise CurateError(f"--contact-sheet {file}: the sheet is a .png")
    first = recipes_of(rows.slice(0, 1))[0]
    path = roots.resolve(first.reference_root, first.reference_path)
    try:
        reference = decode_image(path, exif_orient=options.exif_orient, max_pixels=options.max_pixels)
    except UnreadableImageError as error:
        raise CurateError(f"--contact-sheet shows the first reference, {path}, which is unreadable: {error}") from error
    identifier = rows["reference_id"][0].as_py()
    write_bytes(file, encode_image(contact_sheet(reference, identifier, types=types, levels=levels, seed=seed)))


def _rows_of_manifest(
    source: Path, manifest: Path, images_out: Path, roots: Mapping[str, Path] | None
) -> tuple[pa.Table, Roots]:
    table = read_manifest(source)
    recipes = table.filter(pc.is_valid(table["seed"]))
    if not len(recipes):
        raise CurateError(f"{source} has no recipe rows (rows with a seed); --types would distort its references anew")
    old = Roots.of_manifest(table, source, roots)
    places = Roots({**old.folders, **dict.fromkeys(set(recipes["image_root"].to_pylist()), images_out)})
    provenance = {**read_provenance(table), "roots": places.as_json(manifest)}
    return attach(recipes, provenance), places


def _references_of(manifest: Path, roots: Mapping[str, Path] | None) -> ImageSource:
    table = read_manifest(manifest)
    places = Roots.of_manifest(table, manifest, roots)
    used = {
        (row["reference_id"], row["reference_root"], row["reference_path"])
        for row in table.select(["reference_id", "reference_root", "reference_path"]).to_pylist()
        if row["reference_path"] is not None
    }
    names = sorted({root for _, root, _ in used})
    if len(names) != 1:
        raise CurateError(
            f"{manifest} has references under {len(names)} roots ({', '.join(names)}); distort one at a time"
        )
    folder = places.resolve(names[0], "x").parent
    return ImageSource(names[0], folder, tuple(ImageEntry(i, path) for i, _, path in sorted(used)))
