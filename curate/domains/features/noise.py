"""Features of the residual without the picture: noise, its color, its grain, and where it is."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .kernels import lag_sums, spike_counts
from .planes import Plane, Planes, log_energy, log_share

# Blind to planes and to straight edges along an axis (Immerkaer, CVIU 1996); unit gain on white noise.
_HIGH_PASS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
_BLOCK = 8
_FLAT = 0.3
_LUMA_BINS = 6
_ACTIVITY_BINS = 5
_SPIKES = np.array([8, 20, 45, 90])
_EXTREME = 11
_LAGS = np.array([(0, 0), (0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (2, 2)])
_CLIP = 30.0
_PAIRS = ((0, 1), (0, 2), (1, 2))
_QUIET = 0.1
_MISSING = np.float32(0.02)


def noise_features(planes: Planes) -> NDArray[np.float32]:
    """Describe the high-pass residual of each channel at full and half size, and its spikes."""
    half = planes.halved()
    chroma = [chroma_noise_features(coarse) for coarse in (half, half.halved())]
    return np.concatenate([_residuals(planes), _residuals(half), *chroma, _spikes(planes)])


def chroma_noise_features(planes: Planes) -> NDArray[np.float32]:
    """Describe how the noise of luma and of chroma is related in flat blocks.

    Saved as JPEG, noise added to RGB (type 11) and to YCbCr (type 12) hardly differ in anything else: the first is
    brighter where there is less blue. The halved chroma of JPEG hides it at full size, so ask coarser planes.

    Returns:
        Correlations of luma and blue, luma and red, blue and red; log energies of the three.
    """
    residual = [_high_pass(plane) for plane in (planes.luma, *planes.chroma)]
    activity, _ = _activity(planes.luma)
    flat = activity <= np.quantile(activity, _FLAT)
    energy = np.array([_block_means(r * r)[flat].mean() for r in residual], np.float32) + _MISSING
    together = [_block_means(residual[a] * residual[b])[flat].mean() for a, b in _PAIRS]
    first, second = np.array(_PAIRS).T
    return np.concatenate([together / np.sqrt(energy[first] * energy[second]), log_energy(energy, 0)])


def _residuals(planes: Planes) -> NDArray[np.float32]:
    residual = [_high_pass(plane) for plane in planes.rgb]
    luma = _high_pass(planes.luma)
    chroma = [_high_pass(plane) for plane in planes.chroma]
    energy = np.stack([_block_means(r * r) for r in (*residual, luma, *chroma)])
    cross = np.stack([_block_means(residual[a] * residual[b]) for a, b in _PAIRS])
    activity, brightness = _activity(planes.luma)
    flat = activity <= np.quantile(activity, _FLAT)
    levels = [log_energy(np.percentile(e, (2, 10, 30, 60, 95))) for e in energy]
    found = [*levels]
    for chosen in (flat, np.ones_like(flat)):
        mean = energy[:, chosen].mean(axis=1) + _MISSING
        together = cross[:, chosen].mean(axis=1)
        correlation = together / np.sqrt(mean[[0, 0, 1]] * mean[[1, 2, 2]])
        found += [log_energy(mean), log_energy(mean[[0, 2, 4, 5]]) - log_energy(mean[[1, 1, 3, 3]]), correlation]
    found += [_by_brightness(energy[3], brightness, flat), _by_activity(energy[3], activity)]
    found += [_tails(plane) for plane in (*residual, luma)]
    found += [_grain(luma, flat), _grain(chroma[0], flat), _grain(residual[1], flat)]
    return np.concatenate(found).astype(np.float32)


def _high_pass(plane: Plane) -> Plane:
    return np.asarray(cv2.filter2D(plane, -1, _HIGH_PASS), np.float32)


def _block_means(plane: Plane) -> NDArray[np.float32]:
    height, width = (length // _BLOCK for length in plane.shape)
    cut = plane[: height * _BLOCK, : width * _BLOCK]
    return np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.float32).ravel()


def _activity(luma: Plane) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    smooth = np.asarray(cv2.GaussianBlur(luma, (0, 0), 2.0), np.float32)
    slope = np.abs(cv2.Sobel(smooth, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    return _block_means(np.asarray(slope, np.float32)), _block_means(smooth)


def _by_brightness(
    energy: NDArray[np.float32], brightness: NDArray[np.float32], flat: NDArray[np.bool_]
) -> NDArray[np.float32]:
    overall = np.median(energy)
    bins = np.minimum((brightness * (_LUMA_BINS / 256)).astype(np.int64), _LUMA_BINS - 1)
    found = []
    for number in range(_LUMA_BINS):
        here = energy[(bins == number) & flat]
        few = here if here.size else energy[bins == number]
        found.append(np.median(few) if few.size else overall)
    return np.asarray(log_energy(np.array(found)) - log_energy(float(overall)), np.float32)


def _by_activity(energy: NDArray[np.float32], activity: NDArray[np.float32]) -> NDArray[np.float32]:
    parts = np.array_split(energy[np.argsort(activity, kind="stable")], _ACTIVITY_BINS)
    means = log_energy(np.array([part.mean() for part in parts]))
    slopes = log_energy(np.array([part.mean() for part in np.array_split(np.sort(activity), _ACTIVITY_BINS)]))
    return np.concatenate([means, means - 2 * slopes])


def _tails(plane: Plane) -> NDArray[np.float32]:
    square = plane * plane
    variance = float(square.mean()) + 0.02
    kurtosis = float((square * square).mean()) / variance**2
    size = float(np.abs(plane).mean()) / np.sqrt(variance)
    return np.array([np.log(kurtosis + 0.1), size, *log_share(np.array([(square < _QUIET).mean()]))], np.float32)


def _grain(plane: Plane, flat: NDArray[np.bool_]) -> NDArray[np.float32]:
    blocks = flat.reshape(plane.shape[0] // _BLOCK, plane.shape[1] // _BLOCK)
    products = lag_sums(plane, blocks, _BLOCK, _LAGS, _CLIP)
    return np.asarray(products[1:] / (products[0] + _MISSING), np.float32)


def _spikes(planes: Planes) -> NDArray[np.float32]:
    image = planes.image
    median = cv2.merge([cv2.medianBlur(channel, 3) for channel in cv2.split(image)])
    counts = spike_counts(image, np.asarray(median, np.uint8), _SPIKES, _EXTREME)
    return log_share(np.concatenate([count.ravel() for count in counts]) / planes.luma.size)
