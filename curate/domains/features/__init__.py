"""What the light domain classifier sees of a patch."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .blocks import copy_features, grid_features, shift_features, square_features
from .noise import noise_features
from .planes import Planes
from .textures import detail_features, spectrum_features, texture_features
from .tones import color_features, tone_features

_GROUPS = (
    tone_features,
    color_features,
    texture_features,
    detail_features,
    spectrum_features,
    noise_features,
    grid_features,
    copy_features,
    square_features,
    shift_features,
)


# Raised whenever a feature or the patch it is of changes: a classifier fitted on others must not be used.
FEATURE_VERSION = 3


def domain_features(patch: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe a patch by hand-made features that distinguish the distortion types.

    Args:
        patch: uint8 (H, W, 3) RGB, at least 64 x 64.

    Returns:
        float32 (F,), finite; the same patch gives the same bits, whatever the number of threads.
    """
    planes = Planes(np.ascontiguousarray(patch))
    return np.concatenate([group(planes) for group in _GROUPS]).astype(np.float32)


@cache
def feature_count() -> int:
    """Return the number of features F."""
    return len(domain_features(np.zeros((64, 64, 3), np.uint8)))
