"""How many files with a hole are still taken for whole, by format and size; and what looking for holes costs.

    python -m benchmarks.torn_files PHOTOGRAPHS...

Photographs are encoded with Pillow. Of each file copies are made in which some bytes are zeros, at places spread over
it.
Copies that show the same pixels as the whole file are not counted.
"""

import io
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from syndr_curate.curate.storage.decoding.torn_files import torn_file_problem
from syndr_curate.curate.storage.images import UnreadableImageError, decode_image

SIZES, HOLES = (64, 300, 4096), 12
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "JPEG 75": ("JPEG", {"quality": 75}),
    "JPEG 95 4:4:4": ("JPEG", {"quality": 95, "subsampling": 0}),
    "JPEG 75 optimized": ("JPEG", {"quality": 75, "optimize": True}),
    "JPEG 75 progressive": ("JPEG", {"quality": 75, "progressive": True}),
    "JPEG 95 progressive": ("JPEG", {"quality": 95, "progressive": True}),
    "JPEG 75 restart markers": ("JPEG", {"quality": 75, "restart_marker_blocks": 8}),
    "JPEG 2000, lossy": ("JPEG2000", {"quality_mode": "rates", "quality_layers": [8]}),
    "AVIF": ("AVIF", {"quality": 75}),
    "PNG": ("PNG", {}),
    "GIF": ("GIF", {}),
    "WebP lossy": ("WEBP", {"quality": 80}),
    "WebP lossless": ("WEBP", {"lossless": True}),
    "TIFF LZW": ("TIFF", {"compression": "tiff_lzw"}),
    "TIFF Deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF PackBits": ("TIFF", {"compression": "packbits"}),
    "TIFF uncompressed": ("TIFF", {}),
    "BMP": ("BMP", {}),
}


def main(paths: list[Path]) -> None:
    """Print a table of formats, and the time that decoding takes with and without the check."""
    pictures = [Image.open(path).convert("RGB") for path in paths]
    print("| format | hole, bytes | files with a hole | decoded by Pillow, wrong pixels | accepted |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, (kind, options) in FORMATS.items():
        files = [encoded(picture, kind, options) for picture in pictures]
        for size in SIZES:
            print(f"| {name} | {size:,} | {' | '.join(map(str, count(files, size)))} |", flush=True)
    measure_cost([encoded(picture, "JPEG", {"quality": 90}) for picture in (pictures * 100)[:100]])


def count(files: list[bytes], size: int) -> tuple[int, int, int]:
    """Count the copies with a hole of so many bytes, those that Pillow decodes, and those that the toolkit does."""
    holed, before, after = 0, 0, 0
    for content in files:
        whole = decode_image(content)
        for place in np.linspace(600, len(content) - size, HOLES).astype(int):
            torn = content[:place] + bytes(size) + content[place + size :]
            seen = pillow_alone(torn)
            if seen is not None and np.array_equal(seen, whole):
                continue
            holed += 1
            before += seen is not None
            after += is_accepted(torn)
    return holed, before, after


def measure_cost(files: list[bytes]) -> None:
    """Print how long JPEGs take to decode, and how much of that the check is."""
    check = decode = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        for content in files:
            decode_image(content)
        decode = min(decode, time.perf_counter() - started)
        opened = [(Image.open(io.BytesIO(content)), content) for content in files]
        started = time.perf_counter()
        for image, content in opened:
            torn_file_problem(image, io.BytesIO(content).read)
        check = min(check, time.perf_counter() - started)
    print(f"{len(files)} JPEGs: {1000 * decode:.0f} ms, {1000 * check:.2f} ms of them the check: {check / decode:.2%}")


def encoded(picture: Image.Image, kind: str, options: dict[str, Any]) -> bytes:
    """Return a picture's file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def is_accepted(content: bytes) -> bool:
    """Tell whether the toolkit decodes a file."""
    try:
        decode_image(content)
    except UnreadableImageError:
        return False
    return True


def pillow_alone(content: bytes) -> np.ndarray[Any, Any] | None:
    """Return the pixels that Pillow makes of a file, None where it refuses."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
    except Exception:
        return None


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main([Path(argument) for argument in sys.argv[1:]])
