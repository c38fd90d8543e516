"""References changed as other cameras and web sites would: no class may be recognized by these changes."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ..patches import random_patch

# Side of what is cut from a reference and distorted, in pixels: a patch of the light classifier, and room for it to be
# anywhere on the grids of block coders. What is beyond would be computed and thrown away.
FRAME = 288
# Of other sharpness, with grain. What sets one collection apart from another must not decide what counts as pristine.
_RESIZED, _SMALLEST = 0.8, 0.5
_SHARPENED, _SHARPENING = 0.4, 0.8
_GRAINY, _GRAIN, _GRAIN_COLOR, _GRAIN_SOFTNESS = 0.5, 2.5, np.float32(0.3), 0.8
# Of other exposure, contrast and saturation. Photographs differ in these by more than the mild levels of the types that
# change tones, and a dark one is no less pristine.
_TONED = 0.6
_GAMMAS, _SATURATIONS, _FARTHEST_END = (0.7, 1.45), (0.4, 1.3), 24.0
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# The stretch on entry leaves gaps in the histogram of a reference that does not span 0 to 255. Photographs that do
# have none, so gaps must not mean "pristine".
_FULL_RANGE = 0.5
# Photographs from the web were made smaller after they had been spoiled.
_SHRUNK, _MOST_SHRUNK = 0.35, 0.6


def by_another_camera(
    reference: NDArray[np.uint8], rng: np.random.Generator, *, side: int = FRAME
) -> NDArray[np.uint8]:
    """Cut a part of a reference and give it a drawn size, sharpness, grain, exposure, contrast and saturation.

    Args:
        reference: uint8 (H, W, 3) RGB.
        rng: Draws all of it.
        side: Longest side of the result, in pixels.

    Returns:
        uint8 (h, w, 3) RGB; no side is above `side`, and none is below unless the reference's is.
    """
    height, width = reference.shape[:2]
    resized, sharpened, grainy, toned, full_range = rng.random(5) < (
        _RESIZED,
        _SHARPENED,
        _GRAINY,
        _TONED,
        _FULL_RANGE,
    )
    least = min(1.0, max(_SMALLEST, side / min(height, width)))
    factor = float(rng.uniform(least, 1.0)) if resized else 1.0
    # Cut before anything is computed: of a photograph of 24 megapixels most would be thrown away.
    inside = [min(length, math.ceil(side / factor)) for length in (height, width)]
    shown = random_patch(reference, (inside[0], inside[1]), rng).astype(np.float32)
    if factor < 1:
        size = [min(side, max(1, round(length * factor))) for length in inside]
        shown = np.asarray(cv2.resize(shown, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
    if sharpened:
        soft = cv2.GaussianBlur(shown, (0, 0), rng.uniform(0.6, 1.2))
        shown += np.float32(rng.uniform(0, _SHARPENING)) * (shown - soft)
    if toned:
        shown = _toned(shown, rng)
    if grainy:
        shown += _grain(shown.shape, rng)
    if full_range and shown.max() > shown.min():
        shown = (shown - shown.min()) * np.float32(255 / (shown.max() - shown.min()))
    return np.rint(np.clip(shown, 0, 255)).astype(np.uint8)


def drawn_shrinking(shape: tuple[int, ...], rng: np.random.Generator) -> float:
    """Draw by how much a picture is made smaller after its distortion; 1 for most, and where the reference is small.

    Args:
        shape: Of the reference.
        rng: Draws.
    """
    shrunk, factor = rng.random() < _SHRUNK, float(rng.uniform(_MOST_SHRUNK, 1.0))
    return max(factor, FRAME / min(shape[:2])) if shrunk and min(shape[:2]) > FRAME else 1.0


def shrink(picture: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Make a picture smaller; uint8 (h, w, 3).

    Args:
        picture: uint8 (H, W, 3).
        factor: Of its sides, (0, 1].
    """
    if factor == 1:
        return picture
    height, width = picture.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _toned(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    gamma, saturation = np.float32(rng.uniform(*_GAMMAS)), np.float32(rng.uniform(*_SATURATIONS))
    dark, bright = np.float32(rng.uniform(0, _FARTHEST_END)), np.float32(255 - rng.uniform(0, _FARTHEST_END))
    curved = np.clip(picture / np.float32(255), 0, 1) ** gamma * (bright - dark) + dark
    gray = curved @ _LUMA
    return np.asarray(gray[..., None] + saturation * (curved - gray[..., None]), np.float32)


def _grain(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    strength, softness = rng.uniform(0, _GRAIN), rng.uniform(0, _GRAIN_SOFTNESS)
    grain = rng.standard_normal(shape[:2], np.float32)[:, :, None] + _GRAIN_COLOR * rng.standard_normal(
        shape, np.float32
    )
    if softness > _GRAIN_SOFTNESS / 2:
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), softness), np.float32)
        grain /= grain.std()
    return np.asarray(np.float32(strength) * grain, np.float32)
