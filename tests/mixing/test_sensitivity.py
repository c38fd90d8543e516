"""Where a distortion shows: maps worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.mixing.sensitivity import color_difference, sensitivity_map
from syndr_curate.distortions import distort, stretch_uint8

BLACK = np.zeros((8, 8, 3), np.uint8)


def painted(*pixels, code=255, on=BLACK):
    image = on.copy()
    for y, x in pixels:
        image[y, x] = code
    return image


def lightness(code):
    """CIE L* of a gray sRGB code, from the two definitions."""
    linear = ((code / 255 + 0.055) / 1.055) ** 2.4
    return 116 * linear ** (1 / 3) - 16


def test_black_and_white_are_100_apart_and_equal_colors_0():
    difference = color_difference(painted((2, 3)), BLACK)
    assert difference[2, 3] == pytest.approx(100, abs=0.01)
    assert np.count_nonzero(difference) == 1


def test_grays_are_apart_by_their_lightness():
    difference = color_difference(painted((0, 0), code=119), painted((0, 0), code=200))
    assert difference[0, 0] == pytest.approx(lightness(200) - lightness(119), abs=0.01)


def test_red_and_green_are_170_6_apart():
    red, green = BLACK + np.uint8([255, 0, 0]), BLACK + np.uint8([0, 255, 0])
    assert color_difference(red, green) == pytest.approx(np.full((8, 8), 170.6), abs=0.1)


def test_difference_is_symmetric(photograph):
    first, second = photograph(1), photograph(2)
    assert np.array_equal(color_difference(first, second), color_difference(second, first))


def test_without_smoothing_equal_changes_share_the_map_equally():
    found = sensitivity_map(painted((0, 0), (3, 5), (7, 7), (4, 4)), BLACK, sigma=0)
    expected = np.zeros((8, 8))
    expected[[0, 3, 7, 4], [0, 5, 7, 4]] = 0.25
    assert found.values == pytest.approx(expected, abs=1e-15)
    assert found.mean_difference == pytest.approx(4 * 100 / 64, abs=0.01)
    assert not found.uniform


def test_without_smoothing_shares_follow_the_visible_change():
    image = painted((1, 1), code=119)
    image[6, 6] = 200
    found = sensitivity_map(image, BLACK, sigma=0)
    weak, strong = lightness(119), lightness(200)
    assert found.values[1, 1] == pytest.approx(weak / (weak + strong), abs=1e-4)
    assert found.values[6, 6] == pytest.approx(strong / (weak + strong), abs=1e-4)


def test_smoothing_spreads_a_pixel_as_a_gaussian_mirrored_at_the_border():
    sigma, reach = 0.7, 3
    weights = {k: math.exp(-(k**2) / (2 * sigma**2)) for k in range(-reach, reach + 1)}

    def spread(at):
        line = np.zeros(8)
        for step, weight in weights.items():
            place = at + step
            place = -1 - place if place < 0 else 15 - place if place > 7 else place
            line[place] += weight / sum(weights.values())
        return line

    found = sensitivity_map(painted((1, 6)), BLACK, sigma=sigma)
    assert found.values == pytest.approx(np.outer(spread(1), spread(6)), abs=1e-12)


def test_a_change_in_the_corner_counts_as_much_as_one_in_the_middle():
    found = sensitivity_map(painted((0, 0), (5, 5)), BLACK, sigma=0.5)
    assert found.values[:3, :3].sum() == pytest.approx(0.5, abs=1e-12)


def test_no_change_is_a_uniform_map_that_says_so():
    found = sensitivity_map(BLACK, BLACK)
    assert found.uniform
    assert found.mean_difference == 0
    assert np.array_equal(found.values, np.full((8, 8), 1 / 64))


@pytest.mark.parametrize(("kind", "level"), [(1, 1), (3, 1), (8, 1), (18, 3)])
def test_identity_cells_are_uniform(photograph, kind, level):
    image = photograph(3)
    assert sensitivity_map(distort(image, kind, level, seed=1), stretch_uint8(image)).uniform


def test_one_code_value_is_rounding_and_two_are_a_change():
    assert sensitivity_map(painted((2, 2), code=1), BLACK).uniform
    assert not sensitivity_map(painted((2, 2), code=2), BLACK).uniform


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.4, 3.0, 20.0]), st.integers(1, 9), st.integers(1, 9))
def test_a_map_is_not_negative_and_sums_to_1(seed, sigma, height, width):
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(0, 256, (height, width, 3)).astype(np.uint8) for _ in range(2))
    found = sensitivity_map(first, second, sigma=sigma)
    assert found.values.min() >= 0
    assert found.values.sum() == pytest.approx(1, abs=1e-12)


def test_images_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match="8 x 8 and 7 x 8"):
        sensitivity_map(BLACK, BLACK[:, :7])
