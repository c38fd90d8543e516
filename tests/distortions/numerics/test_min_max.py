import numpy as np
import pytest
from syndr_curate.distortions import map_min_max
from syndr_curate.distortions.numerics.coded_image import CodedImage
from syndr_curate.distortions.numerics.min_max import eight_bit, entry, leave


def test_one_minimum_and_maximum_serve_all_channels():
    out = map_min_max(np.array([[[1.0, 2.0, 5.0]]]))
    np.testing.assert_array_equal(out, [[[0.0, 0.25, 1.0]]])


def test_nan_is_left_out_of_the_range_and_becomes_black():
    values = np.array([[[np.nan, 1.0, 3.0]]])
    np.testing.assert_array_equal(map_min_max(values), [[[np.nan, 0.0, 1.0]]])
    np.testing.assert_array_equal(leave(values, stretch=True), [[[0, 0, 255]]])


def test_a_picture_of_nothing_but_nan_is_black():
    np.testing.assert_array_equal(leave(np.full((2, 2, 3), np.nan), stretch=True), np.zeros((2, 2, 3)))


def test_a_constant_array_is_not_stretched():
    flat = np.full((2, 2, 3), 0.4)
    np.testing.assert_array_equal(map_min_max(flat), flat)
    np.testing.assert_array_equal(leave(flat, stretch=True), np.full((2, 2, 3), 102))


def test_rounding_noise_is_not_stretched_to_full_contrast():
    noisy = 0.4 + 1e-15 * np.arange(12.0).reshape(2, 2, 3)
    assert np.ptp(leave(noisy, stretch=True)) == 0


def test_halves_round_up():
    np.testing.assert_array_equal(eight_bit(np.array([0.5 / 255, 1.5 / 255, 2.5 / 255])), [1, 2, 3])


def test_values_outside_are_clipped():
    np.testing.assert_array_equal(eight_bit(np.array([-0.1, -1e9, 1.1, 1e9, np.nan])), [0, 0, 255, 255, 0])


def test_the_entry_stretch_gives_the_darkest_sample_0_and_the_brightest_1():
    codes = np.array([[[50, 100, 150]]], np.uint8)
    np.testing.assert_array_equal(entry(codes, stretch=True).dense(), [[[0.0, 0.5, 1.0]]])
    np.testing.assert_array_equal(entry(codes, stretch=False).dense(), codes / 255)


@pytest.mark.parametrize("count", [1, 2, 3, 255, 1000])
def test_only_codes_that_occur_decide_the_range(count):
    codes = np.resize(np.array([3, 7, 3], np.uint8), (1, count, 3))
    table = np.linspace(0, 255, 256)
    assert set(np.unique(leave(CodedImage(codes, table), stretch=True))) <= {0, 255}
    counts = CodedImage(codes, table).counts()
    assert (counts[3], counts[7], counts.sum()) == (2 * count, count, 3 * count)
