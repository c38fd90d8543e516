"""Types 16, 17, 18, 24 and 25: tone curves and sharpening, against splines from scipy."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, lagrange
from syndr_curate.distortions import distort, stretch_uint8
from syndr_curate.distortions.brightness import parabola
from syndr_curate.distortions.sharpness import contrast_curve

X = np.linspace(0, 1, 256)


@pytest.mark.parametrize("middle", [0.55, 0.6, 0.7, 0.85, 1.05, 0.475, 0.45, 0.4, 0.3, 0.1])
def test_the_brightness_curve_is_the_parabola_through_three_points(middle):
    expected = np.polyval(lagrange([0, 0.5, 1], [0, middle, 1]), X)
    np.testing.assert_allclose(parabola(X, middle), np.clip(expected, 0, 1), atol=1e-14)


@pytest.mark.parametrize("amount", [0.3, 0.15, 0.0, -0.4, -0.6])
def test_the_contrast_curve_is_the_not_a_knot_spline_through_five_points(amount):
    spline = CubicSpline([0, 0.3, 0.5, 0.7, 1], [0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1], bc_type="not-a-knot")
    np.testing.assert_allclose(contrast_curve(X, amount), np.clip(spline(X), 0, 1), atol=1e-14)


def test_contrast_is_the_identity_at_minus_a_fifth_not_at_0():
    np.testing.assert_allclose(contrast_curve(X, -0.218 + 0.05), X, atol=0.02)
    assert np.abs(contrast_curve(X, 0.0) - X).max() > 0.02


@pytest.mark.parametrize("level", [1, 3, 5])
def test_brighten_follows_its_definition(varied_picture, stretched, rendered, lab, assert_same_picture, level):
    amount = (0.1, 0.2, 0.4, 0.7, 1.1)[level - 1]
    c = 0.5 + amount / 2

    def curve(x):
        return np.clip((2 - 4 * c) * x**2 + (4 * c - 1) * x, 0, 1)

    x = stretched(varied_picture)
    values = lab.from_rgb(x)
    values[..., 0] = 100 * curve(values[..., 0] / 100)
    expected = rendered((2 * curve(x) + np.clip(lab.to_rgb(values), 0, 1)) / 3)
    assert_same_picture(distort(varied_picture, 16, level), expected, ties=0.01)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_darken_follows_its_definition(varied_picture, stretched, rendered, level):
    c = 0.5 - (0.05, 0.1, 0.2, 0.4, 0.8)[level - 1] / 2
    x = stretched(varied_picture)
    expected = rendered(np.clip((2 - 4 * c) * x * x + (4 * c - 1) * x, 0, 1))
    np.testing.assert_array_equal(distort(varied_picture, 17, level), expected)


@pytest.mark.parametrize("level", [1, 2, 4, 5])
def test_mean_shift_is_a_gain_with_clipping(varied_picture, stretched, assert_same_picture, level):
    amount = (0.15, 0.08, 0, -0.08, -0.15)[level - 1]
    x = stretched(varied_picture)
    if amount > 0:
        expected = np.minimum(x, 1 - amount) / (1 - amount)
    else:
        expected = (np.maximum(x, -amount) + amount) / (1 + amount)
    assert_same_picture(distort(varied_picture, 18, level), np.floor(255 * expected + 0.5).astype(np.uint8))


def test_level_3_of_mean_shift_is_the_identity(varied_picture):
    np.testing.assert_array_equal(distort(varied_picture, 18, 3), stretch_uint8(varied_picture))


def test_darken_at_level_5_turns_the_lower_three_eighths_black():
    image = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, axis=2)
    out = distort(image, 17, 5)[0, :, 0]
    assert (out[:96] == 0).all()
    assert out[97] > 0


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_contrast_change_follows_its_definition(varied_picture, stretched, rendered, assert_same_picture, level):
    amount = (0.3, 0.15, 0.0, -0.4, -0.6)[level - 1]
    spline = CubicSpline([0, 0.3, 0.5, 0.7, 1], [0, 0.25 - amount / 4, 0.5, 0.75 + amount / 4, 1], bc_type="not-a-knot")
    expected = rendered(np.clip(spline(stretched(varied_picture)), 0, 1))
    assert_same_picture(distort(varied_picture, 25, level), expected)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_high_sharpen_follows_its_definition(
    varied_picture, stretched, rendered, lab, slow_filters, assert_same_picture, level
):
    amount = (1, 2, 3, 6, 12)[level - 1]
    values = lab.from_rgb(stretched(varied_picture))
    blurred = slow_filters.correlated(values[..., 0], slow_filters.gaussian(3, radius=6))
    values[..., 0] += amount * (values[..., 0] - blurred)
    expected = rendered(np.clip(lab.to_rgb(values), 0, 1))
    assert_same_picture(distort(varied_picture, 24, level), expected, ties=0.01)
