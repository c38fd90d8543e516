"""A label for an image whose reference is at hand: a full-reference metric on a fixed mapping to [0, 10]."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ..manifest.schema import LABEL_MAXIMUM

METRIC = "mdsi"

# Constants of MDSI (Nafchi et al., IEEE Access 2016), for 8-bit code values.
_C1, _C2, _C3 = 140.0, 55.0, 550.0
_GRADIENT_SHARE = 0.6
_POWER = 0.25
_WORST_DEVIATION = 0.44
_WORKING_SIDE = 256
_LUMINANCE = (0.2989, 0.5870, 0.1140)
_CHROMA_H = (0.30, 0.04, -0.35)
_CHROMA_M = (0.34, -0.60, 0.17)


def mdsi(reference: NDArray[np.uint8], distorted: NDArray[np.uint8]) -> float:
    """Measure how far an image is from its reference: the mean deviation similarity index.

    Gradients and chromaticity are compared pixel by pixel; the score is the deviation of that similarity over the
    picture. A uniform change of brightness is therefore forgiven, as people forgive it.

    Args:
        reference: uint8 (H, W, 3) RGB.
        distorted: uint8, the same shape.

    Returns:
        0 for equal images, larger is worse; up to about 0.7 on photographs.

    Raises:
        ValueError: The shapes differ.

    Source: H. Z. Nafchi et al., "Mean Deviation Similarity Index", IEEE Access 4 (2016), equations 3-11.
    """
    if reference.shape != distorted.shape:
        raise ValueError(f"the reference is {reference.shape}, the distorted image {distorted.shape}")
    first, second = _opponent(reference), _opponent(distorted)
    gradient = _gradient_similarity(first[..., 0], second[..., 0])
    chroma = _similarity(first[..., 1:], second[..., 1:], _C3)
    similarity = _GRADIENT_SHARE * gradient + (1.0 - _GRADIENT_SHARE) * chroma
    # A similarity can be slightly negative; the paper takes its complex root.
    rooted = similarity.astype(np.complex128) ** _POWER
    return float(np.abs(rooted - rooted.mean()).mean() ** _POWER)


def proxy_quality(deviation: float) -> float:
    """Map an MDSI score to quality on [0, 10], higher is better.

    The mapping is fixed, 10 (1 - (m / 0.44)^2) and 0 beyond, never a min-max over what happened to be rendered: labels
    of two runs are comparable. Its two constants were fitted once to human labels: MAE 1.14 and SRCC 0.896 over 75
    distorted versions (25 types, levels 1, 3, 5) of one KADID-10k reference.

    Args:
        deviation: An MDSI score.

    Returns:
        Quality on [0, 10].
    """
    return LABEL_MAXIMUM * max(0.0, 1.0 - (deviation / _WORST_DEVIATION) ** 2)


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
