"""Features of tones and colors: what tone curves, saturation and quantisation leave behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .kernels import tone_counts
from .planes import Planes, log_energy, log_share

_TONES = 256
_ZONES = 4
_ENDS = (1, 4, 9)
_COARSE_BINS = 16
_PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
_TOP_CODES = (8, 16, 32, 64)
_HUES = 8
_GRAY = 1e-6


def tone_features(planes: Planes) -> NDArray[np.float32]:
    """Describe the histogram: its shape, its ends, its combs and its peaks.

    A tone curve steeper than 1 leaves gaps, a flatter one piles codes up, clipping fills an end. Gaps close when the
    picture is saved as JPEG; ends and peaks stay.
    """
    counts, colors = tone_counts(planes.image)
    shares = (counts / planes.luma.size).astype(np.float32)
    channels, extremes, luma = shares[:3], shares[3:5], shares[5]
    pooled = channels.mean(axis=0)
    coarse = [np.sqrt(h.reshape(_COARSE_BINS, -1).sum(1)) for h in (luma, *extremes)]
    low = [channels[:, :width].sum(axis=1) for width in _ENDS]
    high = [channels[:, -width:].sum(axis=1) for width in _ENDS[::-1]]
    ends = log_share(np.stack([*low, *high]))
    both = [extremes[1][0], extremes[1][:4].sum(), extremes[0][-4:].sum(), extremes[0][-1]]
    reached = np.searchsorted(np.cumsum(luma), np.array(_PERCENTILES) / 100).astype(np.float32) / _TONES
    codes = np.arange(_TONES, dtype=np.float32) / _TONES
    mean = float((luma * codes).sum())
    spread = float(np.sqrt((luma * (codes - mean) ** 2).sum()))
    shape = [*coarse, ends.ravel(), log_share(np.array(both)), reached, [mean, spread]]
    detail = [_combs(pooled), _combs(channels[1]), _peaks(pooled), _peaks(luma), np.log10(colors / planes.luma.size)]
    return np.concatenate([*shape, *detail]).astype(np.float32)


def color_features(planes: Planes) -> NDArray[np.float32]:
    """Describe saturation, chroma and hue, and how fine chroma is beside luma."""
    red, green, blue = planes.rgb
    high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    saturation = (high - low) / np.maximum(high, 1)
    first, second = planes.chroma
    radius = np.sqrt(first * first + second * second)
    sampled = np.s_[::2, ::2]
    sector = np.arctan2(second[sampled], first[sampled]) * (_HUES / (2 * np.pi)) + _HUES / 2
    sectors = np.clip(sector.astype(np.int64), 0, _HUES - 1)
    hues = np.bincount(sectors.ravel(), radius[sampled].ravel(), _HUES).astype(np.float32)
    facts = [
        *[saturation.mean(), saturation.std(), *np.percentile(saturation[sampled], (5, 25, 50, 75, 95))],
        *log_share(np.array([(saturation < s).mean() for s in (0.02, 0.1)])),
        *log_energy(np.percentile(radius[sampled], (5, 25, 50, 75, 95, 99.5)), 0.3),
        *log_energy(np.array([radius.mean(), radius.std(), first.std(), second.std()]), 0.3),
        first.mean() / _TONES,
        second.mean() / _TONES,
    ]
    return np.concatenate([np.array(facts, np.float32), hues / max(float(hues.sum()), _GRAY)]).astype(np.float32)


def _combs(histogram: NDArray[np.floating]) -> NDArray[np.float32]:
    inner = histogram[2:-2]
    smooth = (histogram[:-4] + histogram[1:-3] + inner + histogram[3:-1] + histogram[4:]) / 5
    rough = np.array_split(np.abs(inner - smooth), _ZONES)
    mass = np.array_split(smooth, _ZONES)
    empty = [((h == 0) & (s > 0)).mean() for h, s in zip(np.array_split(inner, _ZONES), mass, strict=True)]
    ratio = [r.sum() / (m.sum() + 1e-3) for r, m in zip(rough, mass, strict=True)]
    return np.array(ratio + empty, np.float32)


def _peaks(histogram: NDArray[np.floating]) -> NDArray[np.float32]:
    inner = histogram[4:-4]  # the ends are clipping, described apart
    total = float(inner.sum()) + _GRAY
    facts = []
    for width in (1, 3, 5, 9):
        smooth = np.convolve(inner, np.ones(width) / width, mode="same")
        falling = np.sort(smooth)[::-1]
        facts += [falling[:top].sum() / total for top in _TOP_CODES]
        wide = np.convolve(smooth, np.ones(4 * width + 1) / (4 * width + 1), mode="same")
        facts.append(np.abs(smooth - wide).sum() / total)
    return np.array(facts, np.float32)
