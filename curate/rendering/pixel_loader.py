"""The pixels that a manifest row promises: stored, rendered from a reference, or mixed anew from two other images."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...distortions.registry.carried_types import CarriedTypes
from ..datasets.image_notes import note_images
from ..errors import CurateError, RowError
from ..manifest.roots import Roots
from ..runs.progress import SILENT, Reporter
from ..storage.images import DecodeOptions, UnreadableImageError, decode_image
from ..storage.pixel_store import absence, stored_pixels
from ..storage.recent_cache import RecentCache
from .mix_recipes import MixRow, PixelRow
from .pasting import common_size, crop_middle, paste
from .render import Recipe, render_recipe

# 81 references of KADID-10k take 48 MB; decoding one costs about as much as a typical distortion of it.
REFERENCE_CACHE_BYTES = 128 << 20
NOTHING_TO_RENDER_FROM = "no stored pixels, and no reference, distortion and level (or chain) to render them from"


class PixelLoader:
    """Finds or makes the pixels of rows, from any thread, and in processes that it is pickled or forked into.

    Every part of the toolkit that needs a row's pixels asks it, so that all see the same ones.

    Attributes:
        roots: Where images and references lie.
        decoding: Pixel limit of every image; the EXIF orientation and color profiles are those of references alone. It
            also says which weights type 15 is rendered with.
    """

    def __init__(
        self,
        roots: Roots,
        *,
        decoding: DecodeOptions | None = None,
        cache_bytes: int = REFERENCE_CACHE_BYTES,
    ) -> None:
        """Say where files lie.

        Args:
            roots: Where images and references lie.
            decoding: How files are read.
            cache_bytes: Memory for decoded references, in each process; 0 keeps none.
        """
        self.roots = roots
        self.decoding = decoding or DecodeOptions()
        self._user_types = CarriedTypes()
        self._references = RecentCache(cache_bytes, _bytes_of, keep_last=False)

    def load(self, row: PixelRow) -> NDArray[np.uint8]:
        """Return a row's pixels: uint8 (H, W, 3) RGB, the same whether they were stored or not.

        Raises:
            RowError: They cannot be had.
            CurateError: Where its files lie is not known.
        """
        stored = self.load_stored(row)
        return self.make(row) if stored is None else stored

    def load_stored(self, row: PixelRow) -> NDArray[np.uint8] | None:
        """Return a row's stored pixels, uint8 (H, W, 3) RGB; None where they have to be made.

        Raises:
            RowError: They cannot be decoded, or there are neither pixels nor a seed to make them with.
            CurateError: Where they lie is not known, and there is no seed either.
        """
        content = self.find(row)
        # What is stored is shown as it is: EXIF orientation and color profile are options of references.
        return None if content is None else decode_image(content, max_pixels=self.decoding.max_pixels)

    def find(self, row: PixelRow) -> Path | bytes | None:
        """Return a row's image file, or the bytes of one in an archive; None where its pixels have to be made.

        Raises:
            RowError: There are neither pixels nor a seed to make them with, or the archive is damaged.
            CurateError: Where they lie is not known, and there is no seed either.
        """
        if row.seed is not None and not self.roots.has_folder(row.image_root):
            return None
        place = self._resolve(row.image_root, row.image_path)
        found = stored_pixels(place)
        if found is None and row.seed is None:
            raise absence(place)
        return found

    def make(self, row: PixelRow) -> NDArray[np.uint8]:
        """Make a row's pixels anew, whether or not they are stored: uint8 (H, W, 3) RGB.

        A distorted image is rendered from its reference and seeds. A mix is pasted together from its two sources,
        whose pixels are found or made as `load` does.

        Raises:
            RowError: They cannot be made.
            CurateError: Where the files lie that they are made from is not known.
        """
        if isinstance(row, MixRow):
            return self._mix(row)
        return render_recipe(self.load_reference(row), row, denoiser=self.decoding.denoiser)

    def load_reference(self, recipe: Recipe) -> NDArray[np.uint8]:
        """Return the decoded reference of a row, uint8 (H, W, 3) RGB; it may be shared: do not write to it.

        Raises:
            RowError: The row names no reference or does not say what is done to it, or the reference cannot be decoded.
            CurateError: Where it lies is not known, or how it is read.
        """
        self.roots.require_metadata()
        if not recipe.is_complete:
            raise RowError(NOTHING_TO_RENDER_FROM)
        path = self._resolve(recipe.reference_root, recipe.reference_path)
        try:
            return self._references.get(path, lambda: self.decoding.decode(path))
        except UnreadableImageError as error:
            raise error.about(f"reference {recipe.reference_path}") from error

    def unreachable(self, row: PixelRow) -> tuple[str | None, str] | None:
        """Return (root, path) of a file that a row cannot do without and that cannot be had; None if it has all.

        A file cannot be had if its root has no folder, and a reference neither if the manifest has lost its metadata.

        No pixel is read. That a file is missing in a known folder does not make it unreachable, nor that a row names no
        root at all: both are problems of the row.
        """
        if row.seed is None:
            known = row.image_root is None or self.roots.has_folder(row.image_root)
            return None if known else (row.image_root, row.image_path)
        if isinstance(row, MixRow):
            needed = next(filter(None, map(self.unreachable, (row.a, row.b))), None)
        elif None in (row.reference_path, row.reference_root) or self._can_decode(row.reference_root):
            needed = None
        else:
            needed = row.reference_root, row.reference_path
        return None if needed is None or self.is_stored(row) else needed

    def files_of(self, row: PixelRow) -> Iterator[tuple[Path, bool]]:
        """Give the image files that a row's pixels are read from, and of each whether it is a reference.

        Pixels in an archive have no file of their own, and those of an unknown root none that is known.
        """
        if self.is_stored(row):
            path = self.roots.resolve(row.image_root, row.image_path) if row.image_root is not None else None
            if path is not None and path.is_file():
                yield path, False
        elif isinstance(row, MixRow):
            yield from self.files_of(row.a)
            yield from self.files_of(row.b)
        elif row.reference_path is not None and self.roots.has_folder(row.reference_root):
            yield self.roots.resolve(row.reference_root, row.reference_path), True

    def note_images(
        self, rows: Iterable[PixelRow], *, workers: int | None = None, reporter: Reporter = SILENT
    ) -> dict[str, int]:
        """Count what reading the rows' files passed over, as `datasets.image_notes` does."""
        files: dict[bool, set[Path]] = {False: set(), True: set()}
        for row in rows:
            for path, is_reference in self.files_of(row):
                files[is_reference].add(path)
        return note_images(
            sorted(files[True]),
            icc=self.decoding.icc,
            as_stored=sorted(files[False]),
            workers=workers,
            reporter=reporter,
        )

    def require_roots(self, rows: Iterable[PixelRow]) -> None:
        """Refuse rows whose files lie nobody knows where, or are read nobody knows how, before any pixel is read.

        Raises:
            CurateError: It names the root and says how to give its folder, or how to give back lost metadata.
        """
        for row in rows:
            needed = self.unreachable(row)
            if needed is not None:
                self.roots.resolve(*needed)
                self.roots.require_metadata()

    def is_stored(self, row: PixelRow) -> bool:
        """Tell whether a row has stored pixels, good or bad, so that they need not be made."""
        try:
            return self.roots.has_folder(row.image_root) and self.find(row) is not None
        except RowError:
            return True  # in a damaged archive, which is for the row to say

    def _can_decode(self, root: str | None) -> bool:
        return self.roots.has_folder(root) and not self.roots.metadata_lost

    def _resolve(self, root: str | None, path: str) -> Path:
        if root is None:
            raise RowError(f"the row names no root for {path!r}")
        return self.roots.resolve(root, path)

    def _mix(self, row: MixRow) -> NDArray[np.uint8]:
        if row.box is None:
            raise RowError(f"the mix {row.sample_id} has no box: it could not be made in the first place")
        a, b = (self._load_source(source) for source in (row.a, row.b))
        height, width = common_size(a, b)
        return paste(crop_middle(a, height, width), crop_middle(b, height, width), row.box.region(height, width))

    def _load_source(self, source: Recipe) -> NDArray[np.uint8]:
        try:
            return self.load(source)
        except RowError as error:
            raise error.about(f"source {source.sample_id}") from error


@contextmanager
def naming_row(row: PixelRow) -> Iterator[None]:
    """Make a problem of one row end the request, with the row's name: for those who can leave no row out.

    Raises:
        CurateError: The block met a `RowError` or a `CurateError`; the message names the row and the reason.
    """
    try:
        yield
    except (RowError, CurateError) as error:
        raise CurateError(f"{row.sample_id!r} ({row.image_path}): {error}") from error


def _bytes_of(array: NDArray[np.uint8]) -> int:
    return array.nbytes
