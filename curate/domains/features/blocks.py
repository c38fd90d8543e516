"""Features of grids, copies and shifts: coding blocks, repeated rows, pasted squares, moved channels."""

from __future__ import annotations

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from .kernels import sudden_steps
from .planes import Plane, Planes, halve, log_energy, log_share

_JPEG_BLOCK = 8
_DCT_BANDS = 6
_CAP = 24.0  # of a step in code values, so that one strong edge does not count for a whole side
_NOTICEABLE = 0.5  # code values
_SQUARES = (16, 32)  # sides of the pasted squares of types 20 and 23
_RANKS = (0, 1, 2, 4, 8, 16)
_SHIFTS = 14
_RING = 2


def grid_features(planes: Planes) -> NDArray[np.float32]:
    """Describe the 8 x 8 grid of block coding: its edges, and the coefficients that it has put to zero."""
    luma, chroma = planes.luma, planes.chroma[0] + planes.chroma[1]
    found = []
    phases = []
    for axis in (1, 0):
        profile = _edge_profile(luma, axis)
        folded = _fold(profile, _JPEG_BLOCK)
        phases.append(int(np.argmax(folded)))
        found.append(_contrast_of(folded))
        found.append(_contrast_of(_fold(_edge_profile(chroma, axis), 2 * _JPEG_BLOCK)))
    on_grid = _zero_shares(luma, (phases[1] + 1) % _JPEG_BLOCK, (phases[0] + 1) % _JPEG_BLOCK)
    off_grid = _zero_shares(luma, (phases[1] + 5) % _JPEG_BLOCK, (phases[0] + 5) % _JPEG_BLOCK)
    return np.concatenate([*found, on_grid, on_grid - off_grid]).astype(np.float32)


def copy_features(planes: Planes) -> NDArray[np.float32]:
    """Describe rows and columns that repeat their neighbor, as nearest-neighbor scaling leaves them."""
    found = []
    for axis in (1, 0):
        steps = sum(np.abs(np.diff(plane, axis=axis)).mean(axis=1 - axis) for plane in planes.rgb)
        profile = np.asarray(steps, np.float32) + np.float32(0.05)
        around = (profile[:-2] + profile[2:]) / 2
        relative = np.log(profile[1:-1] / around)
        waves = np.abs(np.fft.rfft(relative - relative.mean())) / np.sqrt(len(relative))
        typical = np.median(profile)
        low = [(profile < share * typical).mean() for share in (0.1, 0.3, 0.6)]
        found += [
            np.percentile(relative, (0, 2, 5, 10, 25, 50, 90)).astype(np.float32),
            np.log((np.sort(waves)[[-1, -4]] + 0.02) / (np.median(waves) + 0.02)).astype(np.float32),
            log_share(np.array(low)),
        ]
    return np.concatenate(found)


def square_features(planes: Planes) -> NDArray[np.float32]:
    """Describe axis-parallel squares with a sudden border, of the sides that types 20 and 23 paste.

    Once by how large the steps along the border are, once by how often they are larger than those beside them: the
    second holds in textures, where a third of all steps are, whatever their size.
    """
    across, across_often, down, down_often = sudden_steps(planes.image, _CAP, _NOTICEABLE)
    quiet = _quiet(planes, _SQUARES[1])
    found = []
    for side in _SQUARES:
        weakest, pairs, _ = _squares(across, down, side)
        found += [_leaders(weakest, 0.3), _leaders(pairs, 0.3)]
        height, width = weakest.shape
        if side == _SQUARES[1]:
            found.append(_leaders(weakest * quiet[:height, :width], 0.3))
            found.append(log_share(np.array([quiet[:height, :width].mean()])))
        often, _, mean = _squares(across_often, down_often, side)
        found += [_leaders(often, 0.05), _leaders(mean, 0.05)]
    return np.concatenate(found).astype(np.float32)


def shift_features(planes: Planes) -> NDArray[np.float32]:
    """Describe how green is shifted against red and blue: type 5 moves it down and to the right."""
    red, green, blue = planes.rgb
    other = np.asarray((red + blue) / 2, np.float32)
    return np.concatenate([_shift(green, other), _shift(halve(green), halve(other))])


def _edge_profile(plane: Plane, axis: int) -> NDArray[np.float32]:
    step = np.abs(np.diff(plane, axis=axis))
    middle = step.take(range(1, step.shape[axis] - 1), axis=axis)
    sides = step.take(range(step.shape[axis] - 2), axis=axis) + step.take(range(2, step.shape[axis]), axis=axis)
    beyond = np.clip(middle - sides / 2, -_CAP, _CAP)
    # Entry k of the profile belongs to the border between pixels k+1 and k+2; one is put in front to make it k and k+1.
    return np.concatenate([[0], np.asarray(beyond.mean(axis=1 - axis), np.float32)])


def _fold(profile: NDArray[np.float32], period: int) -> NDArray[np.float32]:
    place = np.arange(len(profile)) % period
    return np.asarray(np.bincount(place, profile, period) / np.bincount(place, minlength=period), np.float32)


def _contrast_of(folded: NDArray[np.float32]) -> NDArray[np.float32]:
    ordered = np.sort(folded)
    return np.array(
        [*log_energy(np.maximum(ordered[[-1, -2]] - np.median(ordered), 0), 0.01), ordered[-1] - ordered[-3]]
    )


def _zero_shares(luma: Plane, top: int, left: int) -> NDArray[np.float32]:
    height, width = ((length - start) // _JPEG_BLOCK for length, start in zip(luma.shape, (top, left), strict=True))
    cut = luma[top : top + height * _JPEG_BLOCK, left : left + width * _JPEG_BLOCK]
    blocks = cut.reshape(height, _JPEG_BLOCK, width, _JPEG_BLOCK).transpose(0, 2, 1, 3)
    coefficients = np.abs(scipy.fft.dctn(blocks, axes=(2, 3), norm="ortho"))
    order = np.add.outer(np.arange(_JPEG_BLOCK), np.arange(_JPEG_BLOCK))
    band = np.minimum((order + 1) // 2, _DCT_BANDS - 1)
    small = (coefficients < 1).mean(axis=(0, 1))
    return np.asarray(np.bincount(band.ravel(), small.ravel()) / np.bincount(band.ravel()), np.float32)[1:]


def _squares(across: Plane, down: Plane, side: int) -> tuple[Plane, Plane, Plane]:
    """Return the weakest side, the weaker pair of opposite sides and the mean side of the square from each pixel on."""
    vertical, horizontal = _runs(across, (1, side)), _runs(down, (side, 1))
    height, width = max(0, vertical.shape[0] - side), max(0, vertical.shape[1] - side)
    left, right = vertical[:height, :width], vertical[:height, side : side + width]
    top, bottom = horizontal[:height, :width], horizontal[side : side + height, :width]
    weakest = np.minimum(np.minimum(left, right), np.minimum(top, bottom))
    pairs, mean = np.minimum(left + right, top + bottom) / 2, (left + right + top + bottom) / 4
    return weakest, np.asarray(pairs, np.float32), np.asarray(mean, np.float32)


def _runs(steps: Plane, size: tuple[int, int]) -> Plane:
    mean = cv2.boxFilter(steps, -1, size, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(mean, np.float32)


def _quiet(planes: Planes, side: int) -> Plane:
    inner = side - 6
    worst = None
    for plane in planes.rgb:
        moved = cv2.copyMakeBorder(plane, 0, inner, 0, inner, cv2.BORDER_REPLICATE)[3 : 3 + plane.shape[0] + inner - 3]
        moved = moved[:, 3:]
        mean = cv2.boxFilter(moved, -1, (inner, inner), anchor=(0, 0))
        square = cv2.boxFilter(moved * moved, -1, (inner, inner), anchor=(0, 0))
        variance = (square - mean * mean)[: plane.shape[0], : plane.shape[1]]
        worst = variance if worst is None else np.maximum(worst, variance)
    assert worst is not None
    return np.asarray(1 / (1 + np.maximum(worst, 0) / 4), np.float32)


def _leaders(response: Plane, floor: float) -> NDArray[np.float32]:
    if min(response.shape) < _SQUARES[0]:
        return np.zeros(len(_RANKS) + 1, np.float32)
    tile = _SQUARES[0]
    height, width = (length // tile for length in response.shape)
    tiles = response[: height * tile, : width * tile].reshape(height, tile, width, tile).max(axis=(1, 3)).ravel()
    falling = np.sort(tiles)[::-1]
    return log_energy(np.append(falling[[min(rank, len(falling) - 1) for rank in _RANKS]], np.median(tiles)), floor)


def _shift(green: Plane, other: Plane) -> NDArray[np.float32]:
    size = [scipy.fft.next_fast_len(length, real=True) for length in green.shape]
    high = [scipy.fft.rfft2(plane - cv2.GaussianBlur(plane, (0, 0), 6), size) for plane in (green, other)]
    cross = high[0] * np.conj(high[1])
    size_of = np.abs(cross)
    phase = cross / (size_of + size_of.mean() * 0.1 + 1e-3)
    surface = scipy.fft.irfft2(phase, size).astype(np.float32)
    offsets = np.arange(-_SHIFTS, _SHIFTS + 1)
    around = surface[np.ix_(offsets % size[0], offsets % size[1])]
    around = np.asarray(cv2.GaussianBlur(around, (3, 3), 0.8), np.float32)
    center = _SHIFTS
    peak = float(around[center, center])
    scale = float(around.std()) + 1e-6
    forward, backward = around[center:, center:].copy(), around[center::-1, center::-1].copy()
    aside = np.maximum(around[center:, center::-1], around[center::-1, center:])
    odd = forward - backward
    found = [peak / scale / 10]
    for part in (forward, backward, aside.copy(), odd):
        part[:_RING, :_RING] = 0
        down, right = divmod(int(np.argmax(part)), part.shape[1])
        best = float(part[down, right])
        found += [best / scale, best / (abs(peak) + 1e-6), float(np.hypot(down, right)) / _SHIFTS]
    return np.array(found, np.float32)
