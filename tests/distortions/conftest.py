"""Pictures, and slow implementations that follow the written definitions, for comparison."""

import math
from types import SimpleNamespace

import numpy as np
import pytest


def made_up_picture(height, width, *, seed=0, low=0, high=255):
    """Smooth color with edges and a little grain: every family of distortion has something to do."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    channels = [
        0.5 + 0.3 * np.sin(0.11 * x + 0.07 * y * (c + 1) + c) + 0.2 * ((x // 9 + y // 7 + c) % 3 == 0) for c in range(3)
    ]
    values = np.stack(channels, axis=2) + 0.03 * rng.standard_normal((height, width, 3))
    values = (values - values.min()) / (values.max() - values.min())
    return np.round(low + (high - low) * values).astype(np.uint8)


@pytest.fixture(scope="session")
def picture():
    return made_up_picture(97, 131)


@pytest.fixture(scope="session", params=["color", "gray", "narrow", "odd", "thin"], ids=lambda kind: f"{kind}-picture")
def varied_picture(request):
    """Pictures unlike the reference ones: gray, of narrow range (52 to 177), of odd and of extreme shape."""
    return {
        "color": lambda: made_up_picture(60, 80),
        "gray": lambda: np.repeat(made_up_picture(61, 50)[:, :, :1], 3, axis=2),
        "narrow": lambda: made_up_picture(55, 63, low=52, high=177),
        "odd": lambda: made_up_picture(37, 101, seed=3),
        "thin": lambda: made_up_picture(5, 70, seed=4),
    }[request.param]()


def _stretched(values):
    values = np.asarray(values, dtype=np.float64)
    return (values - np.nanmin(values)) / (np.nanmax(values) - np.nanmin(values))


def _rendered(values):
    return np.floor(255 * _stretched(values) + 0.5).astype(np.uint8)


def _lab_from_rgb(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
    xyz = linear @ matrix.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def _rgb_from_lab(lab):
    """Without clipping below; the power is taken of positive numbers only."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * np.array([0.95047, 1.0, 1.08883])
    matrix = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
    linear = xyz @ np.linalg.inv(matrix).T
    power = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, power)


def _gaussian(sigma, radius=None):
    reach = math.ceil(2 * sigma) if radius is None else radius
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    kernel = np.exp(-(x * x + y * y) / (2 * sigma * sigma))
    kernel[kernel < np.finfo(float).eps * kernel.max()] = 0
    return kernel / kernel.sum()


def _correlated(values, kernel):
    """Correlation with repeated edges, one kernel weight after the other, column by column."""
    rows, columns = kernel.shape
    channels = values if values.ndim == 3 else values[:, :, None]
    top, left = rows // 2, columns // 2
    padded = np.pad(channels, ((top, top), (left, left), (0, 0)), mode="edge")
    height, width = channels.shape[:2]
    out = np.zeros(channels.shape)
    for k in range(columns):
        for j in range(rows):
            out += kernel[j, k] * padded[j : j + height, k : k + width]
    return out.reshape(values.shape)


@pytest.fixture(scope="session")
def stretched():
    return _stretched


@pytest.fixture(scope="session")
def rendered():
    """The exit: stretch and round half up."""
    return _rendered


@pytest.fixture(scope="session")
def lab():
    return SimpleNamespace(from_rgb=_lab_from_rgb, to_rgb=_rgb_from_lab)


@pytest.fixture(scope="session")
def slow_filters():
    return SimpleNamespace(gaussian=_gaussian, correlated=_correlated)


@pytest.fixture(scope="session")
def assert_same_picture():
    """Equal but for exact ties between two codes, which another order of additions may round the other way."""

    def check(one, other, *, ties=0.0005):
        difference = np.abs(one.astype(int) - other.astype(int))
        assert difference.max(initial=0) <= 1
        assert (difference > 0).mean() <= ties

    return check
