"""The command `mix`: from a manifest of distorted images to mixed images, their manifest and a picture of some."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CurateError, RowError
from ..manifest.manifest import ok_rows, read_manifest, write_manifest
from ..manifest.pixel_facts import decoding_of
from ..manifest.provenance import attach, read_provenance
from ..manifest.renderers.check import check_renderers
from ..manifest.roots import Roots
from ..rendering.distort import refuse_inside
from ..rendering.estimates import SIZES_SAMPLED, estimate_bytes
from ..rendering.mix_recipes import mix_rows_of
from ..rendering.pixel_loader import PixelLoader
from ..rendering.render import Recipe
from ..runs.progress import SILENT, Reporter
from ..storage.atomic import refuse_overwriting, write_bytes
from ..storage.images import DecodeOptions, encode_image
from ..storage.limits import MAX_PIXELS
from ..storage.owned_folder import claim_folder
from .dsmix import mix_sources
from .mix import make_mixes, mix_provenance, mix_roots
from .pairs import MIXED, MixPlan, plan_mixes
from .preview import PreviewMix, mix_preview
from .rerender import again_roots, mix_again
from .settings import MixSettings
from .sources import load_sources

MANIFEST_NAME = "manifest.parquet"
PREVIEW_MIXES = 4
_FAILURES_SHOWN = 10


def run_mix(
    manifest: Path,
    out: Path,
    settings: MixSettings | None,
    *,
    images_out: Path | None = None,
    recipe_only: bool = False,
    preview: Path | None = None,
    roots: Mapping[str, Path] | None = None,
    max_pixels: int = MAX_PIXELS,
    workers: int | None = None,
    dry_run: bool = False,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Mix the images of a manifest file, or render the recipe rows of a mixed one.

    Args:
        manifest: Distorted images with their references; without settings, a mixed manifest.
        out: Manifest to write, or a folder: then `manifest.parquet` in it.
        settings: What to mix; None renders the rows of a mixed manifest as they are.
        images_out: Folder of the pixels; by default `mixes/` beside the manifest.
        recipe_only: Store no pixels.
        preview: Also draw the first mixes, as a PNG.
        roots: Folders of the manifest's roots that have moved.
        max_pixels: Images with more pixels are refused.
        workers: Threads; None uses every core.
        dry_run: Count only.
        reporter: Shows progress.

    Returns:
        `rows`, `rows_not_ok`, `out`; of new mixes also `sources`, `types`, `left_out`, `megabytes_estimated` and
        `rows_with_uniform_map`: those with an image that does not differ visibly from its reference.

    Raises:
        CurateError: Nothing to mix, the folder of some files is not known, or a result cannot be written.
    """
    out = out if out.suffix == ".parquet" else out / MANIFEST_NAME
    refuse_overwriting(out, manifest)
    if preview is not None:
        refuse_overwriting(preview, manifest, out)
        if preview.suffix.lower() != ".png":
            raise CurateError(f"--preview {preview}: the picture is a .png")
    table = read_manifest(manifest)
    check_renderers(table)
    places = Roots.of_manifest(table, manifest, roots)
    images_out = images_out or out.parent / MIXED
    decoding = decoding_of(read_provenance(table), DecodeOptions(max_pixels=max_pixels), str(manifest))
    if settings is None:
        places = again_roots(table, places, images_out)
        summary: dict[str, Any] = {"rows": len(table)}
        if not dry_run:
            claim_folder(images_out, out, write=True)
            pixels = PixelLoader(places, decoding=decoding)
            rows = mix_again(table, pixels, out, workers=workers, reporter=reporter)
    else:
        plan = plan_mixes(table, settings)
        places = mix_roots(plan.sources, places, images_out)
        _refuse_folders_of_sources(plan, places, images_out)
        summary = _describe(plan, settings, places, recipe_only)
        if not dry_run:
            claim_folder(images_out, out, write=not recipe_only)
            reporter.note(_announce(summary))
            pixels, write = PixelLoader(places, decoding=decoding), not recipe_only
            rows = make_mixes(plan.rows, pixels, settings, write=write, workers=workers, reporter=reporter)
            rows = attach(rows, mix_provenance(table, settings, places, out, stored=not recipe_only))
            summary["rows_with_uniform_map"] = _count_uniform(rows)
    if dry_run:
        return {**summary, "dry_run": True, "out": str(out)}
    write_manifest(rows, out)
    summary["rows_not_ok"] = _note_failures(rows, reporter)
    summary |= pixels.note_images(_sources_of(rows), workers=workers, reporter=reporter)
    if preview is not None:
        summary |= _draw_preview(preview, rows, pixels, reporter)
    return {**summary, "out": str(out)}


def _sources_of(rows: pa.Table) -> Iterator[Recipe]:
    """Give the sources of mixes, and each a second time without its pixels: its reference is read too."""
    for row in mix_rows_of(rows):
        for source in (row.a, row.b):
            yield source
            yield replace(source, image_root="")  # a root that has no folder


def _describe(plan: MixPlan, settings: MixSettings, places: Roots, recipe_only: bool) -> dict[str, Any]:
    kinds = sorted(set(plan.sources["distortion_id"].to_pylist()))
    summary: dict[str, Any] = {"sources": len(plan.sources), "types": kinds}
    if plan.left_out:
        summary["left_out"] = plan.left_out
    summary["rows"] = len(plan.rows)
    if not recipe_only:
        step = max(1, len(plan.sources) // SIZES_SAMPLED)
        sample = plan.sources.take(pa.array(range(0, len(plan.sources), step)))
        size = estimate_bytes(sample, len(plan.rows), places, settings.image_format)
        if size is not None:
            summary["megabytes_estimated"] = round(size / 1e6)
    return summary


def _announce(summary: Mapping[str, Any]) -> str:
    disk = f", about {summary['megabytes_estimated']:,} MB" if "megabytes_estimated" in summary else ""
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in summary.get("left_out", {}).items())
    sources = f"{summary['sources']:,} images of {len(summary['types'])} types"
    return f"{summary['rows']:,} mixes{disk}, of {sources}" + (f" (left out: {left_out})" if left_out else "")


def _refuse_folders_of_sources(plan: MixPlan, places: Roots, images_out: Path) -> None:
    for name in ("image_root", "reference_root"):
        for root in plan.sources[name].unique().to_pylist():
            if places.has_folder(root):
                refuse_inside(images_out, places.folder(root))


def _count_uniform(rows: pa.Table) -> int:
    either = pc.or_kleene(rows["uniform_map_a"], rows["uniform_map_b"])
    return int(pc.sum(either).as_py() or 0)


def _note_failures(rows: pa.Table, reporter: Reporter) -> int:
    failed = rows.filter(pc.not_equal(rows["status"], "ok")).select(["sample_id", "status", "error"]).to_pylist()
    for row in failed[:_FAILURES_SHOWN]:
        reporter.note(f"{row['status']}: {row['sample_id']}: {row['error']}")
    return len(failed)


def _draw_preview(file: Path, rows: pa.Table, pixels: PixelLoader, reporter: Reporter) -> dict[str, str]:
    sigma = float(read_provenance(rows).get("config", {}).get("sigma", MixSettings.sigma))
    shown = []
    for row in mix_rows_of(ok_rows(rows).slice(0, PREVIEW_MIXES)):
        if row.box is None:
            continue
        try:
            a, b = load_sources(row, pixels)
        except RowError as error:
            reporter.note(f"not in the preview: {row.sample_id}: {error}")
            continue
        mixed = mix_sources(a, b, row.box.region(*a.image.shape[:2]), sigma=sigma)
        shown.append(PreviewMix(row.sample_id, (row.a, row.b), (a, b), row.box, mixed))
    if not shown:
        reporter.note(f"no preview: none of the {len(rows)} mixes could be made")
        return {}
    write_bytes(file, encode_image(mix_preview(shown)))
    return {"preview": str(file)}
