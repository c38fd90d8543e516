"""Features of local contrast: natural-scene statistics over scales, spectra, and chroma detail beside luma."""

from __future__ import annotations

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from .kernels import contrast_sums
from .planes import Plane, Planes, halve, log_energy

_WINDOW, _SIGMA = (7, 7), 7 / 6  # BRISQUE (Mittal, Moorthy, Bovik, TIP 2012)
_EDGES = np.array([-2.5, -1.8, -1.2, -0.8, -0.5, -0.2, 0.2, 0.5, 0.8, 1.2, 1.8, 2.5], np.float32)
_LUMA_SCALES, _CHROMA_SCALES = 3, 3
_SPECTRUM = 128
_RADII = 32
_ANGLES = 12
_BANDS = ((0.04, 0.12), (0.12, 0.25), (0.25, 0.45))
_CHROMA_RADII = 8


def texture_features(planes: Planes) -> NDArray[np.float32]:
    """Describe mean-subtracted, contrast-normalized coefficients of luma and chroma over scales.

    Source: BRISQUE (Mittal, Moorthy, Bovik, TIP 2012), whose fits are replaced by plain histograms and moments.
    """
    found = []
    for plane, scales in ((planes.luma, _LUMA_SCALES), *((chroma, _CHROMA_SCALES) for chroma in planes.chroma)):
        here = plane
        for scale in range(scales):
            found.append(_normalized_statistics(here, histogram=plane is planes.luma))
            if scale + 1 < scales:
                here = halve(here)
    return np.concatenate(found)


def detail_features(planes: Planes) -> NDArray[np.float32]:
    """Describe how much chroma varies beside luma, from single pixels to areas of 16."""
    found: list[NDArray[np.float32]] = []
    luma, (blue, red) = planes.luma, planes.chroma
    for _ in range(5):
        steps = [_steps(plane) for plane in (luma, blue, red)]
        base = log_energy(np.array(steps[0]))
        found += [base, log_energy(np.array(steps[1])) - base, log_energy(np.array(steps[2])) - base]
        luma, blue, red = halve(luma), halve(blue), halve(red)
    return np.concatenate(found)


def spectrum_features(planes: Planes) -> NDArray[np.float32]:
    """Describe the spectrum by radius and by angle: blur kernels leave zeros, motion leaves a direction."""
    power = _log_power(planes.luma)
    radius, angle = _polar()
    ring = np.minimum((radius * 2 * _RADII).astype(np.int64), _RADII)
    radial = _means(power, ring, _RADII + 1)
    slopes = radial[2:-1] - radial[:-3]
    rising = np.maximum(np.diff(radial[2:-1]), 0)  # a disk leaves lobes, a Gaussian falls all the way
    found = [radial - radial[1], radial[1:2], slopes, np.array([rising.sum(), rising.max()])]
    sector = np.floor(angle / np.pi * _ANGLES + 0.5).astype(np.int64) % _ANGLES
    for low, high in _BANDS:
        inside = (radius >= low) & (radius < high)
        by_angle = _means((power - radial[ring])[inside], sector[inside], _ANGLES)
        wave = np.abs(np.fft.rfft(by_angle))[1:4] / _ANGLES
        found += [np.sort(by_angle), by_angle[[0, _ANGLES // 2]], wave.astype(np.float32)]
    chroma_ring = np.minimum((radius * 2 * _CHROMA_RADII).astype(np.int64), _CHROMA_RADII)
    for plane in planes.chroma:
        chroma = _means(_log_power(plane), chroma_ring, _CHROMA_RADII + 1)
        found += [chroma - radial[1]]
    return np.concatenate(found).astype(np.float32)


def _normalized_statistics(plane: Plane, *, histogram: bool) -> NDArray[np.float32]:
    mean = cv2.GaussianBlur(plane, _WINDOW, _SIGMA, borderType=cv2.BORDER_REFLECT_101)
    square = cv2.GaussianBlur(plane * plane, _WINDOW, _SIGMA, borderType=cv2.BORDER_REFLECT_101)
    sigma = np.sqrt(np.maximum(square - mean * mean, 0))
    normal = (plane - mean) / (sigma + 1)
    powers, products, counts = contrast_sums(normal, _EDGES)
    size, variance, skewed, peaked = powers / normal.size
    variance += 1e-4
    products /= normal.size * variance
    facts = [variance, size**2 / variance, peaked / variance**2 / 10, skewed / variance**1.5 / 2, *products.ravel()]
    spread = log_energy(np.percentile(sigma[::2, ::2], (2, 10, 25, 50, 75, 95)), 0.05)
    found = [np.array(facts, np.float32), spread]
    if histogram:
        found.append(np.sqrt(counts / normal.size).astype(np.float32))
    return np.concatenate(found)


def _steps(plane: Plane) -> tuple[float, float]:
    return float(np.abs(np.diff(plane, axis=1)).mean()), float(np.abs(np.diff(plane, axis=0)).mean())


def _log_power(plane: Plane) -> NDArray[np.float32]:
    side = min(_SPECTRUM, *plane.shape)
    rows, columns = (_starts(length, side) for length in plane.shape)
    window = np.hanning(side + 2)[1:-1].astype(np.float32)
    taper = np.outer(window, window)
    tiles = np.stack([plane[y : y + side, x : x + side] for y in rows for x in columns])
    tiles = (tiles - tiles.mean(axis=(1, 2), keepdims=True)) * taper
    if side < _SPECTRUM:
        tiles = np.pad(tiles, ((0, 0), (0, _SPECTRUM - side), (0, _SPECTRUM - side)))
    waves = scipy.fft.rfft2(tiles)
    power = waves.real**2 + waves.imag**2
    return np.asarray(np.log(power / np.square(taper).sum() + np.float32(0.05)).mean(axis=0), np.float32)


def _starts(length: int, side: int) -> list[int]:
    count = max(1, round(2 * (length - side) / side) + 1)
    return [round(step * (length - side) / max(1, count - 1)) for step in range(count)]


def _polar() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    down = np.fft.fftfreq(_SPECTRUM)[:, None]
    right = np.fft.rfftfreq(_SPECTRUM)[None, :]
    return np.hypot(down, right), np.arctan2(down, right) % np.pi


def _means(values: NDArray[np.float32], groups: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    total = np.bincount(groups.ravel(), values.ravel(), minlength=count)
    return np.asarray(total / np.maximum(np.bincount(groups.ravel(), minlength=count), 1), np.float32)
