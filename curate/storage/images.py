"""The one decoder and the one encoder that every stage uses."""

import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ...distortions.numerics.denoising.weights import shipped_digests
from ..errors import CurateError, RowError
from .decoding.color_profiles import UnusableProfileError, is_srgb, to_srgb
from .decoding.open_picture import HEAD_BYTES, not_an_image, open_picture
from .decoding.torn_files import torn_file_problem
from .decoding.torn_jpeg import lacks_end_marker, with_end_marker
from .decoding.wide_pixels import UndefinedRangeError, load_wide_color, rawmode_of, wide_gray
from .formats import COLOR_PROFILES, ColorProfiles, ImageFormat
from .limits import MAX_PIXELS
from .paths.regular_files import regular_file

# How PNG files are written: runs only, zlib level 1, every row as differences from the pixel to the left. docs/scale.md
# has the settings that were measured. Pixels are the same at every one; a run that is resumed must not mix two.
PNG_ENCODING = "rle"

# What Pillow's format plugins raise on damaged files, besides OSError: found by feeding them some.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
_ORIENTATION = 0x0112
_TURNED_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
_TAIL = 64
_JPEG_START = b"\xff\xd8"


class UnreadableImageError(RowError):
    """An image file cannot be used; the message is the reason that goes into its row."""

    status = "unreadable"


@dataclass(frozen=True)
class DecodeOptions:
    """How image files are read.

    Attributes:
        exif_orient: Turn a picture as its EXIF orientation says. KADID-10k has none; off by default so that pixels
            never depend on a tag.
        icc: What becomes of an ICC profile other than sRGB: `ignore` it, or `convert` the pixels to sRGB. Ignored by
            default, as the published numbers were made.
        max_pixels: Images with more pixels are refused.
        denoiser: Digest of the weights that type 15 (denoise) is rendered with from what is read; None: the newest. It
            is here because it goes wherever the other facts go that a manifest records of its rows' pixels.
    """

    exif_orient: bool = False
    icc: ColorProfiles = "ignore"
    max_pixels: int = MAX_PIXELS
    denoiser: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is not known here.

        Raises:
            CurateError: `icc` is something else, as a newer release may have recorded it, or `denoiser` names weights
                that this release does not have.
        """
        if self.icc not in COLOR_PROFILES:
            raise CurateError(f"icc {self.icc!r}: expected {' or '.join(COLOR_PROFILES)}")
        if self.denoiser is not None and self.denoiser not in shipped_digests():
            raise CurateError(
                f"denoiser {self.denoiser!r}: expected the SHA-256 of weights that this release has, "
                f"{' or '.join(shipped_digests())}; leave it away for the newest"
            )

    def decode(self, source: Path | bytes) -> NDArray[np.uint8]:
        """Decode an image as `decode_image` does, with these options."""
        return decode_image(source, exif_orient=self.exif_orient, icc=self.icc, max_pixels=self.max_pixels)


@dataclass(frozen=True)
class ImageFacts:
    """Facts about an image that is read, for notes to the user.

    Attributes:
        profile_ignored: It has an ICC profile other than sRGB, or one that cannot be used, and is read without it.
        lacks_end_marker: It is a JPEG without its end marker.
    """

    profile_ignored: bool = False
    lacks_end_marker: bool = False


def decode_image(
    source: Path | bytes,
    *,
    exif_orient: bool = False,
    icc: ColorProfiles = "ignore",
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.uint8]:
    """Decode an image to 8-bit RGB.

    Gray and palette images are expanded, transparency is dropped, 12 and 16 bits a channel are rounded to 8. Without a
    profile that is obeyed, CMYK is converted by Pillow's plain formula. An animation is refused: which frame was meant
    is not known. Of a multi-picture JPEG, as phones write, the first is taken. A file with a hole in it is refused as
    far as its format shows (docs/torn-files.md).

    Args:
        source: A file, or a file's content.
        exif_orient: Turn the picture as its EXIF orientation says. KADID-10k has none; off by default so that
            pixels never depend on a tag.
        icc: `convert` turns pixels with an ICC profile other than sRGB into sRGB and refuses a profile that cannot be
            used; `ignore` takes them as they are.
        max_pixels: Refuse images with more pixels than this, before decoding them.

    Returns:
        uint8 array (H, W, 3), R G B.

    Raises:
        UnreadableImageError: With the reason in one line.
    """
    if max_pixels > (Image.MAX_IMAGE_PIXELS or max_pixels):
        # Pillow's own guard would refuse what the caller has just allowed.
        Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        with _refusing_torn_files(), _reading(source) as file:
            return _decode(file, exif_orient, icc, max_pixels)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError(not_an_image(_head_of(source))) from error
    except OSError as error:
        # Only of a JPEG is the whole content read again, which is nothing for a file of many gigabytes.
        mended = with_end_marker(_content_of(source)) if _head_of(source).startswith(_JPEG_START) else None
        if mended is not None:
            return decode_image(mended, exif_orient=exif_orient, icc=icc, max_pixels=max_pixels)
        raise UnreadableImageError(_reason(error)) from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(f"{_reason(error)} (allow it with --max-pixels)") from error
    except DAMAGE as error:
        raise UnreadableImageError(_reason(error)) from error


def image_size(source: Path | bytes) -> tuple[int, int] | None:
    """Return (height, width) from an image file's header, None where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with _reading(source) as file, open_picture(file) as image:
                return image.height, image.width
    except (OSError, Image.DecompressionBombError, *DAMAGE):
        return None


def image_facts(path: Path, *, icc: ColorProfiles = "ignore") -> ImageFacts:
    """Read from an image file what decoding ignores, without decoding it; nothing for a file that is no image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with regular_file(path) as file, open_picture(file) as image:
                profile: bytes | None = image.info.get("icc_profile") or None
                ignored = icc == "ignore" and profile is not None and not is_srgb(profile)
                return ImageFacts(ignored, image.format in ("JPEG", "MPO") and _lacks_end_marker(file))
    except (OSError, Image.DecompressionBombError, *DAMAGE):
        return ImageFacts()


def image_problem(source: Path | bytes, *, max_pixels: int = MAX_PIXELS) -> str | None:
    """Say why an image cannot be used as far as its header shows, None if it looks fine; pixels are not decoded."""
    try:
        with _reading(source) as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        return error.strerror or str(error)
    if not head:
        return "the file is empty"
    size = image_size(source)
    if size is None:
        return not_an_image(head)
    if size[0] * size[1] > max_pixels:
        return f"{size[1]}x{size[0]} is more than {max_pixels} pixels (allow it with --max-pixels)"
    return None


def encode_image(image: NDArray[np.uint8], image_format: ImageFormat = "png") -> bytes:
    """Encode an image without loss.

    Args:
        image: uint8 array (H, W, 3), R G B.
        image_format: `png`, `bmp` or (lossless) `webp`.

    Returns:
        The file's content; the same pixels give the same bytes.

    Raises:
        RowError: The format cannot hold the image, as WebP none of more than 16,383 pixels a side.
    """
    import cv2

    parameters = {
        # Without a level, OpenCV takes level 1 and the filter SUB; with one it lets libpng try all filters on each row.
        "png": [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE],
        "bmp": [],
        "webp": [cv2.IMWRITE_WEBP_QUALITY, 101],  # OpenCV: above 100 means lossless
    }[image_format]
    try:
        done, content = cv2.imencode(f".{image_format}", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), parameters)
    except cv2.error:
        done = False
    if not done:
        raise RowError(f"OpenCV cannot encode an image of shape {image.shape} as {image_format}")
    return content.tobytes()


@contextmanager
def _refusing_torn_files() -> Iterator[None]:
    """Have Pillow refuse torn files, although another library set it to fill them up with gray (pyiqa does on import).

    The switch is one for the whole process: it is as it was when the last of the threads that decode has ended.
    """
    if not (ImageFile.LOAD_TRUNCATED_IMAGES or _torn_files.refusals):
        yield
        return
    with _torn_files.lock:
        _torn_files.refusals += 1
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        with _torn_files.lock:
            # In this order: a caller without the lock sees one of the two.
            ImageFile.LOAD_TRUNCATED_IMAGES = _torn_files.refusals == 1
            _torn_files.refusals -= 1


class _TornFiles:
    def __init__(self) -> None:
        self.lock, self.refusals = threading.Lock(), 0


_torn_files = _TornFiles()


def _decode(file: BinaryIO, exif_orient: bool, icc: ColorProfiles, max_pixels: int) -> NDArray[np.uint8]:
    if file.seek(0, os.SEEK_END) == 0:
        raise UnreadableImageError("the file is empty")
    file.seek(0)
    with open_picture(file) as image:
        if image.width * image.height > max_pixels:
            raise UnreadableImageError(
                f"{image.width}x{image.height} is more than {max_pixels} pixels (allow it with --max-pixels)"
            )
        frames = getattr(image, "n_frames", 1)
        # A phone's JPEG often carries a preview or gain map behind the picture (MPO): the picture is the first.
        if frames > 1 and image.format != "MPO":
            raise UnreadableImageError(f"an animation or stack of {frames} frames")
        upright = ImageOps.exif_transpose if exif_orient else _as_stored
        narrow = _narrow(image, file, upright)
        profile = image.info.get("icc_profile")
        problem = torn_file_problem(image, lambda: _content(file))
        if problem is not None:
            raise UnreadableImageError(problem)
        if profile and icc == "convert":
            try:
                narrow = to_srgb(narrow, profile)
            except UnusableProfileError as error:
                raise UnreadableImageError(f"{error} (--icc ignore reads the image without it)") from error
        if isinstance(narrow.info.get("transparency"), bytes):
            narrow = narrow.convert("RGBA")  # Pillow warns of a palette with alpha on its way to RGB
        return np.array(narrow.convert("RGB"), dtype=np.uint8)


def _narrow(image: Image.Image, file: BinaryIO, upright: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Load an image, turn it, and round its channels to 8 bits."""
    rawmode = rawmode_of(image)

    def load_again(change: Callable[[Image.Image], None]) -> Image.Image:
        with open_picture(io.BytesIO(_content(file))) as other:
            change(other)
            return upright(other)

    loaded = upright(image)
    try:
        gray = wide_gray(loaded, rawmode, image.format)
        if gray is not None:
            return Image.fromarray(gray)
        return load_wide_color(loaded, rawmode, load_again) or loaded
    except UndefinedRangeError as error:
        raise UnreadableImageError(str(error)) from error


def _reading(source: Path | bytes) -> AbstractContextManager[BinaryIO]:
    return io.BytesIO(source) if isinstance(source, bytes) else regular_file(Path(source))


def _head_of(source: Path | bytes) -> bytes:
    return _content_of(source, HEAD_BYTES)


def _content_of(source: Path | bytes, most: int = -1) -> bytes:
    try:
        with _reading(source) as file:
            return file.read(most)
    except OSError:
        return b""  # which is what the reader has said already


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()


def _lacks_end_marker(file: BinaryIO) -> bool:
    file.seek(-min(_TAIL, file.seek(0, os.SEEK_END)), os.SEEK_END)
    return b"\xff\xd9" not in file.read() and lacks_end_marker(_content(file))


def _as_stored(image: Image.Image) -> Image.Image:
    # Pillow turns a TIFF as its tag says while it loads, asked or not, and then forgets the tag.
    orientation = image.getexif().get(_ORIENTATION)
    image.load()
    if image.format != "TIFF" or orientation not in _TURNED_BACK or _ORIENTATION in image.getexif():
        return image
    return image.transpose(_TURNED_BACK[orientation])


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__
