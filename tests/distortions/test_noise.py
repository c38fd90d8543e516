import math

import numpy as np
import pytest
from syndr_curate.distortions import distort, draw, get
from syndr_curate.distortions.noise import white_noise
from syndr_curate.distortions.numerics.min_max import entry

T = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112], [112, -93.786, -18.214]]) / 255
OFFSET = np.array([16, 128, 128]) / 255


def random_field(kind, shape, seed=0):
    return draw(kind, 3, shape, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def middle_gray():
    return np.full((200, 300, 3), 128, np.uint8)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_white_noise_follows_its_definition(varied_picture, stretched, rendered, level):
    normals = random_field(11, varied_picture.shape)
    variance = (0.001, 0.002, 0.003, 0.005, 0.01)[level - 1]
    expected = rendered(np.clip(stretched(varied_picture) + math.sqrt(variance) * normals, 0, 1))
    np.testing.assert_array_equal(distort(varied_picture, 11, level, draws=normals), expected)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_noise_in_ycbcr_follows_its_definition(varied_picture, stretched, rendered, level):
    normals = random_field(12, varied_picture.shape)
    variance = (0.0001, 0.0005, 0.001, 0.002, 0.003)[level - 1]
    ycc = stretched(varied_picture) @ T.T + OFFSET
    noisy = np.clip(ycc + math.sqrt(variance) * normals, 0, 1)
    expected = rendered(np.clip((noisy - OFFSET) @ np.linalg.inv(T).T, 0, 1))
    np.testing.assert_array_equal(distort(varied_picture, 12, level, draws=normals), expected)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_impulse_noise_follows_its_definition(varied_picture, stretched, rendered, level):
    uniforms = random_field(13, varied_picture.shape)
    density = (0.001, 0.005, 0.01, 0.02, 0.03)[level - 1]
    values = stretched(varied_picture)
    values[uniforms < density] = 1
    values[uniforms < density / 2] = 0
    np.testing.assert_array_equal(distort(varied_picture, 13, level, draws=uniforms), rendered(values))


@pytest.mark.parametrize("level", [1, 3, 5])
def test_multiplicative_noise_follows_its_definition(varied_picture, stretched, rendered, level):
    uniforms = random_field(14, varied_picture.shape)
    variance = (0.001, 0.005, 0.01, 0.02, 0.05)[level - 1]
    values = stretched(varied_picture)
    expected = rendered(np.clip(values + math.sqrt(12 * variance) * values * (uniforms - 0.5), 0, 1))
    np.testing.assert_array_equal(distort(varied_picture, 14, level, draws=uniforms), expected)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_denoise_begins_with_clipped_white_noise(picture, stretched, level):
    variance = get("denoise").parameters[level - 1]
    assert variance == (0.01, 0.03, 0.05, 0.1, 0.15)[level - 1]
    normals = random_field(15, picture.shape)
    noisy = white_noise(entry(picture, stretch=True), variance, normals.copy())
    np.testing.assert_allclose(noisy, np.clip(stretched(picture) + math.sqrt(variance) * normals, 0, 1), atol=1e-15)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_white_noise_has_its_variance_on_every_channel(middle_gray, level):
    out = distort(middle_gray, 11, level, seed=level, stretch=False) / 255
    variance = get(11).parameters[level - 1]
    # 60,000 samples a channel: a relative standard deviation of 0.6 % in the variance.
    np.testing.assert_allclose(out.reshape(-1, 3).var(axis=0), variance, rtol=0.03)
    assert np.abs(np.corrcoef(out.reshape(-1, 3).T) - np.eye(3)).max() < 0.02


@pytest.mark.parametrize("level", [1, 2, 3])
def test_noise_in_ycbcr_is_strongest_in_blue(middle_gray, level):
    variance = get(12).parameters[level - 1]
    out = distort(middle_gray, 12, level, seed=level, stretch=False).reshape(-1, 3) / 255
    # Rounding to 8 bit adds a variance of 1 / 12 code.
    expected = np.array([3.90, 2.17, 5.43]) * variance + 1 / 12 / 255**2
    np.testing.assert_allclose(out.var(axis=0), expected, rtol=0.04)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_impulses_have_their_density_and_are_evenly_black_and_white(middle_gray, level):
    density = get(13).parameters[level - 1]
    out = distort(middle_gray, 13, level, seed=level, stretch=False)
    count = out.size
    for value in (0, 255):
        expected = count * density / 2
        assert abs((out == value).sum() - expected) < 5 * math.sqrt(expected)
    assert ((out == 0) | (out == 128) | (out == 255)).all()


def test_impulses_strike_channels_independently(middle_gray):
    struck = distort(middle_gray, 13, 5, seed=1, stretch=False) != 128
    # All three channels of one pixel: 0.03^3 of 60,000 pixels, that is 1.6.
    assert struck.all(axis=2).sum() <= 8


@pytest.mark.parametrize("level", [1, 3, 5])
def test_multiplicative_noise_is_uniform_and_proportional(level):
    image = np.zeros((200, 300, 3), np.uint8)
    image[:, 100:200], image[:, 200:] = 64, 128
    image[0, 0] = 255
    variance = get(14).parameters[level - 1]
    out = distort(image, 14, level, draws=random_field(14, image.shape), stretch=False) / 255
    assert (out[1:, :100] == 0).all()
    for left, code in ((100, 64), (200, 128)):
        block = out[1:, left : left + 100] / (code / 255)
        assert block.var() == pytest.approx(variance, rel=0.03)
        assert np.abs(block - 1).max() == pytest.approx(math.sqrt(3 * variance), abs=0.51 / code)
