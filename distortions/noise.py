"""Noise: white, white in YCbCr, impulses, multiplicative, and white noise denoised again.

Every function turns its draws into the noisy image in place: a second array of that size would cost more than the
arithmetic. ``distort`` hands them a copy where the caller owns the draws.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .numerics.coded_image import CodedImage
from .numerics.compiled import MatrixRow, MatrixRows, compiled, rows
from .numerics.random_draws import checked, standard_normals

CHANNELS = 3
FULL = 255.0

# ITU-R BT.601 in studio range, for R, G, B in [0, 1] and Y, Cb, Cr in codes.
YCBCR_FROM_RGB: NDArray[np.float64] = (
    np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / FULL
)
YCBCR_OFFSET = (16 / FULL, 128 / FULL, 128 / FULL)
RGB_FROM_YCBCR = np.linalg.inv(YCBCR_FROM_RGB)


def white_noise(image: CodedImage, variance: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add Gaussian noise of ``variance`` to every sample and clip (type 11).

    Args:
        image: The image.
        variance: For samples in [0, 1].
        draws: Standard normals, H x W x 3; overwritten.

    Returns:
        The noisy image, H x W x 3, float64.
    """
    normals = checked(draws, image.codes.shape, "white_noise", "standard normals")
    _add_noise(image.codes.reshape(-1), image.table, math.sqrt(variance), normals.reshape(-1))
    return normals


def white_noise_ycbcr(image: CodedImage, variance: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add Gaussian noise of ``variance`` to Y, Cb and Cr of studio range and clip (type 12).

    Args:
        image: The image.
        variance: For Y, Cb and Cr in [0, 1].
        draws: Standard normals, H x W x 3, for Y, Cb, Cr; overwritten.

    Returns:
        The noisy image in RGB, clipped to [0, 1], H x W x 3, float64.
    """
    normals = checked(draws, image.codes.shape, "white_noise_ycbcr", "standard normals")
    conversion = (rows(YCBCR_FROM_RGB), YCBCR_OFFSET, rows(RGB_FROM_YCBCR))
    pixels, noise = image.codes.reshape(-1, CHANNELS), normals.reshape(-1, CHANNELS)
    _add_noise_ycbcr(pixels, image.table, math.sqrt(variance), conversion, noise)
    return normals


def impulse_noise(image: CodedImage, density: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace a ``density`` of all samples by 0 or 1, evenly (type 13).

    Args:
        image: The image.
        density: Share of replaced samples.
        draws: Uniforms in [0, 1), H x W x 3; below density / 2 a sample becomes 0, below density 1;
            overwritten.

    Returns:
        The noisy image, H x W x 3, float64.
    """
    uniforms = checked(draws, image.codes.shape, "impulse_noise", "uniforms")
    _replace_by_extremes(image.codes.reshape(-1), image.table, density, uniforms.reshape(-1))
    return uniforms


def multiplicative_noise(image: CodedImage, variance: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add uniform noise of ``variance``, multiplied by the sample, and clip (type 14).

    Args:
        image: The image.
        variance: Of the factor on the sample.
        draws: Uniforms in [0, 1), H x W x 3; overwritten.

    Returns:
        The noisy image, H x W x 3, float64.
    """
    uniforms = checked(draws, image.codes.shape, "multiplicative_noise", "uniforms")
    _add_speckle(image.codes.reshape(-1), image.table, math.sqrt(12 * variance), uniforms.reshape(-1))
    return uniforms


def denoise(
    image: CodedImage, variance: float, draws: NDArray[np.float64], *, denoiser: str | None = None
) -> NDArray[np.float64]:
    """Add white noise of ``variance`` and remove what a residual network can of it (type 15).

    Args:
        image: The image.
        variance: Of the noise before denoising, for samples in [0, 1].
        draws: Standard normals, H x W x 3; overwritten.
        denoiser: Digest of the network's weights; None: the newest.

    Returns:
        The denoised image, not clipped, H x W x 3, float64.
    """
    from .numerics.denoising.denoise import denoise_channels

    return denoise_channels(white_noise(image, variance, draws), denoiser)


def draw_white_noise(_variance: float, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw standard normals, H x W x 3, row by row, channels innermost."""
    return standard_normals(rng, (height, width, CHANNELS))


def draw_impulse_noise(_density: float, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw uniforms in [0, 1), H x W x 3, row by row, channels innermost."""
    return rng.random((height, width, CHANNELS))


draw_white_noise_ycbcr = draw_white_noise
draw_denoise = draw_white_noise
draw_multiplicative_noise = draw_impulse_noise


@compiled
def _add_noise(
    codes: NDArray[np.uint8], table: NDArray[np.float64], deviation: float, samples: NDArray[np.float64]
) -> None:
    for i in range(codes.size):
        samples[i] = _clipped(table[codes[i]] + deviation * samples[i])


@compiled
def _add_noise_ycbcr(
    codes: NDArray[np.uint8],
    table: NDArray[np.float64],
    deviation: float,
    conversion: tuple[MatrixRows, MatrixRow, MatrixRows],
    samples: NDArray[np.float64],
) -> None:
    (to_y, to_cb, to_cr), (at_y, at_cb, at_cr), (to_red, to_green, to_blue) = conversion
    for i in range(codes.shape[0]):
        red, green, blue = table[codes[i, 0]], table[codes[i, 1]], table[codes[i, 2]]
        y = _clipped(_dot(to_y, red, green, blue) + at_y + deviation * samples[i, 0]) - at_y
        cb = _clipped(_dot(to_cb, red, green, blue) + at_cb + deviation * samples[i, 1]) - at_cb
        cr = _clipped(_dot(to_cr, red, green, blue) + at_cr + deviation * samples[i, 2]) - at_cr
        samples[i, 0] = _clipped(_dot(to_red, y, cb, cr))
        samples[i, 1] = _clipped(_dot(to_green, y, cb, cr))
        samples[i, 2] = _clipped(_dot(to_blue, y, cb, cr))


@compiled
def _replace_by_extremes(
    codes: NDArray[np.uint8], table: NDArray[np.float64], density: float, samples: NDArray[np.float64]
) -> None:
    for i in range(codes.size):
        uniform = samples[i]
        extreme = 0.0 if uniform < density / 2 else 1.0
        samples[i] = extreme if uniform < density else table[codes[i]]


@compiled
def _add_speckle(
    codes: NDArray[np.uint8], table: NDArray[np.float64], width: float, samples: NDArray[np.float64]
) -> None:
    for i in range(codes.size):
        clean = table[codes[i]]
        samples[i] = _clipped(clean + width * clean * (samples[i] - 0.5))


@compiled
def _dot(row: MatrixRow, x: float, y: float, z: float) -> float:
    return row[0] * x + row[1] * y + row[2] * z


@compiled
def _clipped(value: float) -> float:
    return min(max(value, 0.0), 1.0)
