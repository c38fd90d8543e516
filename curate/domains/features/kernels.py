"""Machine-code loops of the domain features: one pass over the pixels where numpy would take a dozen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....distortions.numerics.compiled import compiled

_TONES = 256
_MOMENTS, _DIRECTIONS = 4, 4


@compiled
def contrast_sums(
    normal: NDArray[np.float32], edges: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Sum powers, neighbor products and a histogram of normalized coefficients.

    Args:
        normal: (H, W).
        edges: Inner edges of the histogram, rising.

    Returns:
        Sums of |n|, n^2, n^3 and n^4; sum and absolute sum of the products with the neighbor on the right, below,
        below right and below left, (4, 2); counts between the edges.
    """
    height, width = normal.shape
    powers = np.zeros(_MOMENTS)
    products = np.zeros((_DIRECTIONS, 2))
    counts = np.zeros(len(edges) + 1, np.int64)
    for y in range(height):
        for x in range(width):
            value = normal[y, x]
            square = value * value
            powers[0] += abs(value)
            powers[1] += square
            powers[2] += square * value
            powers[3] += square * square
            place = 0
            for edge in edges:
                place += value >= edge
            counts[place] += 1
            if x + 1 < width:
                product = value * normal[y, x + 1]
                products[0, 0] += product
                products[0, 1] += abs(product)
            if y + 1 < height:
                product = value * normal[y + 1, x]
                products[1, 0] += product
                products[1, 1] += abs(product)
                if x + 1 < width:
                    product = value * normal[y + 1, x + 1]
                    products[2, 0] += product
                    products[2, 1] += abs(product)
                if x > 0:
                    product = value * normal[y + 1, x - 1]
                    products[3, 0] += product
                    products[3, 1] += abs(product)
    return powers, products, counts


@compiled
def tone_counts(image: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count codes and colors of a picture.

    Args:
        image: (H, W, 3).

    Returns:
        Histograms of red, green, blue, the largest, the smallest channel and (rounded) luma, (6, 256); the number of
        different colors at 7, 6 and 5 bits per channel.
    """
    height, width = image.shape[:2]
    counts = np.zeros((6, _TONES), np.int64)
    fine = np.zeros(1 << 21, np.bool_)
    middle = np.zeros(1 << 18, np.bool_)
    coarse = np.zeros(1 << 15, np.bool_)
    for y in range(height):
        for x in range(width):
            red, green, blue = np.int64(image[y, x, 0]), np.int64(image[y, x, 1]), np.int64(image[y, x, 2])
            counts[0, red] += 1
            counts[1, green] += 1
            counts[2, blue] += 1
            counts[3, max(red, green, blue)] += 1
            counts[4, min(red, green, blue)] += 1
            counts[5, (299 * red + 587 * green + 114 * blue + 500) // 1000] += 1
            fine[(red >> 1) << 14 | (green >> 1) << 7 | blue >> 1] = True
            middle[(red >> 2) << 12 | (green >> 2) << 6 | blue >> 2] = True
            coarse[(red >> 3) << 10 | (green >> 3) << 5 | blue >> 3] = True
    return counts, np.array([fine.sum(), middle.sum(), coarse.sum()])


@compiled
def lag_sums(
    residual: NDArray[np.float32], chosen: NDArray[np.bool_], block: int, lags: NDArray[np.int64], limit: float
) -> NDArray[np.float64]:
    """Sum products of a clipped residual with itself some pixels away, over chosen blocks.

    Args:
        residual: (H, W).
        chosen: (H // block, W // block).
        block: Side of a block in pixels.
        lags: (L, 2) rows down and columns to the right.
        limit: Values are clipped to [-limit, limit].

    Returns:
        Mean product per lag, (L,); 0 where no pixel has such a neighbor.
    """
    height, width = chosen.shape[0] * block, chosen.shape[1] * block
    sums = np.zeros(len(lags))
    counts = np.zeros(len(lags), np.int64)
    for y in range(height):
        for x in range(width):
            if not chosen[y // block, x // block]:
                continue
            value = min(max(residual[y, x], -limit), limit)
            for number in range(len(lags)):
                below, right = y + lags[number, 0], x + lags[number, 1]
                if below < height and 0 <= right < width:
                    sums[number] += value * min(max(residual[below, right], -limit), limit)
                    counts[number] += 1
    return sums / np.maximum(counts, 1)


@compiled
def spike_counts(
    image: NDArray[np.uint8], median: NDArray[np.uint8], limits: NDArray[np.int64], near: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Count samples far from their 3 x 3 median.

    Args:
        image: (H, W, 3).
        median: The same, median-filtered per channel.
        limits: How far is far, rising, (L,).
        near: Codes up to this far from 0 and 255 count as extreme.

    Returns:
        Samples beyond each limit, (L, 3); pixels of which one, two, three channels are beyond the third limit, (3,);
        extreme samples beyond the third limit, (3,).
    """
    height, width = image.shape[:2]
    beyond = np.zeros((len(limits), 3), np.int64)
    together = np.zeros(4, np.int64)
    extreme = np.zeros(3, np.int64)
    for y in range(height):
        for x in range(width):
            several = 0
            for c in range(3):
                value = np.int64(image[y, x, c])
                away = abs(value - np.int64(median[y, x, c]))
                for number in range(len(limits)):
                    if away > limits[number]:
                        beyond[number, c] += 1
                if away > limits[2]:
                    several += 1
                    if value <= near or value >= 255 - near:
                        extreme[c] += 1
            together[several] += 1
    return beyond, together[1:], extreme


@compiled
def sudden_steps(
    image: NDArray[np.uint8], cap: float, noticeable: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Find steps between neighboring pixels that exceed those beside them.

    Args:
        image: (H, W, 3).
        cap: Largest excess that is counted, in code values.
        noticeable: Smallest excess that counts as one.

    Returns:
        For the step from x-1 to x the mean excess over the channels and the share of channels with a noticeable one,
        then the same for the step from y-1 to y; each (H, W), 0 within two pixels of an end.
    """
    height, width = image.shape[:2]
    across, across_often = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    down, down_often = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            for c in range(3):
                here = np.int64(image[y, x, c])
                if 1 < x < width - 1:
                    before = np.int64(image[y, x - 1, c])
                    beside = max(abs(before - np.int64(image[y, x - 2, c])), abs(np.int64(image[y, x + 1, c]) - here))
                    excess = abs(here - before) - beside
                    across[y, x] += min(max(float(excess), 0.0), cap) / 3
                    across_often[y, x] += (excess > noticeable) / 3
                if 1 < y < height - 1:
                    before = np.int64(image[y - 1, x, c])
                    beside = max(abs(before - np.int64(image[y - 2, x, c])), abs(np.int64(image[y + 1, x, c]) - here))
                    excess = abs(here - before) - beside
                    down[y, x] += min(max(float(excess), 0.0), cap) / 3
                    down_often[y, x] += (excess > noticeable) / 3
    return across, across_often, down, down_often
