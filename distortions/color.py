"""Color: diffusion, shift, quantization and two kinds of saturation."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .errors import DistortionError
from .numerics.coded_image import CodedImage
from .numerics.compiled import compiled
from .numerics.dither import dither
from .numerics.filters import correlate_separable
from .numerics.kernels import gaussian_half_kernel
from .numerics.lab import lab_to_rgb, map_lab, rgb_to_lab
from .numerics.min_max import map_min_max, rounded_codes
from .numerics.palette import minimum_variance_palette
from .numerics.random_draws import checked

LUMA = (0.298936, 0.587043, 0.114021)
EDGE_SIGMA = 4.0
EDGE_FLOOR = 0.1
EDGE_PERCENTILE = 0.99
GREEN = 1


def color_diffusion(image: CodedImage, amount: float) -> NDArray[np.float64]:
    """Blur the colors, not the lightness, and multiply them by ``amount`` (type 4)."""
    lightness, chroma = rgb_to_lab(image)
    spread = correlate_separable(chroma, gaussian_half_kernel(1.5 * amount + 2))
    spread *= amount
    return lab_to_rgb(lightness, spread)


def color_shift(image: CodedImage, amount: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shift the green channel by ``amount`` pixels, visibly only near edges (type 5).

    Args:
        image: The image.
        amount: Length of the shift in pixels.
        draws: Two uniforms in (0, 1): the direction as rows down and columns right.

    Returns:
        The image with green shifted, H x W x 3, float64.

    Raises:
        DistortionError: If both draws are 0, which is no direction.
    """
    direction = checked(draws, (2,), "color_shift", "the direction as rows down, columns right")
    length = float(np.sqrt(np.sum(direction**2)))
    if length == 0:
        message = "draws of color_shift are (0, 0), which is no direction: give uniforms in (0, 1)"
        raise DistortionError(message)
    down, right = (math.floor(amount * u / length + 0.5) for u in direction)
    out = image.dense()
    _blend_shifted_green(out, edge_strength(out), down, right)
    return out


def draw_color_shift(_amount: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the direction: two uniforms in (0, 1], rows down and columns right."""
    return 1.0 - rng.random(2)


def color_quantization(image: CodedImage, number: float) -> NDArray[np.float64]:
    """Keep ``number`` colors: minimum-variance palette, Floyd-Steinberg dithering (type 6)."""
    codes = rounded_codes(image)
    return dither(codes, minimum_variance_palette(codes, int(number)))


def color_saturation_hsv(image: CodedImage, factor: float) -> NDArray[np.float64]:
    """Multiply HSV saturation by ``factor``, without clipping it (type 7)."""
    out = image.dense()
    _scale_saturation(out.reshape(-1, 3), factor)
    return out


def color_saturation_lab(image: CodedImage, factor: float) -> NDArray[np.float64]:
    """Multiply a and b of CIE Lab by ``factor`` (type 8)."""
    return map_lab(image, lambda lab: (lab[0], lab[1] * factor))


def edge_strength(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much each pixel belongs to an edge, smoothed and stretched to [0, 1].

    Args:
        rgb: H x W x 3, float64.

    Returns:
        H x W, float64. Its upper and lower hundredth are clipped before the last stretch.
    """
    edges = _gradient_magnitude(rgb)
    smooth = correlate_separable(edges[:, :, np.newaxis], gaussian_half_kernel(EDGE_SIGMA))[:, :, 0]
    raised = map_min_max(np.clip(map_min_max(smooth), EDGE_FLOOR, 1.0))
    n = raised.size
    rank = max(math.floor(EDGE_PERCENTILE * n + 0.5), 1)
    ordered = np.partition(raised.reshape(-1), (n - rank, rank - 1))
    return map_min_max(np.clip(raised, 1 - (1 - ordered[n - rank]), ordered[rank - 1]))


@compiled
def _gradient_magnitude(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Central differences of the luma, one-sided at the border, zero along a side of one pixel."""
    height, width, _ = rgb.shape
    luma = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            luma[y, x] = LUMA[0] * rgb[y, x, 0] + LUMA[1] * rgb[y, x, 1] + LUMA[2] * rgb[y, x, 2]
    magnitude = np.empty((height, width))
    for y in range(height):
        above, below = luma[max(y - 1, 0)], luma[min(y + 1, height - 1)]
        step = 0.5 if 0 < y < height - 1 else 1.0
        here, out = luma[y], magnitude[y]
        for x in range(1, width - 1):
            out[x] = _length((here[x + 1] - here[x - 1]) * 0.5, (below[x] - above[x]) * step)
        for x in (0, width - 1):
            across = here[min(x + 1, width - 1)] - here[max(x - 1, 0)]
            out[x] = _length(across, (below[x] - above[x]) * step)
    return magnitude


@compiled
def _length(dx: float, dy: float) -> float:
    length: float = np.sqrt(dx * dx + dy * dy)
    return length


@compiled
def _blend_shifted_green(rgb: NDArray[np.float64], weight: NDArray[np.float64], down: int, right: int) -> None:
    height, width, _ = rgb.shape
    # Sources are above and to the left: going backwards reads every green before it is overwritten.
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):
            shifted = rgb[max(y - down, 0), max(x - right, 0), GREEN]
            rgb[y, x, GREEN] = weight[y, x] * shifted + (1 - weight[y, x]) * rgb[y, x, GREEN]


@compiled
def _scale_saturation(pixels: NDArray[np.float64], factor: float) -> None:
    for i in range(pixels.shape[0]):
        value = max(pixels[i, 0], pixels[i, 1], pixels[i, 2])
        for c in range(3):
            pixels[i, c] = value + factor * (pixels[i, c] - value)
