"""Stage `encode`: content features of images, one row per image, whatever its state."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..data.atomic import refuse_overwriting
from ..data.features import Features, write_feature_table
from ..data.images import UnreadableImageError, decode_image
from ..data.manifest import ok_rows, read_manifest
from ..data.provenance import attach, digest_file, make_provenance, read_provenance
from ..data.roots import Roots
from ..data.sources import IdStyle, ImageEntry, ImageSource, open_source
from ..engine.encoders import DeviceName, Encoder, make_encoder
from ..engine.progress import SILENT, Reporter, Task
from ..engine.render import RECIPE_COLUMNS, Recipe, RenderOptions, load_pixels
from ..engine.workers import ordered_map
from ..errors import CurateError

_FAILURES_SHOWN = 10
BATCH_SIZE = 32
_Prepared = tuple[ImageEntry, NDArray[np.float32] | None, str, str | None]


def encode(
    source: ImageSource,
    encoder: Encoder,
    *,
    batch_size: int = BATCH_SIZE,
    options: RenderOptions | None = None,
    reporter: Reporter = SILENT,
) -> pa.Table:
    """Encode every image of a source.

    Args:
        source: The images.
        encoder: What turns a picture into features.
        batch_size: Pictures per call of the encoder.
        options: Threads that decode, EXIF orientation, pixel limit.
        reporter: Shows progress.

    Returns:
        A table `id, image_path, features (fixed-size list of float32, NaN where status is not ok), status, error`, in
        the source's order, with its provenance.
    """
    options = options or RenderOptions()

    def load(entry: ImageEntry) -> NDArray[np.uint8]:
        path = source.folder / entry.path
        return decode_image(path, exif_orient=options.exif_orient, max_pixels=options.max_pixels)

    config = _config(encoder, batch_size, options)
    provenance = _provenance(encoder, config, {source.name: source.digest()})
    return _encode(source.entries, load, encoder, batch_size, options.workers, (source.name, provenance), reporter)


def encode_manifest(
    manifest: Path,
    encoder: Encoder,
    *,
    batch_size: int = BATCH_SIZE,
    options: RenderOptions | None = None,
    roots: Mapping[str, Path] | None = None,
    reporter: Reporter = SILENT,
) -> pa.Table:
    """Encode every ok row of a manifest, by `sample_id`; recipe rows without pixels are rendered on the way.

    Args:
        manifest: The file.
        encoder: What turns a picture into features.
        batch_size: Pictures per call of the encoder.
        options: Threads, EXIF orientation of references, pixel limit.
        roots: Folders of roots that have moved.
        reporter: Shows progress.

    Returns:
        A table as `encode` gives.

    Raises:
        CurateError: The manifest cannot be read.
    """
    options = options or RenderOptions()
    table = read_manifest(manifest)
    places = Roots.of_manifest(table, manifest, roots)
    options = replace(options, exif_orient=options.exif_orient or bool(read_provenance(table).get("exif_orient")))
    recipes = {row["sample_id"]: Recipe(**row) for row in ok_rows(table).select(list(RECIPE_COLUMNS)).to_pylist()}
    entries = [ImageEntry(recipe.sample_id, recipe.image_path) for recipe in recipes.values()]

    def load(entry: ImageEntry) -> NDArray[np.uint8]:
        return load_pixels(recipes[entry.id], places, options)

    provenance = _provenance(encoder, _config(encoder, batch_size, options), {"manifest": digest_file(manifest)})
    return _encode(entries, load, encoder, batch_size, options.workers, (manifest.name, provenance), reporter)


def features_of(table: pa.Table, source: str) -> Features:
    """Take the usable rows of an encoded table as features.

    Raises:
        CurateError: No image could be encoded; the message has the first reason.
    """
    usable = table.filter(pc.equal(table["status"], "ok"))
    if not len(usable):
        first = f"{table['image_path'][0].as_py()}: {table['error'][0].as_py()}" if len(table) else "no images"
        raise CurateError(f"{source}: none of {len(table)} images could be encoded ({first})")
    column = usable["features"].combine_chunks()
    matrix = column.flatten().to_numpy().reshape(len(usable), column.type.list_size)
    ids, names = usable["id"].to_pylist(), usable["image_path"].to_pylist()
    return Features(matrix, tuple(ids), tuple(names), source, {})


def run_encode(
    images: Path,
    out: Path,
    *,
    encoder: str = "resnet50",
    weights: Path | None = None,
    device: DeviceName = "auto",
    batch_size: int = BATCH_SIZE,
    ids: IdStyle = "stem",
    roots: Mapping[str, Path] | None = None,
    options: RenderOptions | None = None,
    dry_run: bool = False,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Encode a folder, an image or a manifest, and write the feature file.

    Returns:
        `images, encoded, failed, dimensions, out`.

    Raises:
        CurateError: Nothing to encode, no weights, or the file cannot be written.
    """
    is_manifest = images.suffix == ".parquet"
    if out.suffix != ".parquet":
        raise CurateError(f"--out {out}: encoded features are written as .parquet, which keeps the rows that failed")
    refuse_overwriting(out, images)
    source = None if is_manifest else open_source(images, ids=ids)
    if dry_run:
        count = len(ok_rows(read_manifest(images))) if source is None else len(source.entries)
        return {"images": count, "dry_run": True, "out": str(out)}
    built = make_encoder(encoder, weights=weights, device=device)
    if source is None:
        table = encode_manifest(images, built, batch_size=batch_size, options=options, roots=roots, reporter=reporter)
    else:
        table = encode(source, built, batch_size=batch_size, options=options, reporter=reporter)
    write_feature_table(table, out)
    failed = table.filter(pc.not_equal(table["status"], "ok"))
    for path, error in zip(
        failed["image_path"].to_pylist()[:_FAILURES_SHOWN], failed["error"].to_pylist(), strict=False
    ):
        reporter.note(f"not encoded: {path}: {error}")
    summary = {"images": len(table), "encoded": len(table) - len(failed), "failed": len(failed)}
    return {**summary, "dimensions": built.dimensions, "out": str(out)}


def _encode(
    entries: Sequence[ImageEntry],
    load: Callable[[ImageEntry], NDArray[np.uint8]],
    encoder: Encoder,
    batch_size: int,
    workers: int | None,
    origin: tuple[str, dict[str, Any]],
    reporter: Reporter,
) -> pa.Table:
    def prepare(entry: ImageEntry) -> _Prepared:
        try:
            return entry, encoder.prepare(load(entry)), "ok", None
        except UnreadableImageError as error:
            return entry, None, "unreadable", str(error)
        except ValueError as error:
            return entry, None, "failed", str(error)

    name, provenance = origin
    rows: list[_Prepared] = []
    matrix = np.zeros((len(entries), encoder.dimensions), np.float32)
    with reporter.task(f"encode {name}", len(entries)) as task:
        for batch in _batches(ordered_map(prepare, entries, workers), batch_size):
            _encode_batch(batch, encoder, matrix[len(rows) :], task)
            rows += [(entry, None, status, error) for entry, _, status, error in batch]
    return _feature_table(rows, matrix, provenance)


def _batches(rows: Iterator[_Prepared], size: int) -> Iterator[Sequence[_Prepared]]:
    while batch := list(islice(rows, size)):
        yield batch


def _encode_batch(batch: Sequence[_Prepared], encoder: Encoder, out: NDArray[np.float32], task: Task) -> None:
    places = [place for place, (_, prepared, _, _) in enumerate(batch) if prepared is not None]
    if places:
        out[places] = encoder.encode([prepared for _, prepared, _, _ in batch if prepared is not None])
    task.advance(len(batch), failed=len(batch) - len(places))


def _feature_table(rows: Sequence[_Prepared], matrix: NDArray[np.float32], provenance: dict[str, Any]) -> pa.Table:
    failed = np.array([status != "ok" for _, _, status, _ in rows], dtype=bool)
    # NaN, not null: pyarrow (seen up to 24) cannot read a fixed-size list with nulls back from Parquet.
    matrix[failed] = np.nan
    features = pa.FixedSizeListArray.from_arrays(pa.array(matrix.reshape(-1)), matrix.shape[1])
    table = pa.table(
        {
            "id": pa.array([entry.id for entry, _, _, _ in rows], pa.string()),
            "image_path": pa.array([entry.path for entry, _, _, _ in rows], pa.string()),
            "features": features,
            "status": pa.array([status for _, _, status, _ in rows], pa.string()),
            "error": pa.array([error for _, _, _, error in rows], pa.string()),
        }
    )
    return attach(table, provenance)


def _config(encoder: Encoder, batch_size: int, options: RenderOptions) -> dict[str, Any]:
    return {
        "encoder": encoder.name,
        "batch_size": batch_size,
        "exif_orient": options.exif_orient,
        "max_pixels": options.max_pixels,
    }


def _provenance(encoder: Encoder, config: dict[str, Any], inputs: dict[str, str]) -> dict[str, Any]:
    facts = {"name": encoder.name, "weights": encoder.weights_digest}
    return make_provenance("encode", config, inputs, encoder=facts)
