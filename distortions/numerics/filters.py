"""Correlation with small kernels, edges replicated, in double precision.

A row of accumulators stays in the first-level cache and every kernel weight runs along it, which the compiler turns
into vector instructions; OpenCV's double-precision filters are slower and its single-precision ones miss codes.
Images may come as codes: a kernel that sums to 1 commutes with the line from codes to values, so that the line costs
nothing and the image need not be widened to double precision first.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .coded_image import CodedImage, Line
from .compiled import compiled

Samples = NDArray[np.uint8] | NDArray[np.float64]
UNCHANGED = Line(scale=1.0, offset=0.0)


def correlate_separable(
    image: Samples, half_kernel: NDArray[np.float64], line: Line = UNCHANGED
) -> NDArray[np.float64]:
    """Correlate every channel with a symmetric separable kernel.

    Args:
        image: H x W x C, uint8 or float64, C-contiguous.
        half_kernel: R + 1 weights from the middle outwards, of the same kernel along both axes.
        line: What to make of each sample.

    Returns:
        H x W x C, float64; beyond the border the nearest pixel is repeated.
    """
    out = np.empty(image.shape)
    height, width, channels = image.shape
    _separable(
        image.reshape(height, width * channels), channels, half_kernel, line, out.reshape(height, width * channels)
    )
    return out


def correlate_quadrant(image: Samples, quadrant: NDArray[np.float64], line: Line = UNCHANGED) -> NDArray[np.float64]:
    """Correlate every channel with a kernel symmetric about its middle row and its middle column.

    Args:
        image: H x W x C, uint8 or float64, C-contiguous.
        quadrant: (R + 1) x (S + 1) weights, float64, from the middle outwards.
        line: What to make of each sample; with an offset, the kernel must sum to 1.

    Returns:
        H x W x C, float64; beyond the border the nearest pixel is repeated.
    """
    out = np.empty(image.shape)
    height, width, channels = image.shape
    flat = out.reshape(height, width * channels)
    _quadrant(
        image.reshape(height, width * channels),
        channels,
        np.ascontiguousarray(quadrant) * line.scale,
        line.offset,
        flat,
    )
    return out


def correlate(image: CodedImage, kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlate every channel with an arbitrary kernel; zero weights cost nothing.

    Products are added in the reference's order, column after column of the kernel: short motion kernels have weights
    like 1/4 and 1/2, whose sums end on exact halves of a code, where the last bit decides.

    Args:
        image: The image.
        kernel: (2 R + 1) x (2 S + 1) weights, float64.

    Returns:
        H x W x C, float64; beyond the border the nearest pixel is repeated.
    """
    height, width, channels = image.codes.shape
    reach = kernel.shape[1] // 2
    codes = cv2.copyMakeBorder(image.codes, 0, 0, reach, reach, cv2.BORDER_REPLICATE)
    padded = image.with_codes(np.asarray(codes, dtype=np.uint8)).dense()
    out = np.empty(image.codes.shape)
    flat = out.reshape(height, width * channels)
    _dense(padded.reshape(height, -1), channels, np.ascontiguousarray(kernel), flat)
    return out


@compiled
def _fill_margins(row: NDArray[np.float64], margin: int, channels: int) -> None:
    """Repeat the first and last pixel of a padded row into its margins, each ``margin`` samples wide."""
    last = row.size - margin - channels
    for i in range(margin):
        row[i] = row[margin + i % channels]
        row[row.size - margin + i] = row[last + i % channels]


@compiled
def _separable(
    image: Samples, channels: int, half_kernel: NDArray[np.float64], line: Line, out: NDArray[np.float64]
) -> None:
    height, samples = image.shape
    offset = line.offset
    radius = half_kernel.size - 1
    margin = radius * channels
    row = np.empty(samples + 2 * margin)
    middle = row[margin : margin + samples]
    center = half_kernel[0]  # a scalar: an array element would be read again for every sample
    for y in range(height):
        source = image[y]
        for i in range(samples):
            middle[i] = line.scale * center * source[i]
        for j in range(1, radius + 1):
            above, below = image[max(y - j, 0)], image[min(y + j, height - 1)]
            weight = line.scale * half_kernel[j]
            for i in range(samples):
                middle[i] += weight * (float(above[i]) + float(below[i]))
        _fill_margins(row, margin, channels)
        target = out[y]
        for i in range(samples):
            target[i] = offset + center * middle[i]
        for j in range(1, radius + 1):
            left = row[margin - j * channels : margin - j * channels + samples]
            right = row[margin + j * channels : margin + j * channels + samples]
            weight = half_kernel[j]
            for i in range(samples):
                target[i] += weight * (left[i] + right[i])


@compiled
def _quadrant(
    image: Samples, channels: int, quadrant: NDArray[np.float64], offset: float, out: NDArray[np.float64]
) -> None:
    height, samples = image.shape
    reach = quadrant.shape[1] - 1
    margin = reach * channels
    row = np.empty(samples + 2 * margin)
    middle = row[margin : margin + samples]
    for y in range(height):
        target = out[y]
        target[:] = offset
        for j in range(quadrant.shape[0]):
            above, below = image[max(y - j, 0)], image[min(y + j, height - 1)]
            # The middle row counts once: half of it is added to half of it.
            share = 0.5 if j == 0 else 1.0
            for i in range(samples):
                middle[i] = share * (float(above[i]) + float(below[i]))
            _fill_margins(row, margin, channels)
            for k in range(reach + 1):
                weight = (0.5 if k == 0 else 1.0) * quadrant[j, k]
                if weight != 0.0:
                    left = row[margin - k * channels : margin - k * channels + samples]
                    right = row[margin + k * channels : margin + k * channels + samples]
                    for i in range(samples):
                        target[i] += weight * (left[i] + right[i])


@compiled
def _dense(padded: NDArray[np.float64], channels: int, kernel: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    height, samples = out.shape
    rows, columns = kernel.shape
    for y in range(height):
        target = out[y]
        target[:] = 0.0
        for k in range(columns):
            for j in range(rows):
                weight = kernel[j, k]
                if weight != 0.0:
                    source = padded[min(max(y + j - rows // 2, 0), height - 1)]
                    shifted = source[k * channels : k * channels + samples]
                    for i in range(samples):
                        target[i] += weight * shifted[i]
