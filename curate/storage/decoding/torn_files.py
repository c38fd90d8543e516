"""Files that Pillow decodes though a part of them is missing: what each format shows."""

import zlib
from collections.abc import Callable, Mapping

from PIL import Image

from .torn_jpeg import jpeg_problem
from .zero_runs import hole, zero_runs

_MISSING_END = "the file is torn: it ends before its last part ({}); get the file again"
_BAD_STRIP = "the file is torn: its strip at byte {} does not match its checksum; get the file again"
_LONGEST_GIF_PALETTE = 3 * 256
_GIF_EXTENSION, _GIF_IMAGE, _GIF_END = 0x21, 0x2C, 0x3B
_STRIP_OFFSETS, _STRIP_BYTES, _TILE_OFFSETS, _TILE_BYTES = 273, 279, 324, 325
_COMPRESSION, _JPEG_TABLES = 259, 347
_LZW, _JPEG_STRIPS, _DEFLATE, _OLD_DEFLATE, _PACK_BITS = 5, 7, 8, 32946, 32773


def torn_file_problem(image: Image.Image, read: Callable[[], bytes]) -> str | None:
    """Say why a file that could be decoded is incomplete; None where it is whole as far as its format shows.

    Bytes after a format's end marker don't count. In BMP, uncompressed TIFF and other raw pixels a hole looks like
    black; lossless WebP and formats that are not named here are not looked at.

    Args:
        image: The image, opened by Pillow.
        read: Gives the file's content.

    Returns:
        The reason in one line.
    """
    if image.format in ("JPEG", "MPO"):
        return jpeg_problem(read())
    if image.format == "PNG":
        return _png_problem(read())
    if image.format == "GIF":
        return _gif_problem(read())
    if image.format == "WEBP":
        return _webp_problem(read())
    tags = getattr(image, "tag_v2", None)
    if image.format == "TIFF" and tags is not None:
        return _tiff_problem(read(), tags)
    return None


def _png_problem(content: bytes) -> str | None:
    """Compare every chunk with its checksum: Pillow skips those of the pixels."""
    view = memoryview(content)
    at = 8
    while at + 12 <= len(content):
        size = int.from_bytes(view[at : at + 4], "big")
        kind = bytes(view[at + 4 : at + 8])
        end = at + 8 + size
        if end + 4 > len(content):
            break
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            name = kind.decode("ascii", "backslashreplace")
            return f"the file is torn: its chunk {name} at byte {at:,} does not match its checksum; get the file again"
        if kind == b"IEND":
            return None
        at = end + 4
    return _MISSING_END.format("no IEND chunk")


def _gif_problem(content: bytes) -> str | None:
    """Look for holes before the end mark.

    Image data come in blocks of at most 255 bytes, each after its length, which is not zero: only a palette, of 768
    bytes at most, can hold more, with the few bytes of the descriptor before it.
    """
    end = _end_of_gif(content)
    for start, stop in zero_runs(content, 0, end):
        if stop - start > _LONGEST_GIF_PALETTE + 10:
            return hole(start, stop)
    return None


def _end_of_gif(content: bytes) -> int:
    """Return where the blocks of a GIF end: at its end mark, or where no block begins."""
    at = 13 + _palette_bytes(content[10])
    while at < len(content):
        kind = content[at]
        if kind == _GIF_EXTENSION:
            at += 2
        elif kind == _GIF_IMAGE and at + 9 < len(content):
            at += 10 + _palette_bytes(content[at + 9]) + 1
        elif kind == _GIF_END:
            return at
        else:
            return len(content)
        while at < len(content) and content[at]:
            at += 1 + content[at]
        at += 1
    return len(content)


def _palette_bytes(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _webp_problem(content: bytes) -> str | None:
    """Look for holes in the pixels' chunk of a lossy file.

    Its arithmetic coder gives likely decisions less than a bit each: 512 zero bytes are 4,096 bits of decisions that
    all fell one way, and probabilities that never learned it. Lossless files have such runs in flat areas.
    """
    at = 12
    while at + 8 <= len(content):
        kind, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        if kind == b"VP8 ":
            for start, stop in zero_runs(content, at + 8, at + 8 + size):
                return hole(start, stop)
        at += 8 + size + size % 2
    return None


def _tiff_problem(content: bytes, tags: Mapping[int, object]) -> str | None:
    """Look for holes in compressed strips and tiles.

    A zero code of LZW stands for one zero byte. When two have been read the pair has a code of its own, which an
    encoder then takes: no third follows. PackBits writes equal bytes as a count and the byte, and unequal ones in
    blocks of at most 128. Deflate has a checksum, which Pillow passes over; JPEG has its own rule.
    """
    compression = tags.get(_COMPRESSION)
    if compression not in (_LZW, _JPEG_STRIPS, _DEFLATE, _OLD_DEFLATE, _PACK_BITS):
        return None
    for offset, size in zip(
        _numbers(tags, _STRIP_OFFSETS) + _numbers(tags, _TILE_OFFSETS),
        _numbers(tags, _STRIP_BYTES) + _numbers(tags, _TILE_BYTES),
        strict=False,
    ):
        strip = content[offset : offset + size]
        is_deflate = compression in (_DEFLATE, _OLD_DEFLATE)
        ends = _inflates(strip) if is_deflate else True
        if ends is None:
            return _BAD_STRIP.format(f"{offset:,}")
        found = next(zero_runs(content, offset, min(len(content), offset + size)), None)
        if found is None:
            continue
        if is_deflate:
            torn = not ends
        elif compression == _JPEG_STRIPS:
            tables = tags.get(_JPEG_TABLES)
            torn = jpeg_problem((tables[:-2] if isinstance(tables, bytes) else b"\xff\xd8") + strip[2:]) is not None
        else:
            torn = True
        if torn:
            return hole(*found)
    return None


def _inflates(strip: bytes) -> bool | None:
    """Return whether a Deflate stream comes to its end; None where its codes or its checksum are wrong."""
    reader = zlib.decompressobj()
    try:
        reader.decompress(strip)
    except zlib.error:
        return None
    return reader.eof


def _numbers(tags: Mapping[int, object], name: int) -> list[int]:
    value = tags.get(name, ())
    return [number for number in (value if isinstance(value, tuple) else (value,)) if isinstance(number, int)]
