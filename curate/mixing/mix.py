"""Stage `mix`: images of two distortions each, with the confidence that either class has earned (DSMix)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...distortions.numerics.denoising.weights import digest_for
from ..errors import CurateError, RowError
from ..manifest.manifest import read_manifest, validate
from ..manifest.pixel_facts import USER_TYPES, decoding_of, denoiser_of, facts_of_decoding
from ..manifest.provenance import attach, digest_table, make_provenance, read_provenance
from ..manifest.renderers.check import check_renderers, has_recipes_alone
from ..manifest.renderers.user_types import record_user_types, user_type_ids
from ..manifest.roots import Roots, home_of, with_home
from ..manifest.schema import MIX_FIELDS, encode
from ..rendering.mix_recipes import MixRow, mix_rows_of
from ..rendering.pasting import Box
from ..rendering.pixel_loader import PixelLoader
from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..storage.atomic import write_bytes
from ..storage.formats import ImageFormat
from ..storage.images import DecodeOptions, encode_image
from .dsmix import Confidences, draw_box, mix_sources
from .pairs import MIXED, plan_mixes
from .settings import Classes, MixSettings
from .sources import load_sources


def mix(
    manifest: pa.Table | Path | str,
    *,
    count: int,
    types: Sequence[int] = MixSettings.types,
    levels: Sequence[int] = MixSettings.levels,
    classes: Classes = MixSettings.classes,
    sigma: float = MixSettings.sigma,
    alpha: float = MixSettings.alpha,
    images_out: Path | None = None,
    image_format: ImageFormat = MixSettings.image_format,
    roots: Mapping[str, Path] | None = None,
    workers: int | None = None,
    seed: int = MixSettings.seed,
) -> pa.Table:
    """Mix pairs of a manifest's distorted images and measure how visible each distortion still is.

    Args:
        manifest: A manifest of distorted images with their references, or its file. The roots of a table are
            relative to the folder of the file that it was read from, else to the current one.
        count: Mixes to make.
        types: Distortion ids whose images are used.
        levels: Levels whose images are used.
        classes: What the two images differ in: their `type`, or their type or level (`type-level`).
        sigma: Smoothing of the sensitivity maps in pixels.
        alpha: CutMix's: the background's share is Beta(alpha, alpha).
        images_out: Folder of the pixels; None makes recipe rows, whose pixels are mixed again wherever they are needed.
        image_format: Of the pixels.
        roots: Folders of roots that have moved.
        workers: Threads; None uses every core.
        seed: The run's seed.

    Returns:
        A mixed manifest, one row per mix; a mix that could not be made keeps its row and says why.

    Raises:
        CurateError: Fewer than two classes to mix, or the folder of the references is not known.

    Source: Shi et al., "DSMix", ECCV 2024.
    """
    settings = MixSettings(count, tuple(types), tuple(levels), classes, sigma, alpha, image_format, seed)
    in_memory = isinstance(manifest, pa.Table)
    table = validate(manifest) if in_memory else read_manifest(manifest)
    place = (home_of(table) or Path()) / "manifest.parquet" if in_memory else Path(manifest)
    check_renderers(table)
    plan = plan_mixes(table, settings)
    places = mix_roots(plan.sources, Roots.of_manifest(table, place, roots), images_out)
    decoding = decoding_of(read_provenance(table), DecodeOptions(), "the manifest" if in_memory else str(manifest))
    pixels, write = PixelLoader(places, decoding=decoding), images_out is not None
    rows = make_mixes(plan.rows, pixels, settings, write=write, workers=workers)
    return with_home(attach(rows, mix_provenance(table, settings, places, place, stored=write)), place.resolve().parent)


def mix_roots(sources: pa.Table, places: Roots, images_out: Path | None) -> Roots:
    """Return the roots of a mixed manifest: those of its sources, and its own.

    Raises:
        CurateError: The folder of the references is not known, or the name of the mixes' root is taken.
    """
    used = {root for name in ("image_root", "reference_root") for root in pc.unique(sources[name]).to_pylist()}
    for root in pc.unique(sources["reference_root"]).to_pylist():
        places.folder(root)
    if MIXED in used:
        raise CurateError(f"the manifest has images under a root {MIXED!r}, which is the name of the mixes' own root")
    folders = {**{name: places.folders.get(name) for name in used if name is not None}, MIXED: images_out}
    return replace(places, folders=folders)


def mix_provenance(table: pa.Table, settings: MixSettings, roots: Roots, out: Path, *, stored: bool) -> dict[str, Any]:
    """Return the provenance of a mixed manifest.

    Args:
        table: The manifest that the sources come from.
        settings: What was asked for.
        roots: Folders of sources, references and mixes.
        out: Path of the mixed manifest.
        stored: Whether the pixels are stored.
    """
    config = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}
    return make_provenance(
        "mix",
        config,
        {"manifest": digest_table(table)},
        roots=roots.as_json(out),
        pixels="stored" if stored else "recipe",
        **facts_of_decoding(decoding_of(read_provenance(table), DecodeOptions(), "the manifest")),
        denoiser=weights_of(table),
        user_types=_user_types_of(table),
    )


def weights_of(table: pa.Table) -> str:
    """Return the digest of the denoiser's weights that mixes of a manifest's rows have in them.

    Stored rows were made with the weights of their manifest; recipes are rendered with them if they ship.

    Args:
        table: The manifest.
    """
    recorded = denoiser_of(read_provenance(table))
    return digest_for(recorded) if has_recipes_alone(table) else recorded


def _user_types_of(table: pa.Table) -> dict[str, dict[str, Any]] | None:
    recorded: dict[str, dict[str, Any]] | None = read_provenance(table).get(USER_TYPES)
    return record_user_types(user_type_ids(table)) if has_recipes_alone(table) else recorded


def make_mixes(
    plan: pa.Table,
    pixels: PixelLoader,
    settings: MixSettings,
    *,
    write: bool,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> pa.Table:
    """Draw the boxes, measure the confidences and, if asked to, store the pixels.

    Args:
        plan: Rows of `plan_mixes`.
        pixels: Finds or makes the sources; its roots also say where mixes go.
        settings: Smoothing, boxes, image format.
        write: Whether pixels are stored.
        workers: Threads; None uses every core.
        reporter: Shows progress.

    Returns:
        The rows with what became of each.

    Raises:
        CurateError: The folder of a source is not known, or an image cannot be written.
    """
    rows, mixed = mix_rows_of(plan), []
    pixels.require_roots(source for row in rows for source in (row.a, row.b))
    with reporter.task("mix", len(rows)) as task:
        for made in ordered_map(lambda row: _make(row, pixels, settings, write), rows, workers):
            mixed.append(made)
            task.advance(failed=made.status != "ok")
    return _filled_in(plan, rows, mixed)


def with_columns(table: pa.Table, values: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Return a mixed manifest with other values in some of its columns."""
    for name, column in values.items():
        position = table.schema.get_field_index(name)
        field = table.schema.field(position)
        plain = pa.string() if pa.types.is_dictionary(field.type) else field.type
        array = pa.array(column, plain)
        table = table.set_column(position, field, encode(array, field.type) if plain != field.type else array)
    return validate(table)


@dataclass(frozen=True)
class _Measured:
    """The measurements of a mix, without its image."""

    box: Box
    raw: Confidences
    differences: tuple[float, float]
    uniform: tuple[bool, bool]


@dataclass(frozen=True)
class _MixedRow:
    status: str
    error: str | None = None
    measured: _Measured | None = None


def _make(row: MixRow, pixels: PixelLoader, settings: MixSettings, write: bool) -> _MixedRow:
    try:
        a, b = load_sources(row, pixels)
        height, width = a.image.shape[:2]
        box = draw_box(height, width, np.random.Generator(np.random.PCG64(row.seed)), alpha=settings.alpha)
        mixed = mix_sources(a, b, box.region(height, width), sigma=settings.sigma)
        mixed.raw.normalized()
        content = encode_image(mixed.image, settings.image_format) if write else None
    except RowError as error:
        return _MixedRow(error.status, str(error))
    if content is not None:
        write_bytes(pixels.roots.resolve(row.image_root, row.image_path), content, durable=False)
    first, second = mixed.maps
    differences = first.mean_difference, second.mean_difference
    return _MixedRow("ok", None, _Measured(box, mixed.raw, differences, (first.uniform, second.uniform)))


def _filled_in(plan: pa.Table, rows: list[MixRow], mixed: list[_MixedRow]) -> pa.Table:
    values: dict[str, list[Any]] = {"status": [made.status for made in mixed], "error": [made.error for made in mixed]}
    cells = [_cells(row, made.measured) for row, made in zip(rows, mixed, strict=True)]
    measured = [field.name for field in MIX_FIELDS if not field.name.startswith("source_")]
    return with_columns(plan, {**values, **{name: [cell.get(name) for cell in cells] for name in measured}})


def _cells(row: MixRow, measured: _Measured | None) -> dict[str, Any]:
    if measured is None:
        return {}
    confidence = measured.raw.normalized()
    return {
        "soft_labels": [
            {"distortion_id": source.distortion_id, "level": source.level, "confidence": share}
            for source, share in ((row.a, confidence.a), (row.b, confidence.b))
        ],
        "raw_confidence_a": measured.raw.a,
        "raw_confidence_b": measured.raw.b,
        "color_difference_a": measured.differences[0],
        "color_difference_b": measured.differences[1],
        "uniform_map_a": measured.uniform[0],
        "uniform_map_b": measured.uniform[1],
        "box": measured.box._asdict(),
    }
