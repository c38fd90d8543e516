import numpy as np
import pytest
from syndr_curate.distortions.numerics.coded_image import CodedImage
from syndr_curate.distortions.numerics.lab import lab_to_rgb, rgb_to_lab, srgb_to_linear

TABLE = np.arange(256) / 255


@pytest.fixture(scope="module")
def every_fifth_color():
    steps = np.arange(0, 256, 5, dtype=np.uint8)
    return CodedImage(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(52, -1, 3), TABLE)


def test_lab_agrees_with_the_formula(every_fifth_color, lab):
    lightness, chroma = rgb_to_lab(every_fifth_color)
    expected = lab.from_rgb(every_fifth_color.dense())
    np.testing.assert_allclose(lightness, expected[..., 0], atol=1e-7)
    np.testing.assert_allclose(chroma, expected[..., 1:], atol=1e-6)


def test_there_and_back_is_the_same_color(every_fifth_color):
    np.testing.assert_allclose(lab_to_rgb(*rgb_to_lab(every_fifth_color)), every_fifth_color.dense(), atol=1e-6)


def test_white_has_lightness_100_and_black_0():
    corners = CodedImage(np.array([[[255] * 3, [0] * 3]], np.uint8), TABLE)
    lightness, chroma = rgb_to_lab(corners)
    np.testing.assert_allclose(lightness, [[100, 0]], atol=1e-3)
    np.testing.assert_allclose(chroma, 0, atol=0.02)


def test_colors_outside_the_gamut_are_clipped(lab):
    rng = np.random.default_rng(0)
    lightness = rng.uniform(-200, 400, (40, 50))
    chroma = rng.uniform(-900, 900, (40, 50, 2))
    expected = np.clip(lab.to_rgb(np.dstack([lightness, chroma])), 0, 1)
    np.testing.assert_allclose(lab_to_rgb(lightness, chroma), expected, atol=1e-7)


def test_the_two_halves_of_the_srgb_curve_meet():
    assert srgb_to_linear(np.array([0.04045]))[0] == pytest.approx(0.0031308, abs=1e-7)
    np.testing.assert_array_equal(srgb_to_linear(np.array([0.0, 1.0])), [0, 1])
