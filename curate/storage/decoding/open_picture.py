"""Image files are opened here: regular files alone, and by decoders of one list.

Pillow chooses a decoder by content, whatever the file is called, and knows some that are programs of their own: it
would hand a `holiday.png` with PostScript inside to Ghostscript.
"""

import contextlib
import errno
import functools
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import Image

# Pillow's names. Its JPEG decoder gives MPO too, its PPM decoder all of PNM.
FORMATS = ("PNG", "JPEG", "JPEG2000", "TIFF", "WEBP", "BMP", "GIF", "PPM", "TGA", "AVIF")
HEIF = "HEIF"  # with the extra `heif`
FORMATS_READ = "PNG, JPEG, JPEG 2000, TIFF, WebP, BMP, GIF, PNM, TGA, AVIF"
HEAD_BYTES = 32
_BRANDS = slice(8, 12)
_OTHERS = {
    b"%!PS": "PostScript (EPS)",
    b"\xc5\xd0\xd3\xc6": "PostScript (EPS)",
    b"%PDF": "PDF",
    b"8BPS": "Photoshop (PSD)",
    b"SIMPLE  =": "FITS",
    b"<svg": "SVG",
    b"<?xml": "XML, perhaps SVG",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "gzip",
    b"\x00\x00\x01\x00": "an icon (ICO)",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"\xd7\xcd\xc6\x9a": "a Windows metafile (WMF)",
    b"version https://git-lfs": "a Git LFS pointer: the picture itself was not fetched",
}
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_picture(file: BinaryIO) -> Image.Image:
    """Open an image with the decoders of `FORMATS`, and no other; its pixels are not decoded yet.

    Args:
        file: Its content, to be read from any place.

    Raises:
        OSError: It is in none of these formats; whatever else a format's decoder raises on damaged files.
    """
    return Image.open(file, formats=_available())


@contextmanager
def regular_file(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file. What is none is refused without waiting for it: a FIFO that nobody writes to has no end.

    Args:
        path: The file, or a link to it.

    Raises:
        OSError: It cannot be opened, or is a folder, a FIFO, a socket or a device.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), None)
        if kind is not None:
            raise OSError(errno.EINVAL, f"{kind}, expected a regular file", str(path))
        file = os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    with file:
        yield file


def not_an_image(head: bytes) -> str:
    """Say why a file is no image that is read here.

    Args:
        head: Its first `HEAD_BYTES` bytes.
    """
    kind = next((name for start, name in _OTHERS.items() if head.lstrip().startswith(start)), None)
    if head[4:8] == b"ftyp":
        brand = head[_BRANDS]
        if brand in _HEIF_BRANDS:
            kind = "HEIC, which needs the extra `heif`"
        elif brand in (b"avif", b"avis"):
            kind = "AVIF, which this Pillow was built without"
        else:
            kind = "a video"
    seems = "" if kind is None else f" (it is {kind})"
    return f"not an image in a format that is read here: {FORMATS_READ}{seems}"


@functools.cache
def _available() -> tuple[str, ...]:
    Image.init()  # registers the decoders of every format that this Pillow has
    with contextlib.suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    return tuple(name for name in (*FORMATS, HEIF) if name in Image.OPEN)
