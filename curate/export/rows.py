"""Which rows an export takes, and where their pixels come from."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CurateError
from ..manifest.ids import list_ids
from ..manifest.manifest import ok_rows, read_manifest
from ..manifest.pixel_facts import decoding_of
from ..manifest.provenance import read_provenance
from ..manifest.renderers.check import check_renderers
from ..manifest.renderers.user_types import refuse_absent_types
from ..manifest.roots import Roots
from ..manifest.split_names import SPLITS
from ..rendering.mix_recipes import MixRow, PixelRow, pixel_rows
from ..rendering.pixel_loader import PixelLoader, naming_row
from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..storage.formats import ImageFormat
from ..storage.images import DecodeOptions, encode_image, image_problem
from ..storage.limits import MAX_PIXELS
from .names import image_suffix
from .settings import ExportSettings

_RENDERED_FORMATS: dict[str, ImageFormat] = {".png": "png", ".bmp": "bmp", ".webp": "webp"}


@dataclass(frozen=True)
class ExportRows:
    """The rows of one export.

    Attributes:
        table: Ok rows of the splits asked for, in the manifest's order.
        provenance: Of the manifest.
        not_ok: Rows of the manifest left out because their status is not `ok`.
        pixels: Finds or makes their pixels.
    """

    table: pa.Table
    provenance: dict[str, Any]
    not_ok: int
    pixels: PixelLoader

    def fact_names(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return names of columns to write, with `chain` at the end if any row of the export is of several distortions.

        Args:
            names: Those that every export has.
        """
        has_chains = self.table["chain"].null_count < len(self.table)
        return (*names, "chain") if has_chains else tuple(names)

    def splits(self) -> list[tuple[str, pa.Table]]:
        """Return the rows by split, in the order train, val, test; a split without rows is left out."""
        parts = [(split, self.table.filter(pc.equal(self.table["split"], split))) for split in SPLITS]
        return [(split, part) for split, part in parts if len(part)]


@dataclass(frozen=True)
class ExportJob:
    """What an exporter writes, and how.

    An exporter writes one layout. It returns how many images were `copied`, `linked` and `rendered`, and raises a
    `CurateError` where pixels cannot be had or a file cannot be written.

    Attributes:
        rows: What to export.
        folder: An empty folder to write into.
        hardlink: Whether stored files are linked rather than copied, where the file system can.
        rows_per_shard: Rows in a tar; for layouts of tars.
        workers: Threads; None uses every core.
        reporter: Shows progress.
    """

    rows: ExportRows
    folder: Path
    hardlink: bool = ExportSettings.hardlink
    rows_per_shard: int = ExportSettings.rows_per_shard
    workers: int | None = None
    reporter: Reporter = SILENT


@dataclass(frozen=True)
class Supply:
    """Where the pixels of an export come from.

    Attributes:
        stored: Rows whose pixels are stored.
        rendered: Rows that have to be rendered.
        stored_bytes: Size of the stored files; those in archives are not counted.
    """

    stored: int
    rendered: int
    stored_bytes: int


def read_rows(
    manifest: Path,
    *,
    split: str | None = None,
    roots: Mapping[str, Path] | None = None,
    max_pixels: int = MAX_PIXELS,
    labeled: bool = False,
) -> ExportRows:
    """Read the rows that an export takes.

    Args:
        manifest: The file.
        split: Only rows of this split; None takes all.
        roots: Folders of roots that have moved.
        max_pixels: References with more pixels are refused.
        labeled: Whether every row must have a label.

    Raises:
        CurateError: The manifest cannot be read, or there is no such row.
    """
    if split is not None and split not in SPLITS:
        raise CurateError(f"--split {split!r}: expected {', '.join(SPLITS)}")
    table = read_manifest(manifest, training=labeled)
    usable = ok_rows(table)
    chosen = usable if split is None else usable.filter(pc.equal(usable["split"], split))
    if not len(chosen):
        of_split = "" if split is None else f" and split {split}"
        raise CurateError(
            f"{manifest} has no row with status ok{of_split}; `syndr-curate inspect` counts its rows by split and "
            "status"
        )
    provenance = read_provenance(table)
    places = Roots.of_manifest(table, manifest, roots)
    decoding = decoding_of(provenance, DecodeOptions(max_pixels=max_pixels), str(manifest))
    pixels = PixelLoader(places, decoding=decoding)
    return ExportRows(chosen, provenance, len(table) - len(usable), pixels)


def check_supply(rows: ExportRows, *, render: bool, follow_links: bool = False, workers: int | None = None) -> Supply:
    """Check, without reading a pixel, that all rows have pixels.

    Args:
        rows: The rows.
        render: Whether rows without stored pixels may be rendered.
        follow_links: Whether a stored file may be a link that leads out of its root.
        workers: Threads.

    Raises:
        CurateError: Pixels are missing and may not or cannot be rendered, or are outside their root; the message names
            the rows, or the users' types that are not registered here.
    """
    unstored: list[PixelRow] = []
    stored = size = 0
    roots = rows.pixels.roots
    for row, found in ordered_map(lambda r: (r, _stored_size(r, roots)), pixel_rows(rows.table), workers):
        if found is None:
            unstored.append(row)
        else:
            stored, size = stored + 1, size + found
    if not follow_links:
        _refuse_links_outside(rows, workers)
    lost = [row for row in unstored if not _can_be_made(row, roots)]
    if lost:
        named = {row.image_root for row in lost if row.image_root is not None}
        unknown = sorted(root for root in named if not roots.has_folder(root))
        hint = f"; the folder of root {unknown[0]!r} is not known: give --root {unknown[0]}=DIR" if unknown else ""
        names = list_ids([row.sample_id for row in lost])
        raise CurateError(f"{len(lost)} rows have neither stored pixels nor a recipe to render them: {names}{hint}")
    if unstored and not render:
        names = list_ids([row.sample_id for row in unstored])
        raise CurateError(f"{len(unstored)} rows have no stored pixels: {names}; give --render to render them")
    rows.pixels.require_roots(unstored)
    if unstored:
        made = rows.table.filter(pc.is_in(rows.table["sample_id"], pa.array([row.sample_id for row in unstored])))
        refuse_absent_types(made)
        check_renderers(made)
    return Supply(stored, len(unstored), size)


def suffix_of(row: PixelRow, roots: Roots) -> str:
    """Return the suffix of a row's exported file: that of its stored file, or of the format it is rendered to."""
    suffix = image_suffix(row.image_path)
    if suffix in _RENDERED_FORMATS or _stored_size(row, roots) is not None:
        return suffix
    return ".png"


def find_or_make(row: PixelRow, pixels: PixelLoader) -> tuple[Path | bytes, bool]:
    """Find a row's image file, or make it in the format that `suffix_of` names.

    Returns:
        The file, or the bytes of one; and whether it was made.

    Raises:
        CurateError: There are no pixels and none can be made, or they are no image; the message names the row.
    """
    with naming_row(row):
        stored = pixels.find(row)
        if stored is not None:
            problem = image_problem(stored, max_pixels=pixels.decoding.max_pixels)
            if problem is not None:
                raise CurateError(f"its stored file cannot be exported: {problem}")
            return stored, False
        return encode_image(pixels.make(row), _RENDERED_FORMATS.get(image_suffix(row.image_path), "png")), True


def _refuse_links_outside(rows: ExportRows, workers: int | None) -> None:
    """Refuse files that are not where their row says: a link may lead to anything on this machine."""
    folders = {name: os.path.realpath(folder) for name, folder in rows.pixels.roots.folders.items() if folder}

    def is_outside(row: PixelRow) -> bool:
        folder = folders.get(row.image_root or "")
        if folder is None:
            return False
        place = os.path.realpath(rows.pixels.roots.resolve(row.image_root, row.image_path))
        return os.path.commonpath([folder, place]) != folder

    found = ordered_map(lambda row: (row.sample_id, is_outside(row)), pixel_rows(rows.table), workers)
    outside = [identifier for identifier, is_out in found if is_out]
    if outside:
        raise CurateError(
            f"{len(outside)} stored files are links that lead out of their root: {list_ids(outside)}; give "
            "--follow-links to export what they lead to"
        )


def _stored_size(row: PixelRow, roots: Roots) -> int | None:
    if not roots.has_folder(row.image_root):
        return None
    place = roots.resolve(row.image_root, row.image_path)
    try:
        return os.stat(place).st_size
    except OSError:
        # Inside an archive, then: reading its index would cost as much as reading it.
        return 0 if any(parent.is_file() for parent in place.parents) else None


def _can_be_made(row: PixelRow, roots: Roots) -> bool:
    if isinstance(row, MixRow):
        at_hand = [_stored_size(s, roots) is not None or _can_be_made(s, roots) for s in (row.a, row.b)]
        return row.box is not None and all(at_hand)
    return row.is_complete and row.seed is not None and roots.has_folder(row.reference_root)
