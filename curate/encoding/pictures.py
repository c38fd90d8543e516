"""What is to be encoded: the images of a folder, or the rows of a manifest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..datasets.image_folders import ImageSource
from ..datasets.image_search import NOTHING_SKIPPED, SkippedFiles
from ..manifest.manifest import ManifestFile
from ..manifest.pixel_facts import decoding_of
from ..manifest.provenance import attach, digest_file, digest_listing
from ..manifest.renderers.check import check_renderers
from ..manifest.roots import Roots
from ..manifest.splits import TRAIN
from ..rendering.distort_rows import Listing, size_of
from ..rendering.mix_recipes import PixelRow, pixel_columns, pixel_rows
from ..rendering.pixel_loader import PixelLoader
from ..rendering.render import Recipe
from ..storage.images import DecodeOptions


@dataclass(frozen=True)
class Pictures:
    """What is to be encoded.

    Attributes:
        name: Of the folder or manifest, for messages.
        rows: `id, image_path`, and a manifest's columns of recipes and mixes.
        inputs: Input name to digest.
        listing: (input, path, bytes) of the images.
        folder: Where the paths of a folder's images are relative to.
        roots: Roots of a manifest's rows.
        decoding: How images are read.
        skipped: What was skipped when the folder was searched.
    """

    name: str
    rows: pa.Table
    inputs: Mapping[str, str]
    listing: Listing
    folder: Path | None
    roots: Roots | None
    decoding: DecodeOptions
    skipped: SkippedFiles = NOTHING_SKIPPED


def pictures_of_source(source: ImageSource, decoding: DecodeOptions) -> Pictures:
    """List the images of a source."""
    listing = source.listing()
    rows = pa.table(
        {
            "id": pa.array([entry.id for entry in source.entries], pa.string()),
            "image_path": pa.array([entry.path for entry in source.entries], pa.string()),
        }
    )
    inputs = {source.name: digest_listing((path, size) for _, path, size in listing)}
    return Pictures(source.name, rows, inputs, listing, source.folder, None, decoding, source.skipped)


def pictures_of_manifest(
    manifest: Path, decoding: DecodeOptions, overrides: Mapping[str, Path] | None = None
) -> Pictures:
    """List the ok rows of a manifest.

    Raises:
        CurateError: It cannot be read, `decoding` contradicts it, or a folder that its rows need is not known.
    """
    file = ManifestFile(manifest)
    columns = file.columns([*pixel_columns(file.empty().schema), "status", "split"])
    if file.provenance:
        check_renderers(attach(columns, file.provenance))
    roots = Roots.of_manifest(columns, manifest, overrides)
    rows = columns.filter(pc.equal(columns["status"].cast(pa.string()), "ok")).drop_columns(["status"])
    # Only where rows are held out do features say so: those of training rows are as of a folder.
    if pc.all(pc.equal(rows["split"].cast(pa.string()), TRAIN)).as_py():
        rows = rows.drop_columns(["split"])
    for name in ("image_root", "reference_root"):
        position = rows.schema.get_field_index(name)
        rows = rows.set_column(position, name, rows[name].cast(pa.string()))
    rows = rows.add_column(0, "id", rows["sample_id"])
    pixels = PixelLoader(roots)
    pixels.require_roots(pixel_rows(rows))
    places = {place for row in pixel_rows(rows) for place in _places(row, pixels)}
    listing = sorted(
        (root, path, size_of(roots.resolve(root, path)) if roots.has_folder(root) else -1) for root, path in places
    )
    inputs = {"manifest": digest_file(manifest)}
    for root in sorted({root for root, _, _ in listing}):
        inputs[root] = digest_listing((path, size) for name, path, size in listing if name == root)
    decoding = decoding_of(file.provenance, decoding, str(manifest))
    return Pictures(manifest.name, rows.combine_chunks(), inputs, listing, None, roots, decoding)


def _places(row: PixelRow, pixels: PixelLoader) -> Iterator[tuple[str, str]]:
    """Give (root, path) of the files that a row's pixels may come from."""
    if row.image_root is not None:
        yield row.image_root, row.image_path
    if isinstance(row, Recipe):
        if row.reference_root is not None and row.reference_path is not None:
            yield row.reference_root, row.reference_path
    elif not pixels.is_stored(row):
        yield from _places(row.a, pixels)
        yield from _places(row.b, pixels)


def path_columns(pictures: Pictures) -> tuple[str, ...]:
    """Return the columns, or fields of columns, that name files which have to be there."""
    if pictures.roots is None:
        return ("image_path",)
    names = ("image_path", "reference_path")
    sources = [source for source in ("source_a", "source_b") if source in pictures.rows.column_names]
    return (*names, *(f"{source}.{name}" for source in sources for name in names))
