"""Sensor: photon and read noise behind a Bayer mosaic, by day and in low light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..numerics.coded_image import CodedImage
from ..numerics.compiled import MatrixRow, compiled
from ..numerics.filters import correlate_separable
from ..numerics.lab import linear_to_srgb
from ..numerics.random_draws import checked, standard_normals
from .light import LUMINANCE, linear_light
from .mosaic import count_photons, demosaic

DAYLIGHT_WHITE = 8000.0  # photons at a small sensor's full well
AMPLIFIED = 0.6  # share of the missing stops that amplification makes up for
CHROMA_SMOOTHING = np.array([6.0, 4.0, 1.0]) / 16.0  # binomial, from the middle outwards


def sensor_noise(image: CodedImage, photons: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Count photons behind a Bayer mosaic and interpolate the missing colors (type 103).

    Args:
        image: The image, at least 2 pixels high and wide.
        photons: What a green site counts of white; fewer are noisier.
        draws: Standard normals, H x W; overwritten.

    Returns:
        The noisy image, H x W x 3, float64.

    Source: noise of photons and electronics after EMVA 1288; interpolation of Malvar, He, Cutler (ICASSP 2004).
    """
    mosaic = checked(draws, image.codes.shape[:2], "sensor_noise", "standard normals, one a pixel")
    count_photons(linear_light(image), photons, mosaic)
    return linear_to_srgb(demosaic(mosaic))


def low_light(image: CodedImage, stops: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the picture with too little light, amplify it by part of what is missing, and smooth its colors (type 106).

    Args:
        image: The image, at least 2 pixels high and wide.
        stops: How much less light there is: 3 is an eighth.
        draws: Standard normals, H x W; overwritten.

    Returns:
        The dark, noisy image, H x W x 3, float64.

    Source: noise as of ``sensor_noise``; the colors are smoothed by a binomial filter in linear light, as cheap
    noise reduction does.
    """
    mosaic = checked(draws, image.codes.shape[:2], "low_light", "standard normals, one a pixel")
    count_photons(linear_light(image), DAYLIGHT_WHITE * 2.0**-stops, mosaic)
    light = demosaic(mosaic)
    smooth = correlate_separable(light, CHROMA_SMOOTHING)
    _exchange_chroma(light.reshape(-1, 3), smooth.reshape(-1, 3), 2.0 ** ((AMPLIFIED - 1.0) * stops), LUMINANCE)
    return linear_to_srgb(light)


def draw_sensor_noise(_photons: float, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw standard normals, H x W, row by row."""
    return standard_normals(rng, (height, width))


draw_low_light = draw_sensor_noise


@compiled
def _exchange_chroma(
    light: NDArray[np.float64], smooth: NDArray[np.float64], exposure: float, weights: MatrixRow
) -> None:
    for i in range(light.shape[0]):
        luminance = weights[0] * light[i, 0] + weights[1] * light[i, 1] + weights[2] * light[i, 2]
        smoothed = weights[0] * smooth[i, 0] + weights[1] * smooth[i, 1] + weights[2] * smooth[i, 2]
        for c in range(3):
            light[i, c] = exposure * (luminance + smooth[i, c] - smoothed)
