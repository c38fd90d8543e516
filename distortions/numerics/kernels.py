"""Blur kernels: Gaussian, disk and motion line, with the weights of MATLAB's ``fspecial``."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

EPS = 2.0**-52


def gaussian_half_kernel(sigma: float, radius: int | None = None) -> NDArray[np.float64]:
    """Return one half of a one-dimensional Gaussian kernel; the full two-dimensional one is its outer product.

    Args:
        sigma: Standard deviation in pixels.
        radius: Half width in pixels; ``ceil(2 sigma)`` if not given.

    Returns:
        ``radius + 1`` weights from the middle outwards, float64; the full kernel sums to 1. Weights below machine
        epsilon are exactly zero, which makes sigma 0.1 the identity.
    """
    reach = math.ceil(2 * sigma) if radius is None else radius
    weights = np.exp(-(np.arange(reach + 1) ** 2) / (2 * sigma * sigma))
    weights[weights < EPS] = 0.0
    half: NDArray[np.float64] = weights / (weights[0] + 2 * weights[1:].sum())
    return half


def disk_quadrant(radius: int) -> NDArray[np.float64]:
    """Return one quadrant of a disk kernel: the area that each pixel shares with a circle around the middle pixel.

    Args:
        radius: Radius of the circle in pixels, at least 1.

    Returns:
        (radius + 1) x (radius + 1) weights from the middle outwards, float64; the full kernel, this quadrant mirrored
        about its first row and column, sums to 1.
    """
    edges = np.arange(radius + 1) + 0.5
    # Area of the circle in [0, x] x [0, y] at every corner of the pixel grid of one quadrant; a pixel's share is the
    # mixed difference. Half of the middle row and column is in the quadrant, hence the doubling.
    corners = np.zeros((radius + 2, radius + 2))
    corners[1:, 1:] = [[_quarter_disk_area(x, y, radius) for x in edges] for y in edges]
    quadrant = np.diff(np.diff(corners, axis=0), axis=1)
    quadrant[0, :] *= 2
    quadrant[:, 0] *= 2
    # Everything but the middle row stands for two rows of the full kernel, and so do the columns.
    copies = np.where(np.arange(radius + 1) == 0, 1, 2)
    result: NDArray[np.float64] = quadrant / (quadrant * copies * copies[:, np.newaxis]).sum()
    return result


def motion_kernel(length: int, angle: float) -> NDArray[np.float64]:
    """Return an anti-aliased line segment, one pixel wide, as a kernel.

    Args:
        length: Length of the segment in pixels, at least 1.
        angle: Degrees counter-clockwise from the horizontal; modulo 180.

    Returns:
        Weights that sum to 1, float64, both sides odd.
    """
    half = (length - 1) / 2
    phi = math.fmod(angle, 180) * math.pi / 180
    cos, sin = math.cos(phi), math.sin(phi)
    # At 90 degrees the floating-point cosine is a tiny positive number, and the sign is taken from it as it is.
    step = int(np.sign(cos))
    last_column = math.trunc(half * cos + step - length * EPS)
    last_row = math.trunc(half * sin + 1 - length * EPS)
    x = np.arange(0, abs(last_column) + 1) * step
    y = np.arange(0, last_row + 1)[:, np.newaxis]
    distance = y * cos - x * sin
    beyond = (np.hypot(x, y) >= half) & (np.abs(distance) <= 1)
    along = half - np.abs((x + distance * sin) / cos)
    distance = np.where(beyond, np.sqrt(distance**2 + along**2), distance)
    weights = np.maximum(1 + EPS - np.abs(distance), 0)
    rows, columns = weights.shape
    kernel = np.zeros((2 * rows - 1, 2 * columns - 1))
    kernel[:rows, :columns] = weights[::-1, ::-1]
    kernel[rows - 1 :, columns - 1 :] = weights
    kernel /= kernel.sum() + EPS * length * length
    return kernel[::-1] if cos > 0 else kernel


def _quarter_disk_area(x: float, y: float, radius: float) -> float:
    """Area of the disk's first quadrant inside [0, x] x [0, y]."""
    x, y = min(x, radius), min(y, radius)
    if math.hypot(x, y) <= radius:
        return x * y
    # Left of `turn` the arc runs above y; from there to x it bounds the area.
    turn = math.sqrt(radius * radius - y * y)
    return turn * y + _area_under_arc(x, radius) - _area_under_arc(turn, radius)


def _area_under_arc(x: float, radius: float) -> float:
    return (x * math.sqrt(max(radius * radius - x * x, 0.0)) + radius * radius * math.asin(min(x / radius, 1.0))) / 2
