"""A Bayer mosaic: which color each site measures, the photons it counts, and the colors that are interpolated.

Red is at the top left; even rows are red and green, odd rows green and blue.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..numerics.coded_image import CodedImage
from ..numerics.compiled import MatrixRow, compiled

# Of red, green and blue in daylight: what white is multiplied by, since a sensor sees most of green.
DAYLIGHT_GAINS = (2.0, 1.0, 1.6)
READ_NOISE = 2.5  # electrons
MARGIN = 2  # of the interpolation, in pixels


def count_photons(light: CodedImage, white: float, normals: NDArray[np.float64]) -> None:
    """Expose a mosaic to light, with photon noise and read noise, and balance its colors.

    The number of electrons at a site is drawn by its first three cumulants (Cornish and Fisher 1938), those of a
    Poisson number plus Gaussian noise; that is precise to a fraction of an electron, at one normal a site.

    Args:
        light: The image in linear light.
        white: Photons that a green site counts of white.
        normals: H x W standard normals; becomes the mosaic, 1 for white, noise and all.
    """
    _count(light.codes, light.table, white, DAYLIGHT_GAINS, normals)


def demosaic(mosaic: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate the two colors that each site has not measured.

    Args:
        mosaic: H x W, float64, at least 2 pixels high and wide; mirrored beyond its border.

    Returns:
        H x W x 3, float64.

    Source: Malvar, He, Cutler: High-quality linear interpolation for demosaicing of Bayer-patterned color images.
    ICASSP 2004.
    """
    out = np.empty((*mosaic.shape, 3))
    _interpolate(np.pad(mosaic, MARGIN, mode="reflect"), out)
    return out


@compiled
def _count(
    codes: NDArray[np.uint8],
    table: NDArray[np.float64],
    white: float,
    gains: MatrixRow,
    samples: NDArray[np.float64],
) -> None:
    height, width = samples.shape
    for y in range(height):
        for x in range(width):
            # Red at (even, even), blue at (odd, odd), green between.
            channel = y % 2 + x % 2
            gain = gains[0] if channel == 0 else (gains[1] if channel == 1 else gains[2])
            photons = white * max(table[codes[y, x, channel]], 0.0) / gain
            variance = photons + READ_NOISE * READ_NOISE
            z = samples[y, x]
            # s (z + g (z^2 - 1) / 6) with the deviation s and the skewness g = photons / s^3.
            electrons = photons + math.sqrt(variance) * z + photons / variance * (z * z - 1.0) / 6.0
            samples[y, x] = electrons * gain / white


@compiled
def _interpolate(mosaic: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    height, width = out.shape[0], out.shape[1]
    for y in range(height):
        above2, above, row, below, below2 = mosaic[y], mosaic[y + 1], mosaic[y + 2], mosaic[y + 3], mosaic[y + 4]
        for x in range(width):
            here = row[x + 2]
            sides, beyond_sides = row[x + 1] + row[x + 3], row[x] + row[x + 4]
            ends, beyond_ends = above[x + 2] + below[x + 2], above2[x + 2] + below2[x + 2]
            corners = above[x + 1] + above[x + 3] + below[x + 1] + below[x + 3]
            if y % 2 == x % 2:
                green = (4.0 * here + 2.0 * (sides + ends) - beyond_sides - beyond_ends) / 8.0
                other = (6.0 * here + 2.0 * corners - 1.5 * (beyond_sides + beyond_ends)) / 8.0
                out[y, x, 1] = green
                out[y, x, 0 if y % 2 == 0 else 2] = here
                out[y, x, 2 if y % 2 == 0 else 0] = other
            else:
                along = (5.0 * here + 4.0 * sides - corners - beyond_sides + 0.5 * beyond_ends) / 8.0
                across = (5.0 * here + 4.0 * ends - corners - beyond_ends + 0.5 * beyond_sides) / 8.0
                out[y, x, 1] = here
                out[y, x, 0] = along if y % 2 == 0 else across
                out[y, x, 2] = across if y % 2 == 0 else along
