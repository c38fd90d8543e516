"""Compression: what web sites and video make of a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import DistortionError
from ..numerics.codecs import decode, encode
from ..numerics.coded_image import CodedImage, of_codes
from ..numerics.compiled import compiled
from ..numerics.min_max import rounded_codes
from ..numerics.random_draws import checked

CHROMA_420 = 2  # Pillow's number for halving both color channels in both directions
MOST_ROUNDS = 3
ROUND_NUMBERS = 4  # format, quality, rows and columns of the shift
GRID = 8  # side of a block of JPEG
WEBP_SHARE = 0.4
QUALITY_SPREAD = 8  # of the rounds of one picture, in steps of quality
WEBP_LONGEST = 16383
WEBP_EFFORT = 2  # of 0 to 6: what it takes to code, and three times as long from 3 on


def web_recompression(image: CodedImage, quality: float, draws: NDArray[np.float64]) -> CodedImage:
    """Compress the picture one to three times by JPEG or WebP, each time on another grid of blocks (type 108).

    Args:
        image: The image.
        quality: Of both formats, 1 to 100: the mean of what the rounds draw, 4 above to 4 below.
        draws: 1 + 3 x 4 uniforms in [0, 1): the number of rounds; then of each round its format, its quality, and the
            rows and columns by which its grid is shifted.

    Returns:
        The compressed image.

    Source: JPEG, 4:2:0, tables of ITU-T T.81 annex K; WebP, a key frame of VP8 (RFC 6386, RFC 9649).
    """
    numbers = checked(draws, (1 + MOST_ROUNDS * ROUND_NUMBERS,), "web_recompression", "rounds, and four for each")
    codes = rounded_codes(image)
    rounds = 1 + int(numbers[0] * MOST_ROUNDS)
    for kind, offset, rows, columns in numbers[1:].reshape(MOST_ROUNDS, ROUND_NUMBERS)[:rounds].tolist():
        top, left = int(rows * GRID), int(columns * GRID)
        shifted = np.asarray(cv2.copyMakeBorder(codes, top, 0, left, 0, cv2.BORDER_REFLECT), np.uint8)
        drawn = round(min(max(quality + QUALITY_SPREAD * (offset - 0.5), 1.0), 100.0))
        content = _webp(shifted, drawn) if kind < WEBP_SHARE else _jpeg(shifted, drawn)
        codes = np.ascontiguousarray(decode(content)[top:, left:])
    return of_codes(codes)


def draw_web_recompression(_quality: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw 1 + 3 x 4 uniforms in [0, 1): rounds; format, quality, shift in rows, shift in columns of each."""
    return rng.random(1 + MOST_ROUNDS * ROUND_NUMBERS)


def chroma_subsampling(image: CodedImage, factor: float) -> NDArray[np.float64]:
    """Average both color differences over blocks and repeat the means, as hasty decoders do (type 109).

    Args:
        image: The image.
        factor: Side of a block in pixels, rounded: 2 is 4:2:0.

    Returns:
        The image, H x W x 3, float64.

    Source: Y, Cb and Cr of ITU-R BT.601 at full range (JFIF); the luma keeps its resolution.
    """
    out = image.dense()
    _repeat_mean_chroma(out, max(1, round(factor)))
    return out


def video_frame(image: CodedImage, quality: float) -> CodedImage:
    """Code the picture as a key frame of a video of low rate: predicted blocks and a deblocking filter (type 110).

    Args:
        image: The image.
        quality: Of the encoder, 1 to 100.

    Returns:
        The decoded frame.

    Source: VP8 (RFC 6386), 4:2:0 at studio range, by libwebp.
    """
    return of_codes(decode(_webp(rounded_codes(image), round(quality))))


def _jpeg(codes: NDArray[np.uint8], quality: int) -> bytes:
    return encode(codes, "JPEG", quality=quality, subsampling=CHROMA_420)


def _webp(codes: NDArray[np.uint8], quality: int) -> bytes:
    height, width = codes.shape[:2]
    if max(height, width) > WEBP_LONGEST:
        message = (
            f"WebP holds pictures of at most {WEBP_LONGEST} pixels a side, not {height} high x {width} wide: use a "
            "smaller image or another type"
        )
        raise DistortionError(message)
    return encode(codes, "WEBP", quality=quality, method=WEBP_EFFORT)


@compiled
def _repeat_mean_chroma(samples: NDArray[np.float64], side: int) -> None:
    height, width = samples.shape[0], samples.shape[1]
    for top in range(0, height, side):
        bottom = min(top + side, height)
        for left in range(0, width, side):
            right = min(left + side, width)
            # Red less luma and blue less luma are Cr and Cb but for a factor.
            red_mean, blue_mean = 0.0, 0.0
            for y in range(top, bottom):
                for x in range(left, right):
                    luma = 0.299 * samples[y, x, 0] + 0.587 * samples[y, x, 1] + 0.114 * samples[y, x, 2]
                    red_mean += samples[y, x, 0] - luma
                    blue_mean += samples[y, x, 2] - luma
            count = (bottom - top) * (right - left)
            red_mean /= count
            blue_mean /= count
            for y in range(top, bottom):
                for x in range(left, right):
                    luma = 0.299 * samples[y, x, 0] + 0.587 * samples[y, x, 1] + 0.114 * samples[y, x, 2]
                    green = luma - (0.299 * red_mean + 0.114 * blue_mean) / 0.587
                    samples[y, x, 0] = min(max(luma + red_mean, 0.0), 1.0)
                    samples[y, x, 1] = min(max(green, 0.0), 1.0)
                    samples[y, x, 2] = min(max(luma + blue_mean, 0.0), 1.0)
