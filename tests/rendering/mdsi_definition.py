"""MDSI as the paper writes it, in float64 and step by step: slow, and what the fast one is compared with.

Source: H. Z. Nafchi et al., "Mean Deviation Similarity Index", IEEE Access 4 (2016), equations 3-11.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

_C1, _C2, _C3 = 140.0, 55.0, 550.0
_GRADIENT_SHARE = 0.6
_POWER = 0.25
_WORKING_SIDE = 256
_LUMINANCE = (0.2989, 0.5870, 0.1140)
_CHROMA_H = (0.30, 0.04, -0.35)
_CHROMA_M = (0.34, -0.60, 0.17)


def mdsi_by_definition(reference: NDArray[np.uint8], distorted: NDArray[np.uint8]) -> float:
    """Return the score of two pictures of one shape, uint8 (H, W, 3) RGB."""
    first, second = _opponent(reference), _opponent(distorted)
    gradient = _gradient_similarity(first[..., 0], second[..., 0])
    chroma = _similarity(first[..., 1:], second[..., 1:], _C3)
    similarity = _GRADIENT_SHARE * gradient + (1.0 - _GRADIENT_SHARE) * chroma
    # A similarity can be slightly negative; the paper takes its complex root.
    rooted = similarity.astype(np.complex128) ** _POWER
    return float(np.abs(rooted - rooted.mean()).mean() ** _POWER)


def _opponent(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    pixels = image.astype(np.float64)
    factor = max(1, round(min(image.shape[:2]) / _WORKING_SIDE))
    if factor > 1:
        blurred = cv2.blur(pixels, (factor, factor), borderType=cv2.BORDER_REFLECT)
        pixels = np.asarray(blurred[::factor, ::factor], np.float64)
    result: NDArray[np.float64] = pixels @ np.array([_LUMINANCE, _CHROMA_H, _CHROMA_M]).T
    return result


def _gradient_similarity(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b, fused = _gradient(first), _gradient(second), _gradient((first + second) / 2)
    return _ratio(a, b, _C1) + _ratio(b, fused, _C2) - _ratio(a, fused, _C2)


def _gradient(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    prewitt = np.array([[1.0, 0.0, -1.0]] * 3) / 3.0
    horizontal = cv2.filter2D(plane, cv2.CV_64F, prewitt, borderType=cv2.BORDER_REPLICATE)
    vertical = cv2.filter2D(plane, cv2.CV_64F, prewitt.T, borderType=cv2.BORDER_REPLICATE)
    return np.hypot(horizontal, vertical)


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64], constant: float) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (2.0 * a * b + constant) / (a * a + b * b + constant)
    return result


def _similarity(a: NDArray[np.float64], b: NDArray[np.float64], constant: float) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (2.0 * (a * b).sum(-1) + constant) / ((a * a).sum(-1) + (b * b).sum(-1) + constant)
    return result
