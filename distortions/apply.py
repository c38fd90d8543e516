"""One image, one distortion, one level: the entry that the rest of the toolkit uses."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .catalog import DENOISE, Distortion, get
from .errors import DistortionError
from .numerics.min_max import entry, leave, map_min_max

__all__ = ["distort", "draw", "map_min_max", "stretch_uint8"]

GRAY_DIMENSIONS = 2
COLOR_DIMENSIONS = 3
RGB = 3
RGBA = 4


def distort(
    image: NDArray[np.uint8],
    kind: int | str,
    level: float,
    *,
    seed: int | None = None,
    rng: np.random.Generator | None = None,
    draws: ArrayLike | None = None,
    stretch: bool = True,
    denoiser: str | None = None,
) -> NDArray[np.uint8]:
    """Distort an image as the generator of KADID-10k does, or as a camera.

    The image is stretched to its full range, distorted, and stretched again (one minimum and maximum over all
    pixels and channels); the reference to compare with is therefore ``stretch_uint8(image)``. A constant image
    comes back unchanged. The input is never modified.

    Args:
        image: H x W x 3 RGB, uint8, contiguous or not. Gray (H x W or H x W x 1) is replicated to three channels;
            of RGBA the alpha channel is dropped, without blending.
        kind: Id (1 to 25, 101 and up for the camera family, 200 and up for registered types) or name of the distortion.
        level: 1 to 5. Severity rises with it but for two types: level 3 of mean_shift (18) is the identity, and levels
            3 and 4 of contrast_change (25) are the mildest. Level 1 of types 1, 3 and 8 is the identity too. Between
            two levels, as at 2.5, the parameter is interpolated (``Distortion.parameter_at``).
        seed: Of a random type: seeds a PCG64 generator of its own.
        rng: Of a random type: a generator, advanced by this call.
        draws: Of a random type: the random numbers, shaped as ``draw`` returns them.
        stretch: Whether to stretch on entry and exit. Without it, values are code / 255 and the result is clipped.
        denoiser: Digest of the network's weights of type 15 (denoise), as manifests record it; None: the newest.

    Returns:
        H x W x 3, uint8, spanning 0 to 255 unless the result is constant or ``stretch`` is off.

    Raises:
        DistortionError: If the image, the kind or the level is not admissible, or if a random type is not given exactly
            one of ``seed``, ``rng`` and ``draws``; if a seed is negative, or if type 15 is asked for with weights that
            are not installed.

    >>> image = np.zeros((48, 64, 3), np.uint8)
    >>> image[:, 32:] = 200
    >>> blurred = distort(image, "gaussian_blur", level=4)
    >>> blurred.shape, int(blurred.min()), int(blurred.max())  # stretched to the full range
    ((48, 64, 3), 0, 255)
    >>> noisy = distort(image, 11, level=1, seed=7)
    >>> bool((noisy == distort(image, "white_noise", level=1, seed=7)).all())
    True

    Source: Lin, Hosu, Saupe: KADID-10k: a large-scale artificially distorted IQA database. QoMEX 2019.
    """
    distortion = get(kind)
    parameter = distortion.parameter_at(level)
    codes = _rgb_codes(image)
    height, width = codes.shape[:2]
    _check_size(distortion, height, width)
    if distortion.random:
        _check_one_source(distortion, seed, rng, draws)
    if stretch and codes.min() == codes.max():
        return codes.copy()
    picture = entry(codes, stretch=stretch)
    if not distortion.random:
        return leave(distortion.function(picture, parameter), stretch=stretch)
    if draws is None:
        generator = rng if rng is not None else np.random.Generator(np.random.PCG64(seed))
        numbers = distortion.draw_function(parameter, height, width, generator)
    else:
        numbers = np.array(draws, dtype=np.float64)  # a copy: the noise types work in place
    options = {"denoiser": denoiser} if distortion.id == DENOISE else {}
    return leave(distortion.function(picture, parameter, numbers, **options), stretch=stretch)


def draw(kind: int | str, level: float, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the random numbers behind one distorted picture.

    Args:
        kind: Id or name of a random distortion.
        level: 1 to 5.
        shape: Shape of the image, of which the first two numbers are its height and width.
        rng: The generator to draw from.

    Returns:
        The numbers in the order and shape in which the type uses them; the type's own ``draw_`` function says which.

    Raises:
        DistortionError: If the type is not random, or if kind, level or size is not admissible.
    """
    distortion = get(kind)
    parameter = distortion.parameter_at(level)
    height, width = shape[:2]
    _check_size(distortion, height, width)
    return distortion.draw_function(parameter, height, width, rng)


def stretch_uint8(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the reference that a full-reference metric compares a distorted image with.

    Args:
        image: As for ``distort``.

    Returns:
        H x W x 3, uint8: the entry stretch alone, rounded; a copy of a constant image.

    Raises:
        DistortionError: If the image is not admissible.
    """
    codes = _rgb_codes(image)
    if codes.min() == codes.max():
        return codes.copy()
    return leave(entry(codes, stretch=True), stretch=True)


def _rgb_codes(image: object) -> NDArray[np.uint8]:
    if not isinstance(image, np.ndarray):
        message = f"an image must be a numpy array, not {type(image).__name__}: convert it with numpy.asarray first"
        raise DistortionError(message)
    if image.dtype != np.uint8:
        message = f"an image must be uint8 with codes 0 to 255, not {image.dtype}: scale and convert it first"
        raise DistortionError(message)
    if image.ndim == GRAY_DIMENSIONS:
        image = image[:, :, np.newaxis]
    if image.ndim != COLOR_DIMENSIONS or image.shape[2] not in (1, RGB, RGBA):
        message = f"an image must be H x W x 3 RGB, H x W gray or H x W x 4 RGBA, not of shape {image.shape}"
        raise DistortionError(message)
    if 0 in image.shape:
        message = f"an image must have at least one pixel, not the shape {image.shape}"
        raise DistortionError(message)
    if image.shape[2] == 1:
        return np.repeat(image, RGB, axis=2)
    return np.ascontiguousarray(image[:, :, :RGB])


def _check_size(distortion: Distortion, height: int, width: int) -> None:
    least = distortion.minimum_size
    if min(height, width) < least:
        message = (
            f"{distortion.name} needs an image of at least {least} x {least} pixels, not {height} high x {width} wide: "
            "use a larger image or another type"
        )
        raise DistortionError(message)


def _check_one_source(
    distortion: Distortion, seed: int | None, rng: np.random.Generator | None, draws: ArrayLike | None
) -> None:
    given = [name for name, value in (("seed", seed), ("rng", rng), ("draws", draws)) if value is not None]
    if len(given) != 1:
        what = " and ".join(given) if given else "none of them"
        message = f"{distortion.name} is random: give exactly one of seed, rng and draws ({what} was given)"
        raise DistortionError(message)
    if seed is None:
        return
    number: object = seed
    if isinstance(number, bool) or not isinstance(number, Integral):
        message = f"the seed {seed!r} is not a whole number: give one from 0 on"
        raise DistortionError(message)
    if seed < 0:
        message = f"the seed {seed} is negative: give a whole number from 0 on"
        raise DistortionError(message)
