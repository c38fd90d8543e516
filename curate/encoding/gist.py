"""The `gist` encoder: edges by place and orientation, and colors. No weights needed."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import RowError

GIST_MINIMUM_SIDE = 16
_SIDE = 128
_SCALES = (1, 2, 4)
_ORIENTATIONS = 8
_GRID = 4
_CONTRAST_SIGMA = 6.0
_CONTRAST_FLOOR = 0.05
_COLOR_WEIGHT = 0.5
GIST_DIMENSIONS = _GRID * _GRID * (len(_SCALES) * _ORIENTATIONS + 6)


def gist_features(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Describe a picture's layout by oriented gradient energy and color statistics on a grid.

    The picture is brought to 128 x 128, its lightness normalized for local contrast, and the gradient magnitude of
    three
    scales is pooled into eight orientations on a 4 x 4 grid; mean and spread of L, a, b on the same grid join it.
    Every block is centered, so that cosines between pictures spread over a wide range instead of crowding near 1.

    Args:
        image: uint8 (H, W, 3) RGB, at least 16 pixels a side.

    Returns:
        float32 (480,), never all zero.

    Raises:
        RowError: The image is too small.

    Source: after the spatial envelope of A. Oliva and A. Torralba (IJCV 2001), simplified; the numbers are this
    project's.
    """
    height, width = image.shape[:2]
    if min(height, width) < GIST_MINIMUM_SIDE:
        raise RowError(f"{width}x{height} is smaller than the {GIST_MINIMUM_SIDE} pixels a side that gist needs")
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab).astype(np.float64)
    lightness = _normalize_contrast(lab[..., 0] / 100.0)
    blocks = [_oriented_energy(_shrink(lightness, scale)) for scale in _SCALES]
    blocks.append(_COLOR_WEIGHT * _color_statistics(lab))
    return np.concatenate(blocks).astype(np.float32)


def _normalize_contrast(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    centered = plane - cv2.GaussianBlur(plane, (0, 0), _CONTRAST_SIGMA)
    deviation = np.sqrt(cv2.GaussianBlur(centered * centered, (0, 0), _CONTRAST_SIGMA))
    result: NDArray[np.float64] = centered / (deviation + _CONTRAST_FLOOR)
    return result


def _shrink(plane: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    side = plane.shape[0] // factor
    return np.asarray(cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA), dtype=np.float64)


def _oriented_energy(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    along_rows, along_columns = np.gradient(plane)
    magnitude = np.hypot(along_rows, along_columns)
    angle = np.arctan2(along_rows, along_columns) % np.pi
    place = angle / np.pi * _ORIENTATIONS
    lower = np.floor(place).astype(np.int64) % _ORIENTATIONS
    share = place - np.floor(place)
    energy = np.zeros((_ORIENTATIONS, *plane.shape))
    rows, columns = np.indices(plane.shape)
    energy[lower, rows, columns] += magnitude * (1.0 - share)
    energy[(lower + 1) % _ORIENTATIONS, rows, columns] += magnitude * share
    pooled = _pool(energy)
    # The root keeps one strong edge from outweighing everything else.
    rooted = np.sqrt(pooled / (pooled.sum() + np.finfo(np.float64).tiny))
    return np.asarray((rooted - rooted.mean()).reshape(-1), np.float64)


def _color_statistics(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    planes = np.moveaxis(lab, -1, 0) / np.array([50.0, 50.0, 50.0])[:, None, None]
    mean = _pool(planes)
    spread = np.sqrt(np.maximum(_pool(planes * planes) - mean * mean, 0.0))
    mean[0] -= 1.0  # mid-gray, L = 50, is the origin
    statistics = np.concatenate([mean, spread - 0.2]).reshape(-1)
    return np.asarray(statistics / _GRID, np.float64)


def _pool(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    count, side, _ = planes.shape
    cell = side // _GRID
    pooled: NDArray[np.float64] = planes.reshape(count, _GRID, cell, _GRID, cell).mean(axis=(2, 4))
    return pooled
