"""The images of a target set: of a folder, of one image, or of a manifest; read or listed once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..datasets.image_folders import ImageSource, open_source
from ..datasets.image_notes import note_images
from ..datasets.image_search import NOTHING_SKIPPED, SkippedFiles
from ..datasets.settings import IdStyle
from ..manifest.manifest import ok_rows, read_manifest
from ..manifest.pixel_facts import decoding_of
from ..manifest.provenance import digest_file, read_provenance
from ..manifest.renderers.check import check_renderers
from ..manifest.roots import Roots
from ..rendering.mix_recipes import pixel_rows
from ..rendering.pixel_loader import PixelLoader
from ..runs.progress import Reporter
from ..storage.images import DecodeOptions

OK = "ok"


@dataclass(frozen=True)
class TargetImage:
    """One image of a target set.

    Attributes:
        id: Its id.
        path: Relative to its root.
        load: Gives its pixels.
        status: `ok`, or the status of a manifest row that has no pixels.
        error: Why it has none.
    """

    id: str
    path: str
    load: Callable[[], NDArray[np.uint8]]
    status: str = OK
    error: str | None = None


@dataclass(frozen=True)
class TargetSet:
    """A target set as it was found.

    Attributes:
        images: In the set's order.
        decoding: How they are read; of a manifest, as it says.
        digest: Of the manifest, or of the folder's paths and sizes.
        note: Counts what reading passed over, and notes it; takes the number of threads and a reporter.
        skipped: What was skipped when the folder was searched.
    """

    images: list[TargetImage]
    decoding: DecodeOptions
    digest: str
    note: Callable[[int | None, Reporter], dict[str, int]]
    skipped: SkippedFiles = NOTHING_SKIPPED


def open_target(
    target: Path,
    decoding: DecodeOptions,
    *,
    ids: IdStyle = "stem",
    follow_links: bool = False,
    roots: Mapping[str, Path] | None = None,
) -> TargetSet:
    """List the images of a folder, of one image, or of a manifest.

    Args:
        target: Folder, image, or manifest (`.parquet`). Its rows are identified by sample id. Rows that are not ok
            stay in the list with their reason; those without stored pixels are rendered when they are needed.
        decoding: EXIF orientation, color profiles, pixel limit.
        ids: How ids are made from file names.
        follow_links: Search linked folders that lead out of the target's folder.
        roots: Folders of a manifest's roots that have moved.

    Raises:
        CurateError: There is nothing to read, `decoding` contradicts the manifest, or the folder of files that its rows
            need is not known.
    """
    if target.suffix == ".parquet":
        return _of_manifest(target, decoding, roots)
    return _of_source(open_source(target, ids=ids, follow_links=follow_links), decoding)


def _of_source(source: ImageSource, decoding: DecodeOptions) -> TargetSet:
    files = [source.folder / entry.path for entry in source.entries]
    images = [
        TargetImage(entry.id, entry.path, partial(decoding.decode, file))
        for entry, file in zip(source.entries, files, strict=True)
    ]

    def note(workers: int | None, reporter: Reporter) -> dict[str, int]:
        return note_images(files, icc=decoding.icc, workers=workers, reporter=reporter)

    return TargetSet(images, decoding, source.digest(), note, source.skipped)


def _of_manifest(manifest: Path, decoding: DecodeOptions, roots: Mapping[str, Path] | None) -> TargetSet:
    table = read_manifest(manifest)
    decoding = decoding_of(read_provenance(table), decoding, str(manifest))
    check_renderers(table)
    pixels = PixelLoader(Roots.of_manifest(table, manifest, roots), decoding=decoding)
    usable = list(pixel_rows(ok_rows(table)))
    pixels.require_roots(usable)
    states = zip(table["status"].to_pylist(), table["error"].to_pylist(), strict=True)
    images = [
        TargetImage(row.sample_id, row.image_path, partial(pixels.load, row), status, error)
        for row, (status, error) in zip(pixel_rows(table), states, strict=True)
    ]

    def note(workers: int | None, reporter: Reporter) -> dict[str, int]:
        return pixels.note_images(usable, workers=workers, reporter=reporter)

    return TargetSet(images, decoding, digest_file(manifest), note)
