"""Noise: white, white in YCbCr, impulses, multiplicative, and white noise denoised again."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .draws import checked
from .picture import CodedImage

CHANNELS = 3
FULL = 255.0

# ITU-R BT.601 in studio range, for R, G, B in [0, 1] and Y, Cb, Cr in codes.
YCBCR_FROM_RGB = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]) / FULL
YCBCR_OFFSET = np.array([16.0, 128.0, 128.0]) / FULL
RGB_FROM_YCBCR = np.linalg.inv(YCBCR_FROM_RGB)


def white_noise(image: CodedImage, variance: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add Gaussian noise of ``variance`` to every sample and clip (type 11).

    Args:
        image: The image.
        variance: For samples in [0, 1].
        draws: Standard normals, H x W x 3.

    Returns:
        The noisy image, H x W x 3, float64.
    """
    normals = checked(draws, image.codes.shape, "white_noise", "standard normals")
    out = np.empty(image.codes.shape)
    _add_noise(image.codes.reshape(-1), image.table, math.sqrt(variance), normals.reshape(-1), out.reshape(-1))
    return out


def white_noise_ycbcr(image: CodedImage, variance: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add Gaussian noise of ``variance`` to Y, Cb and Cr of studio range and clip (type 12).

    Args:
        image: The image.
        variance: For Y, Cb and Cr in [0, 1].
        draws: Standard normals, H x W x 3, for Y, Cb, Cr.

    Returns:
        The noisy image in RGB, clipped to [0, 1], H x W x 3, float64.
    """
    normals = checked(draws, image.codes.shape, "white_noise_ycbcr", "standard normals")
    out = np.empty(image.codes.shape)
    _add_noise_ycbcr(
        image.codes.reshape(-1, CHANNELS),
        image.table,
        math.sqrt(variance),
        normals.reshape(-1, CHANNELS),
        (YCBCR_FROM_RGB, YCBCR_OFFSET, RGB_FROM_YCBCR),
        out.reshape(-1, CHANNELS),
    )
    return out


def impulse_noise(image: CodedImage, density: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace a ``density`` of all samples by 0 or 1, evenly (type 13).

    Args:
        image: The image.
        density: Share of replaced samples.
        draws: Uniforms in [0, 1), H x W x 3; below density / 2 a sample becomes 0, below density 1.

    Returns:
        The noisy image, H x W x 3, float64.
    """
    uniforms = checked(draws, image.codes.shape, "impulse_noise", "uniforms")
    out = image.dense()
    _replace_by_extremes(uniforms.reshape(-1), density, out.reshape(-1))
    return out


def multiplicative_noise(image: CodedImage, variance: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add uniform noise of ``variance``, multiplied by the sample, and clip (type 14).

    Args:
        image: The image.
        variance: Of the factor on the sample.
        draws: Uniforms in [0, 1), H x W x 3.

    Returns:
        The noisy image, H x W x 3, float64.
    """
    uniforms = checked(draws, image.codes.shape, "multiplicative_noise", "uniforms")
    out = np.empty(image.codes.shape)
    width = math.sqrt(12 * variance)
    _add_speckle(image.codes.reshape(-1), image.table, width, uniforms.reshape(-1), out.reshape(-1))
    return out


def denoise(image: CodedImage, variance: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add white noise of ``variance`` and remove what a residual network can of it (type 15).

    Args:
        image: The image.
        variance: Of the noise before denoising, for samples in [0, 1].
        draws: Standard normals, H x W x 3.

    Returns:
        The denoised image, not clipped, H x W x 3, float64.

    Raises:
        NotImplementedError: If this installation carries no denoising network.
    """
    noisy = white_noise(image, variance, draws)
    try:
        from .denoise_net import denoise_channels
    except ModuleNotFoundError as error:
        message = "denoise needs the network in distortions/denoise_net.py, which this installation lacks"
        raise NotImplementedError(message) from error
    return denoise_channels(noisy)


def draw_white_noise(_variance: float, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw standard normals, H x W x 3, row by row, channels innermost."""
    return rng.standard_normal((height, width, CHANNELS))


def draw_impulse_noise(_density: float, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw uniforms in [0, 1), H x W x 3, row by row, channels innermost."""
    return rng.random((height, width, CHANNELS))


draw_white_noise_ycbcr = draw_white_noise
draw_denoise = draw_white_noise
draw_multiplicative_noise = draw_impulse_noise


@compiled
def _add_noise(
    codes: NDArray[np.uint8],
    table: NDArray[np.float64],
    deviation: float,
    normals: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for i in range(codes.size):
        out[i] = min(max(table[codes[i]] + deviation * normals[i], 0.0), 1.0)


@compiled
def _add_noise_ycbcr(
    codes: NDArray[np.uint8],
    table: NDArray[np.float64],
    deviation: float,
    normals: NDArray[np.float64],
    conversion: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    out: NDArray[np.float64],
) -> None:
    forward, offset, back = conversion
    noisy = np.empty(3)
    for i in range(codes.shape[0]):
        red, green, blue = table[codes[i, 0]], table[codes[i, 1]], table[codes[i, 2]]
        for c in range(3):
            clean = forward[c, 0] * red + forward[c, 1] * green + forward[c, 2] * blue + offset[c]
            noisy[c] = min(max(clean + deviation * normals[i, c], 0.0), 1.0) - offset[c]
        for c in range(3):
            value = back[c, 0] * noisy[0] + back[c, 1] * noisy[1] + back[c, 2] * noisy[2]
            out[i, c] = min(max(value, 0.0), 1.0)


@compiled
def _replace_by_extremes(uniforms: NDArray[np.float64], density: float, out: NDArray[np.float64]) -> None:
    for i in range(uniforms.size):
        if uniforms[i] < density:
            out[i] = 0.0 if uniforms[i] < density / 2 else 1.0


@compiled
def _add_speckle(
    codes: NDArray[np.uint8],
    table: NDArray[np.float64],
    width: float,
    uniforms: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for i in range(codes.size):
        clean = table[codes[i]]
        out[i] = min(max(clean + width * clean * (uniforms[i] - 0.5), 0.0), 1.0)
