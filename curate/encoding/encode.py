"""Stage `encode`: content features of images, one row per image, failed ones included."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..datasets.feature_files import features_from_table, write_feature_parts
from ..datasets.features import Features
from ..datasets.image_folders import ImageSource, open_source
from ..datasets.image_notes import note_images, note_skipped
from ..datasets.settings import IdStyle
from ..errors import CurateError
from ..manifest.pixel_facts import facts_of_decoding
from ..manifest.provenance import attach, library_versions, make_provenance
from ..rendering.mix_recipes import pixel_rows
from ..rendering.pixel_loader import PixelLoader
from ..runs.options import LongRun, run_folder
from ..runs.plan import Request, RunPlan
from ..runs.progress import SILENT, Reporter
from ..runs.shards import carry_out
from ..storage.atomic import refuse_overwriting
from ..storage.images import DecodeOptions
from ..whole_numbers import whole_number
from .encode_shard import EncoderBuilder, EncoderSpec, EncodeWork, GivenEncoder
from .encoders import Encoder, make_encoder
from .pictures import Pictures, path_columns, pictures_of_manifest, pictures_of_source
from .settings import DeviceName, EncodeSettings

_FAILURES_SHOWN = 10
_IMAGES_TIMED = 16
# Batches of a shard: a lost process costs no more than these; a new shard starts with nothing decoded yet.
_BATCHES_PER_SHARD = 32
_ENCODING_LIBRARIES = ("torch", "torchvision", "open_clip_torch", "timm")


def encode(
    images: ImageSource | Path | str,
    encoder: Encoder | str = EncodeSettings.encoder,
    *,
    batch_size: int = EncodeSettings.batch_size,
    decoding: DecodeOptions | None = None,
    workers: int | None = None,
    roots: Mapping[str, Path] | None = None,
    reporter: Reporter = SILENT,
) -> pa.Table:
    """Encode every image of a source, or every ok row of a manifest, in memory.

    Rows of a manifest are identified by `sample_id`; rows without stored pixels are rendered for it.

    Args:
        images: A folder, an image file, a manifest (`.parquet`), or what `open_source` gives.
        encoder: What turns a picture into features, or its name; see `make_encoder`.
        batch_size: Pictures per call of the encoder.
        decoding: EXIF orientation, pixel limit.
        workers: Threads that decode; None uses every core.
        roots: Folders of a manifest's roots that have moved.
        reporter: Shows progress.

    Returns:
        A table `id, image_path, features (fixed-size list of float32, NaN where status is not ok), status, error`, in
        the order of the images or rows, with its provenance.

    Raises:
        CurateError: The images or the manifest cannot be read, there are none, there is no such encoder, or its weights
            cannot be had.
    """
    pictures = _pictures(images, decoding or DecodeOptions(), roots)
    note_skipped(pictures.skipped, pictures.name, reporter)
    chosen = make_encoder(encoder) if isinstance(encoder, str) else encoder
    return _encoded(pictures, chosen, whole_number("batch_size", batch_size, least=1), workers, reporter)


def features_of(table: pa.Table, source: str) -> Features:
    """Take the usable rows of an encoded table as features.

    Raises:
        CurateError: No image could be encoded; the message has the first reason.
    """
    if not pc.any(pc.equal(table["status"], "ok")).as_py():
        first = f"{table['image_path'][0].as_py()}: {table['error'][0].as_py()}" if len(table) else "no images"
        raise CurateError(f"{source}: none of {len(table)} images could be encoded ({first})")
    return features_from_table(table, source)


def run_encode(
    images: Path,
    out: Path,
    *,
    encoder: str = EncodeSettings.encoder,
    weights: Path | None = None,
    device: DeviceName = EncodeSettings.device,
    pool: tuple[str, ...] | None = EncodeSettings.pool,
    layers: tuple[int, ...] | None = EncodeSettings.layers,
    batch_size: int = EncodeSettings.batch_size,
    ids: IdStyle = EncodeSettings.ids,
    follow_links: bool = False,
    roots: Mapping[str, Path] | None = None,
    decoding: DecodeOptions | None = None,
    workers: int | None = None,
    run: LongRun | None = None,
    dry_run: bool = False,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Encode a folder, an image or a manifest, and write the feature file.

    An interrupted run goes on where it stopped; the folder `<out>.run` holds how far it is and goes away at the end.

    Returns:
        `images, encoded, failed, dimensions, out`, and what `note_skipped` and `note_images` count; of a share of the
        shards, `shards_done` instead of the counts of failures and of `note_images`.

    Raises:
        CurateError: Nothing to encode, no weights, another run at `out`, or the file cannot be written.
    """
    if out.suffix != ".parquet":
        raise CurateError(f"--out {out}: encoded features are written as .parquet, which keeps the rows that failed")
    refuse_overwriting(out, images, weights)
    decoding, run = decoding or DecodeOptions(), run or LongRun()
    source = images if images.suffix == ".parquet" else open_source(images, ids=ids, follow_links=follow_links)
    pictures = _pictures(source, decoding, roots)
    summary = {"images": len(pictures.rows), **note_skipped(pictures.skipped, images, reporter)}
    spec = EncoderSpec(encoder, weights, device, pool, layers)
    request = encode_request(pictures, spec, batch_size, out, rows_per_shard=run.rows_per_shard, workers=workers)
    if dry_run:
        forecast = _forecast(pictures.rows, request)
        return {**summary, **forecast, "dry_run": True, "out": str(out)}
    plan = carry_out(request, join_features, run.mode, executor=run.executor_for_encoding(), reporter=reporter)
    if run.mode.share is not None:
        return {
            **summary,
            "shards_done": len(run.mode.share.shards(plan.shards)),
            "out": str(request.folder if request.folder.exists() else request.final),
        }
    failed = _note_failures(out, reporter)
    summary |= {"encoded": len(pictures.rows) - failed, "failed": failed}
    summary |= _noted(pictures, workers, reporter)
    return {**summary, "dimensions": spec.build().dimensions, "out": str(out)}


def encode_request(
    pictures: Pictures,
    builder: EncoderBuilder,
    batch_size: int,
    out: Path,
    *,
    rows_per_shard: int | None = None,
    workers: int | None = None,
) -> Request:
    """Describe a run that ends in a feature file.

    Args:
        pictures: What is encoded.
        builder: Gives the encoder.
        batch_size: Pictures per call of the encoder.
        out: The feature file.
        rows_per_shard: None chooses.
        workers: Threads that decode; None uses every core.

    Raises:
        CurateError: There is nothing to encode, or the encoder's weights cannot be had.
    """
    _require_images(pictures)
    identity = _provenance(pictures, builder.build(), batch_size)
    return Request(
        stage="encode",
        folder=run_folder(out),
        final=out,
        identity=identity,
        facts={},
        rows=lambda: iter([pictures.rows]),
        rows_per_shard=rows_per_shard or batch_size * _BATCHES_PER_SHARD,
        listing=pictures.listing,
        path_columns=path_columns(pictures),
        work=_work(pictures, builder, batch_size, workers),
    )


def join_features(plan: RunPlan, parts: Iterator[pa.Table]) -> None:
    """Write the feature file of an encoding run from its parts."""
    write_feature_parts(parts, plan.final, plan.provenance())


def _pictures(images: ImageSource | Path | str, decoding: DecodeOptions, roots: Mapping[str, Path] | None) -> Pictures:
    if isinstance(images, ImageSource):
        return pictures_of_source(images, decoding)
    if Path(images).suffix == ".parquet":
        return pictures_of_manifest(Path(images), decoding, roots)
    return pictures_of_source(open_source(images, ids=EncodeSettings.ids), decoding)


def _encoded(
    pictures: Pictures, encoder: Encoder, batch_size: int, workers: int | None, reporter: Reporter
) -> pa.Table:
    _require_images(pictures)
    work = _work(pictures, GivenEncoder(encoder), batch_size, workers)
    provenance = _provenance(pictures, encoder, batch_size)
    step = batch_size * _BATCHES_PER_SHARD
    parts = []
    with reporter.task(f"encode {pictures.name}", len(pictures.rows)) as task:
        for start in range(0, len(pictures.rows), step):
            part = work(pictures.rows.slice(start, step))
            task.advance(len(part), failed=sum(status != "ok" for status in part["status"].to_pylist()))
            parts.append(part)
    return attach(pa.concat_tables(parts), provenance)


def _require_images(pictures: Pictures) -> None:
    if not len(pictures.rows):
        raise CurateError(f"{pictures.name}: no images to encode")


def _noted(pictures: Pictures, workers: int | None, reporter: Reporter) -> dict[str, int]:
    if pictures.roots is not None:
        pixels = PixelLoader(pictures.roots, decoding=pictures.decoding)
        return pixels.note_images(pixel_rows(pictures.rows), workers=workers, reporter=reporter)
    folder = pictures.folder or Path()
    files = [folder / path for path in pictures.rows["image_path"].to_pylist()]
    return note_images(files, icc=pictures.decoding.icc, workers=workers, reporter=reporter)


def _work(pictures: Pictures, builder: EncoderBuilder, batch_size: int, workers: int | None) -> EncodeWork:
    return EncodeWork(builder, batch_size, pictures.decoding, pictures.folder, pictures.roots, workers)


def _provenance(pictures: Pictures, encoder: Encoder, batch_size: int) -> dict[str, Any]:
    config = {
        "encoder": encoder.name,
        "batch_size": batch_size,
        "exif_orient": False,
        **facts_of_decoding(pictures.decoding),
        "max_pixels": pictures.decoding.max_pixels,
    }
    facts = {"name": encoder.name, "weights": encoder.weights_digest}
    provenance = make_provenance("encode", config, pictures.inputs, encoder=facts)
    if encoder.weights_digest is not None:
        provenance["versions"] |= library_versions(_ENCODING_LIBRARIES)
    return provenance


def _forecast(rows: pa.Table, request: Request) -> dict[str, Any]:
    """Estimate time and disk from a few images, spread over the whole."""
    few = rows.take(list(range(0, len(rows), max(1, len(rows) // _IMAGES_TIMED)))[:_IMAGES_TIMED])
    request.work(few.slice(0, 1), 0, None)  # loads the encoder and compiled code
    started = time.perf_counter()
    part = request.work(few, 0, None)
    seconds = (time.perf_counter() - started) / len(few) * len(rows)
    size = part.schema.field("features").type.list_size * np.dtype(np.float32).itemsize * len(rows)
    shards = -(-len(rows) // request.rows_per_shard)
    return {"megabytes_estimated": round(size / 1e6, 1), "seconds_estimated": round(seconds, 1), "shards": shards}


def _note_failures(features: Path, reporter: Reporter) -> int:
    failed = 0
    with pq.ParquetFile(features) as file:
        for batch in file.iter_batches(columns=["image_path", "status", "error"]):
            bad = batch.filter(pc.not_equal(batch.column("status"), "ok"))
            for row in bad.slice(0, max(0, _FAILURES_SHOWN - failed)).to_pylist():
                reporter.note(f"not encoded: {row['image_path']}: {row['error']}")
            failed += len(bad)
    return failed
