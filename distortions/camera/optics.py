"""Optics: light out of focus behind a bladed aperture, and a hand that shakes; both blur linear light."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..numerics.coded_image import CodedImage
from ..numerics.filters import correlate
from ..numerics.lab import linear_to_srgb
from ..numerics.random_draws import checked, standard_normals
from .light import linear_light

APERTURE_NUMBERS = 3  # blades, turn, rim
BLADES = (5, 8)
BRIGHTEST_RIM = 1.5
SUBPIXELS = 8

STEPS = 96
TURN_DEVIATION = 0.12  # radians per step
SPEED_DEVIATION = 0.15  # per step, of the mean speed


def bladed_defocus(image: CodedImage, radius: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blur linear light by a regular polygon, as an aperture of blades does out of focus (type 101).

    Args:
        image: The image.
        radius: Distance from the middle of the polygon to its corners, in pixels, above 0.
        draws: Three uniforms in [0, 1): number of blades (5 to 8), turn, and brightness of the rim.

    Returns:
        The blurred image, H x W x 3, float64.

    Source: Potmesil, Chakravarty: A lens and aperture camera model for synthetic image generation. SIGGRAPH 1981. A
    bright rim is uncorrected spherical aberration.
    """
    blades, turn, rim = checked(draws, (APERTURE_NUMBERS,), "bladed_defocus", "blades, turn and rim")
    fewest, most = BLADES
    kernel = aperture_kernel(
        radius, blades=fewest + int(blades * (most - fewest + 1)), turn=2 * math.pi * turn, rim=BRIGHTEST_RIM * rim
    )
    return linear_to_srgb(correlate(linear_light(image), kernel))


def draw_bladed_defocus(_radius: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw three uniforms in [0, 1): number of blades, turn, brightness of the rim."""
    return rng.random(APERTURE_NUMBERS)


def hand_shake(image: CodedImage, length: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blur linear light along the curved, uneven path of a shaking hand (type 102).

    Args:
        image: The image.
        length: Length of the path in pixels, above 0.
        draws: 1 + 2 x 96 numbers: the first direction, uniform in [0, 1), as a share of the full circle; then standard
            normals: 96 turns, 96 changes of speed.

    Returns:
        The blurred image, H x W x 3, float64.

    Source: a random walk of direction and speed; after Boracchi, Foi: Modeling the performance of image restoration
    from motion blur. IEEE TIP 21 (2012).
    """
    numbers = checked(draws, (1 + 2 * STEPS,), "hand_shake", "the first direction, turns and changes of speed")
    kernel = shake_kernel(length, 2 * math.pi * numbers[0], turns=numbers[1 : 1 + STEPS], speeds=numbers[1 + STEPS :])
    return linear_to_srgb(correlate(linear_light(image), kernel))


def draw_hand_shake(_length: float, _height: int, _width: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a uniform in [0, 1) for the first direction, then 96 + 96 standard normals for turns and speeds."""
    return np.concatenate([rng.random(1), standard_normals(rng, (2 * STEPS,))])


def aperture_kernel(radius: float, *, blades: int, turn: float, rim: float) -> NDArray[np.float64]:
    """Return the light of a point behind an aperture of straight blades.

    Args:
        radius: Distance from the middle to the corners, in pixels.
        blades: Number of straight edges.
        turn: Of the polygon, in radians.
        rim: How much brighter the edge is than the middle; 0 is even light.

    Returns:
        Weights that sum to 1, float64, both sides odd; a pixel's weight is a mean over 8 x 8 points.
    """
    half = math.ceil(radius) + 1
    axis = (np.arange((2 * half + 1) * SUBPIXELS) + 0.5) / SUBPIXELS - half - 0.5
    down, across = axis[:, np.newaxis], axis[np.newaxis, :]
    sector = 2 * math.pi / blades
    angle = (np.arctan2(down, across) + turn) % sector - sector / 2
    # The edge of a polygon is `radius` away at its corners and radius cos(sector / 2) in the middle of a side.
    from_middle = np.hypot(down, across) * np.cos(angle) / (radius * math.cos(sector / 2))
    light = np.where(from_middle <= 1, 1 + rim * from_middle**2, 0.0)
    kernel = light.reshape(2 * half + 1, SUBPIXELS, 2 * half + 1, SUBPIXELS).sum(axis=(1, 3))
    normalized: NDArray[np.float64] = kernel / kernel.sum()
    return normalized


def shake_kernel(
    length: float, direction: float, *, turns: NDArray[np.float64], speeds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the light of a point that a shaking hand moves over the sensor.

    Args:
        length: Of the path, in pixels.
        direction: In which it begins, in radians.
        turns: N standard normals.
        speeds: N standard normals.

    Returns:
        Weights that sum to 1, float64, both sides odd; the path's mean is in the middle.
    """
    angles = direction + np.cumsum(TURN_DEVIATION * turns)
    speed = np.abs(1.0 + np.cumsum(SPEED_DEVIATION * speeds))
    path = np.cumsum(np.stack([np.sin(angles), np.cos(angles)]) * (speed * (length / speed.sum())), axis=1)
    path -= path.mean(axis=1, keepdims=True)
    half = math.ceil(np.abs(path).max()) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    corner = np.floor(path).astype(np.intp)
    share = path - corner
    for row in (0, 1):
        for column in (0, 1):
            weight = np.abs(1 - row - share[0]) * np.abs(1 - column - share[1])
            np.add.at(kernel, (corner[0] + half + row, corner[1] + half + column), weight)
    normalized: NDArray[np.float64] = kernel / kernel.sum()
    return normalized
