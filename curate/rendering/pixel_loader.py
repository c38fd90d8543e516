"""The pixels that a manifest row promises: stored, or rendered from a reference that is decoded once for many rows."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError, RowError
from ..manifest.roots import Roots
from ..storage.images import MAX_PIXELS, UnreadableImageError, decode_image
from ..storage.pixel_store import absence, stored_pixels
from .render import NOTHING_TO_RENDER_FROM, Recipe, render

# 81 references of KADID-10k take 48 MB; decoding one costs about as much as a typical distortion of it.
REFERENCE_CACHE_BYTES = 128 << 20


class RowPixels:
    """Finds or makes the pixels of rows, from any thread, and in processes that it is pickled or forked into."""

    def __init__(
        self,
        roots: Roots,
        *,
        exif_orient: bool = False,
        max_pixels: int = MAX_PIXELS,
        cache_bytes: int = REFERENCE_CACHE_BYTES,
    ) -> None:
        """Say where files lie.

        Args:
            roots: Where images and references are.
            exif_orient: Whether references are turned as their EXIF orientation says.
            max_pixels: Images with more pixels are refused.
            cache_bytes: Memory for decoded references, in each process.
        """
        self.roots = roots
        self._exif_orient, self._max_pixels = exif_orient, max_pixels
        self._references = _Recent(cache_bytes)

    def load(self, recipe: Recipe) -> NDArray[np.uint8]:
        """Return a row's pixels: uint8 (H, W, 3) RGB, the same bytes whether they were stored or not.

        Raises:
            CurateError: They cannot be had; the message names the row and the reason.
        """
        content = self.stored(recipe)
        if content is None:
            return self.render(recipe)
        try:
            return decode_image(content, max_pixels=self._max_pixels)
        except UnreadableImageError as error:
            raise CurateError(f"{recipe.sample_id!r} ({recipe.image_path}): {error}") from error

    def stored(self, recipe: Recipe) -> Path | bytes | None:
        """Return a row's image file, or the bytes of one in an archive; None where it has to be rendered.

        Raises:
            CurateError: There is none, and no recipe either; the message names the row and the reason.
        """
        try:
            if self.roots.has_folder(recipe.image_root):
                place = self.roots.resolve(recipe.image_root, recipe.image_path)
                found = stored_pixels(place)
                if found is None and recipe.seed is None:
                    raise absence(place)
                return found
            if recipe.seed is None:
                self.roots.resolve(recipe.image_root, recipe.image_path)
        except (RowError, CurateError) as error:
            raise CurateError(f"{recipe.sample_id!r} ({recipe.image_path}): {error}") from error
        return None

    def render(self, recipe: Recipe) -> NDArray[np.uint8]:
        """Render a row from its reference and seed.

        Raises:
            CurateError: It cannot be rendered; the message names the row and the reason.
        """
        try:
            if recipe.reference_path is None or recipe.distortion_id is None or recipe.level is None:
                raise CurateError(NOTHING_TO_RENDER_FROM)
            path = self.roots.resolve(recipe.reference_root, recipe.reference_path)
            reference = self._references.get(path, lambda: self._decode_reference(path))
            return render(reference, recipe.distortion_id, recipe.level, recipe.seed)
        except (RowError, CurateError) as error:
            raise CurateError(f"{recipe.sample_id!r} cannot be rendered: {error}") from error

    def _decode_reference(self, path: Path) -> NDArray[np.uint8]:
        try:
            return decode_image(path, exif_orient=self._exif_orient, max_pixels=self._max_pixels)
        except UnreadableImageError as error:
            raise UnreadableImageError(f"reference {path.name}: {error}") from error


class _Recent:
    """The arrays used last, up to a number of bytes; a copy in another process starts empty."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._start_empty()

    def __getstate__(self) -> dict[str, Any]:
        return {"_limit": self._limit}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["_limit"])  # type: ignore[misc]

    def get(self, key: Path, load: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        if self._process != os.getpid():
            self._start_empty()  # a lock that was held at the fork stays locked in the child for ever
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
                return self._arrays[key]
        array = load()
        with self._lock:
            self._arrays[key] = array
            while self._arrays and sum(kept.nbytes for kept in self._arrays.values()) > self._limit:
                self._arrays.popitem(last=False)
        return array

    def _start_empty(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._arrays: OrderedDict[Path, NDArray[np.uint8]] = OrderedDict()
