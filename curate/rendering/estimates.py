"""What a rendering run will take, before it is begun: disk from image headers, time from a timed sample."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from ..errors import RowError
from ..manifest.roots import Roots
from ..storage.formats import ImageFormat
from ..storage.images import DecodeOptions, encode_image, image_size
from .pixel_loader import PixelLoader
from .render import Recipe, recipes_of

# Measured on a photograph under all types and levels: 1.47 bytes of PNG per pixel on average, 0.94 of WebP.
BYTES_PER_PIXEL: Mapping[ImageFormat, float] = {"png": 1.47, "webp": 0.94, "bmp": 3.0}
SIZES_SAMPLED = 64
ROWS_TIMED = 12


def estimate_bytes(sample: pa.Table, rows: int, roots: Roots, image_format: ImageFormat) -> int | None:
    """Estimate the disk that rendering will take.

    Args:
        sample: Some of the rows.
        rows: How many there are in all.
        roots: Where references lie.
        image_format: What pixels are stored as.

    Returns:
        Bytes; None where no reference of the sample can be read.
    """
    known = [height * width for height, width in _sizes(recipes_of(sample), roots)]
    if not known:
        return None
    return round(sum(known) / len(known) * BYTES_PER_PIXEL[image_format] * rows)


def estimate_seconds(
    sample: pa.Table, rows: int, roots: Roots, decoding: DecodeOptions, image_format: ImageFormat
) -> float | None:
    """Estimate the time that rendering takes on one worker, by rendering a few rows (writing is not timed).

    Returns:
        Seconds; None where none of the sample can be rendered.
    """
    recipes = [r for r in recipes_of(sample) if roots.has_folder(r.reference_root)][:ROWS_TIMED]
    pixels = PixelLoader(roots, decoding=decoding, cache_bytes=0)  # decoding is timed too
    spent = []
    for recipe in recipes:
        try:
            encode_image(pixels.make(recipe), image_format)  # compiled code is loaded at the first call of a type
            started = time.perf_counter()
            encode_image(pixels.make(recipe), image_format)
        except RowError:
            continue
        spent.append(time.perf_counter() - started)
    return sum(spent) / len(spent) * rows if spent else None


def _sizes(recipes: Iterable[Recipe], roots: Roots) -> list[tuple[int, int]]:
    found = [_size(roots, r.reference_root, r.reference_path) for r in recipes if roots.has_folder(r.reference_root)]
    return [size for size in found if size is not None]


def _size(roots: Roots, root: str, path: str) -> tuple[int, int] | None:
    return image_size(Path(roots.resolve(root, path)))
