"""Stage `distort`: distorted images, or the rows that say how to make them."""

import contextlib
import functools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..datasets.image_folders import open_source
from ..datasets.image_notes import note_distorted, note_images, note_skipped
from ..datasets.settings import IdStyle
from ..errors import CurateError
from ..manifest.chains.settings import ChainSettings
from ..manifest.manifest import ManifestFile, write_manifest_parts
from ..manifest.pixel_facts import decoding_of, facts_of_decoding
from ..manifest.provenance import digest_json
from ..runs.options import LongRun
from ..runs.plan import Request, RunPlan
from ..runs.progress import SILENT, Reporter
from ..runs.run_folder import OLDER_FILE, ROWS_FILE
from ..runs.shards import carry_out
from ..runs.threads import cores
from ..storage.atomic import refuse_overwriting, write_bytes
from ..storage.formats import ImageFormat, Layout
from ..storage.images import PNG_ENCODING, DecodeOptions, UnreadableImageError, encode_image
from ..storage.owned_folder import claim_folder
from ..storage.pixel_store import clean_leftovers
from ..storage.safe_paths import is_safe_path
from .contact_sheet import contact_sheet
from .distort_rows import Distortions, PlannedRows, placed, rows_of_references
from .estimates import SIZES_SAMPLED, estimate_bytes, estimate_seconds
from .manifest_rows import references_of, rows_of_manifest
from .render import recipes_of, with_seed
from .render_shard import CheckWork, RenderWork
from .settings import DistortSettings

RUN_FOLDER = "run"
IMAGES = "images"
MANIFEST = "manifest.parquet"
_FAILURES_SHOWN = 10
# Small enough that a short run is shared evenly and its progress is seen, large enough that a long one has few files.
_FEWEST_ROWS, _MOST_ROWS, _SHARDS_WANTED = 16, 1000, 128


@dataclass(frozen=True)
class Pixels:
    """What becomes of the pixels.

    Attributes:
        layout: How they are stored; None stores none.
        folder: Where.
        decoding: How references are read.
    """

    layout: Layout | None
    folder: Path
    decoding: DecodeOptions


def run_distort(
    images: Path,
    out: Path,
    *,
    types: tuple[int, ...] | None,
    levels: tuple[int, ...] = DistortSettings.levels,
    chains: ChainSettings | None = None,
    image_format: ImageFormat = DistortSettings.image_format,
    layout: Layout = DistortSettings.layout,
    seed: int = DistortSettings.seed,
    recipe_only: bool = False,
    contact_sheet_file: Path | None = None,
    ids: IdStyle = DistortSettings.ids,
    follow_links: bool = False,
    roots: Mapping[str, Path] | None = None,
    decoding: DecodeOptions | None = None,
    workers: int | None = None,
    run: LongRun | None = None,
    dry_run: bool = False,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Distort a folder or an image, or render a manifest's recipe rows, into `out/manifest.parquet` and `out/images/`.

    New rows of a manifest's references keep the split of their reference. Rows of a manifest that have no seed, such as
    labeled originals, are carried along as they are.

    An interrupted run goes on where it stopped; the folder `out/run` holds how far it is and goes away at the end.

    Args:
        images: Folder, image or manifest (`.parquet`).
        out: Folder of the results.
        types: Distortion ids; None, without chains, renders the rows of a manifest as they are.
        levels: Levels of each type.
        chains: Several distortions, one after another, as further rows of every reference.
        image_format: Of the pixels.
        layout: How they are stored.
        seed: The run's seed.
        recipe_only: Store no pixels.
        contact_sheet_file: Also draw the first reference under every type and level, as a PNG.
        ids: How ids are made from file names.
        follow_links: Search linked folders that lead out of the folder of images.
        roots: Folders of a manifest's roots that have moved.
        decoding: EXIF orientation of references, pixel limit. The references of a manifest are read as it says.
        workers: Workers that a dry run counts on; None stands for every core. The run's own are its executor's.
        run: How it is carried out.
        dry_run: Say what it would take, and write nothing.
        reporter: Shows progress.

    Returns:
        `references, rows, rows_not_ok, megabytes_estimated, out`, and what `note_skipped` and `note_images` count;
        `rows_carried` where rows of a manifest have no seed; of a share of the shards, `shards_done` instead of
        `rows_not_ok`.

    Raises:
        CurateError: Nothing to distort, an option that contradicts the manifest, another run in `out`, or the results
            cannot be written.
    """
    refuse_overwriting(out / MANIFEST, images)
    decoding, run = decoding or DecodeOptions(), run or LongRun()
    file = ManifestFile(images) if images.suffix == ".parquet" else None
    new_rows = types is not None or chains is not None
    if file is not None:
        asked = decoding.denoiser
        decoding = decoding_of(file.provenance, replace(decoding, denoiser=None if new_rows else asked), str(images))
        if new_rows:  # the manifest's rows say how its references are read, not what new rows are made with
            decoding = replace(decoding, denoiser=asked)
    pixels = Pixels(None if recipe_only else layout, out / IMAGES, decoding)
    skipped: dict[str, int] = {}
    if types is None and contact_sheet_file is not None:
        raise CurateError("--contact-sheet needs --types: the rows of a manifest, and chains, are no grid")
    wanted = Distortions(types or (), levels, seed, image_format, chains)
    if not new_rows:
        if file is None:
            raise CurateError(
                "--types says which distortions to apply, e.g. --types bid, --chain or --chains which of them together"
            )
        rows = rows_of_manifest(file, pixels.folder, roots)
        known = [(root, path) for root, path, _ in rows.listing if rows.roots.has_folder(root)]
        files = [rows.roots.resolve(root, path) for root, path in known]
    else:
        source = open_source(images, ids=ids, follow_links=follow_links) if file is None else references_of(file, roots)
        refuse_inside(pixels.folder, source.folder, *source.linked)
        skipped = note_skipped(source.skipped, images, reporter)
        note_distorted(source, reporter)
        rows = rows_of_references(source, wanted, pixels.folder, decoding.denoiser)
        files = [source.folder / entry.path for entry in source.entries]
    summary: dict[str, Any] = {"references": rows.references, "rows": rows.count, **skipped}
    if rows.carried:
        summary["rows_carried"] = rows.carried
    sample = rows.sample(SIZES_SAMPLED)
    if not recipe_only:
        size = estimate_bytes(sample, rows.made, rows.roots, image_format)
        summary |= {} if size is None else {"megabytes_estimated": round(size / 1e6)}
    request = render_request("distort", rows, pixels, out, run.rows_per_shard)
    if dry_run:
        return {**summary, **_forecast(rows, sample, pixels, request, image_format, workers), "out": str(request.final)}
    if contact_sheet_file is not None:
        _draw_sheet(contact_sheet_file, sample, rows, decoding, wanted)
        summary["contact_sheet"] = str(contact_sheet_file)
    claim_folder(pixels.folder, request.final, write=not recipe_only)
    plan = carry_out(request, join_manifest, run.mode, executor=run.executor_for(rows.made), reporter=reporter)
    if run.mode.share is not None:
        return {
            **summary,
            "shards_done": len(run.mode.share.shards(plan.shards)),
            "out": str(request.folder if request.folder.exists() else request.final),
        }
    summary["rows_not_ok"] = note_failures(request.final, reporter)
    summary |= note_images(files, icc=decoding.icc, workers=workers, reporter=reporter)
    return {**summary, "out": str(request.final)}


def render_request(stage: str, rows: PlannedRows, pixels: Pixels, out: Path, rows_per_shard: int | None) -> Request:
    """Describe a rendering run that ends in a manifest.

    Args:
        stage: What the progress bar calls it.
        rows: What to render.
        pixels: Where to.
        out: Folder of the manifest.
        rows_per_shard: None chooses.
    """
    layout, decoding = pixels.layout, pixels.decoding
    manifest = out / MANIFEST
    length = rows_per_shard or shard_length(rows.count, layout)
    config = {**rows.identity.get("config", {}), "max_pixels": decoding.max_pixels, "layout": layout or "recipe-only"}
    config.pop("png", None)  # of the manifest that the rows are from
    if layout is not None:
        config["png"] = PNG_ENCODING
    work = CheckWork(rows.roots, decoding.max_pixels)
    return Request(
        stage=stage,
        folder=out / RUN_FOLDER,
        final=manifest,
        identity={
            **rows.identity,
            "config": config,
            "config_digest": digest_json(config),
            **facts_of_decoding(decoding),
        },
        facts={"roots": rows.roots.as_json(manifest), "pixels": "recipe" if layout is None else "stored"},
        rows=lambda: placed(rows.tables(), layout or "files", length),
        rows_per_shard=length,
        listing=rows.listing,
        path_columns=("reference_path",),
        work=work if layout is None else RenderWork(rows.roots, decoding, pixels.folder, layout),
        forget=functools.partial(_remove_pixels, out),
    )


def shard_length(rows: int, layout: Layout | None) -> int:
    """Choose the rows of a shard; an archive of pixels is a shard's, and should not be small."""
    if layout in ("webdataset", "parquet"):
        return _MOST_ROWS
    return min(max(-(-rows // _SHARDS_WANTED), _FEWEST_ROWS), _MOST_ROWS)


def join_manifest(plan: RunPlan, parts: Iterable[pa.Table]) -> None:
    """Write the manifest of a rendering run from its parts."""
    write_manifest_parts(parts, plan.final, plan.provenance())
    clean_leftovers(plan.final.parent / IMAGES)


def note_failures(manifest: Path, reporter: Reporter) -> int:
    """Tell of some rows that are not `ok`, and return how many there are."""
    failed = 0
    for row in _failures(manifest):
        if failed < _FAILURES_SHOWN:
            reporter.note(f"{row['status']}: {row['sample_id']}: {row['error']}")
        failed += 1
    return failed


def refuse_inside(images_out: Path, *sources: Path) -> None:
    """Refuse to write images among the references, where the next run would take them for references.

    Args:
        images_out: The folder of the new images.
        sources: The folders in which references are searched for.

    Raises:
        CurateError: `images_out` lies in one of `sources`.
    """
    for source in sources:
        if os.path.commonpath([images_out.resolve(), source.resolve()]) == str(source.resolve()):
            raise CurateError(f"{images_out} lies inside {source}: the next run would read its images as references")


def _remove_pixels(out: Path) -> None:
    """Remove the images that an older run has written to `out/images`, and no other file."""
    folder, older = out / IMAGES, out / RUN_FOLDER / OLDER_FILE
    with contextlib.suppress(FileNotFoundError):
        # A manifest whose images are going must not look like a result, also not if this is interrupted.
        os.replace(out / MANIFEST, older)
    for table in (out / RUN_FOLDER / ROWS_FILE, older):
        for path in filter(is_safe_path, _image_paths(table)):
            parts = path.split("/")
            # An archive of images is named like a folder of them.
            target = folder / parts[0] if (folder / parts[0]).is_file() else folder / path
            if not target.parent.resolve().is_relative_to(folder.resolve()):
                continue  # a link leads elsewhere
            target.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty, or gone
                target.parent.rmdir()


def _image_paths(table: Path) -> Iterator[str]:
    try:
        with pq.ParquetFile(table) as file:
            for batch in file.iter_batches(columns=["image_path", "seed"]):
                # Not those of rows without a seed: they were carried along, and their images are somebody else's.
                yield from with_seed(pa.Table.from_batches([batch]))["image_path"].drop_null().to_pylist()
    except (OSError, KeyError, pa.ArrowException):
        return  # no older run, or one that cannot say what it wrote


def _failures(manifest: Path) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(manifest) as file:
        for batch in file.iter_batches(columns=["sample_id", "status", "error"]):
            table = pa.Table.from_batches([batch])
            yield from table.filter(pc.not_equal(table["status"].cast(pa.string()), "ok")).to_pylist()


def _forecast(
    rows: PlannedRows,
    sample: pa.Table,
    pixels: Pixels,
    request: Request,
    image_format: ImageFormat,
    workers: int | None,
) -> dict[str, Any]:
    shards = -(-rows.count // request.rows_per_shard)
    forecast: dict[str, Any] = {"shards": shards, "dry_run": True}
    if pixels.layout is not None:
        seconds = estimate_seconds(sample, rows.made, rows.roots, pixels.decoding, image_format)
        if seconds is not None:
            at_work = min(workers or cores(), shards)
            forecast = {"seconds_estimated": round(seconds / at_work, 1), "workers": at_work, **forecast}
    return forecast


def _draw_sheet(file: Path, sample: pa.Table, rows: PlannedRows, decoding: DecodeOptions, wanted: Distortions) -> None:
    if file.suffix.lower() != ".png":
        raise CurateError(f"--contact-sheet {file}: the sheet is a .png")
    first = recipes_of(sample.slice(0, 1))[0]
    path = rows.roots.resolve(first.reference_root, first.reference_path)
    try:
        reference = decoding.decode(path)
    except UnreadableImageError as error:
        raise CurateError(f"--contact-sheet shows the first reference, {path}, which is unreadable: {error}") from error
    sheet = contact_sheet(
        reference,
        sample["reference_id"][0].as_py(),
        types=wanted.types,
        levels=wanted.levels,
        seed=wanted.seed,
        denoiser=decoding.denoiser,
    )
    write_bytes(file, encode_image(sheet))
