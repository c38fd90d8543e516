"""The public verb `distort`: one image, one distortion, one level."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ... import distortions
from ...distortions import DistortionError
from ..errors import CurateError


def distort(
    image: NDArray[np.uint8],
    kind: int | str,
    level: int,
    *,
    seed: int | None = None,
    rng: np.random.Generator | None = None,
    draws: ArrayLike | None = None,
    stretch: bool = True,
) -> NDArray[np.uint8]:
    """Distort an image as the generator of KADID-10k does.

    The image is stretched to its full range, distorted, and stretched again (one minimum and maximum over all
    pixels and channels); the reference to compare with is therefore `distortions.stretch_uint8(image)`. A constant
    image comes back unchanged. The input is never modified.

    Args:
        image: (H, W, 3) RGB, uint8, contiguous or not. Gray (H, W) or (H, W, 1) is replicated to three channels; of
            RGBA the alpha channel is dropped, without blending.
        kind: Id (1 to 25) or name of the distortion.
        level: 1 to 5. Severity rises with it but for two types: level 3 of mean_shift (18) is the identity, and levels
            3 and 4 of contrast_change (25) are the mildest. Level 1 of types 1, 3 and 8 is the identity too.
        seed: Of a random type: seeds a PCG64 generator of its own.
        rng: Of a random type: a generator, advanced by this call.
        draws: Of a random type: the random numbers, shaped as `distortions.draw` returns them.
        stretch: Whether to stretch on entry and exit. Without it, values are code / 255 and the result is clipped.

    Returns:
        (H, W, 3), uint8, spanning 0 to 255 unless the result is constant or `stretch` is off.

    Raises:
        CurateError: The image, the kind, the level or the seed cannot be used, or a random type is not given exactly
            one of `seed`, `rng` and `draws`.

    >>> image = np.zeros((48, 64, 3), np.uint8)
    >>> image[:, 32:] = 200
    >>> blurred = distort(image, "gaussian_blur", level=4)
    >>> blurred.shape, int(blurred.min()), int(blurred.max())  # stretched to the full range
    ((48, 64, 3), 0, 255)

    Source: Lin, Hosu, Saupe: KADID-10k: a large-scale artificially distorted IQA database. QoMEX 2019.
    """
    try:
        return distortions.distort(image, kind, level, seed=seed, rng=rng, draws=draws, stretch=stretch)
    except DistortionError as error:
        raise CurateError(str(error)) from error
