import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from syndr_curate.distortions import distort, draw, get, stretch_uint8
from syndr_curate.distortions.numerics.otsu import otsu_thresholds
from syndr_curate.distortions.numerics.warp import warp_in_turn
from syndr_curate.distortions.spatial import draw_jitter

STRENGTHS = (0.01, 0.05, 0.1, 0.2, 0.5)
AMOUNTS = (0.05, 0.1, 0.2, 0.5, 1)


def warp(image, shifts, amount):
    out = image.copy()
    warp_in_turn(out, shifts[np.newaxis], amount)
    return out


def half_up(value):
    return math.floor(value + 0.5)


def keys(s):
    s = abs(s)
    if s < 1:
        return 1.5 * s**3 - 2.5 * s**2 + 1
    return -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2 if s < 2 else 0.0


def slow_warp(image, shifts):
    """Keys' interpolation, pixel by pixel, of an image extended as the generator extends it."""
    height, width, _ = image.shape
    rows, columns = math.ceil(np.abs(shifts[..., 1]).max()), math.ceil(np.abs(shifts[..., 0]).max())
    wide = np.pad(image, ((rows, rows), (columns, columns), (0, 0)), mode="edge")
    for axis in (0, 1):
        wide = np.moveaxis(wide, axis, 0)
        before, after = 3 * wide[0] - 3 * wide[1] + wide[2], 3 * wide[-1] - 3 * wide[-2] + wide[-3]
        wide = np.moveaxis(np.concatenate([before[None], wide, after[None]]), 0, axis)
    out = np.empty(image.shape)
    for y in range(height):
        for x in range(width):
            row, column = y - shifts[y, x, 0] + rows, x - shifts[y, x, 1] + columns
            if not (0 <= row <= height + 2 * rows - 1 and 0 <= column <= width + 2 * columns - 1):
                out[y, x] = np.nan
                continue
            total = 0.0
            for j in range(math.floor(row) - 1, math.floor(row) + 3):
                for i in range(math.floor(column) - 1, math.floor(column) + 3):
                    total = total + keys(row - j) * keys(column - i) * wide[j + 1, i + 1]
            out[y, x] = total
    return out


@pytest.mark.parametrize("amount", AMOUNTS)
def test_a_warp_is_keys_interpolation(amount):
    rng = np.random.default_rng(1)
    image = rng.random((14, 19, 3))
    shifts = rng.standard_normal((14, 19, 2))
    np.testing.assert_allclose(warp(image, shifts, amount), slow_warp(image, amount * shifts), atol=1e-13)


def test_jitter_is_five_warps_and_no_clip(picture, stretched, rendered):
    crop = picture[:16, :21]
    draws = draw("jitter", 3, crop.shape, np.random.default_rng(0))
    values = stretched(crop)
    for shifts in draws:
        values = slow_warp(values, 0.2 * shifts)
    np.testing.assert_array_equal(distort(crop, 19, 3, draws=draws), rendered(values))


def test_whole_displacements_move_pixels_exactly():
    image = np.random.default_rng(0).random((9, 8, 3))
    shifts = np.zeros((9, 8, 2))
    shifts[..., 0], shifts[..., 1] = 2, -2
    moved = warp(image, shifts, 1.0)
    np.testing.assert_allclose(moved[2:, :-2], image[:-2, 2:], atol=1e-15)
    np.testing.assert_allclose(moved[:2, :-2], np.repeat(image[:1, 2:], 2, axis=0), atol=1e-15)


def test_a_border_query_beyond_the_swapped_margin_is_not_a_number():
    # Rows reach 3 pixels up, columns half a pixel: the margin of the rows is the one the columns need, 1.
    image = np.random.default_rng(0).random((8, 8, 3))
    shifts = np.full((8, 8, 2), 0.5)
    shifts[0, 4, 0] = 3
    out = warp(image, shifts, 1.0)
    assert np.isnan(out[0, 4]).all()
    assert np.isfinite(np.delete(out.reshape(-1, 3), 4, axis=0)).all()


def test_jitter_draws_five_fields_of_normals():
    draws = draw_jitter(1.0, 60, 80, np.random.default_rng(0))
    assert draws.shape == (5, 60, 80, 2)
    assert draws.mean() == pytest.approx(0, abs=0.02)
    assert draws.var() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("level", [1, 3, 5])
def test_patches_are_copied_one_after_the_other(level):
    image = np.random.default_rng(0).integers(0, 256, (61, 90, 3), dtype=np.uint8)
    number = (20, 40, 60, 80, 100)[level - 1]
    draws = draw(20, level, image.shape, np.random.default_rng(2))
    expected = stretch_uint8(image)
    for u, v, du, dv in draws:
        w0, h0 = half_up(u * (90 - 48)) + 16, half_up(v * (61 - 48)) + 16
        w1, h1 = half_up((du - 0.5) * 16 + w0), half_up((dv - 0.5) * 16 + h0)
        snapshot = expected.copy()
        for j in range(16):
            for i in range(16):
                expected[h1 - 1 + j, w1 - 1 + i] = snapshot[h0 - 1 + j, w0 - 1 + i]
    assert len(draws) == number
    # Which codes survive decides the exit stretch; here both extremes do.
    assert (expected.min(), expected.max()) == (0, 255)
    np.testing.assert_array_equal(distort(image, 20, level, draws=draws), expected)


def test_patches_move_by_8_pixels_at_most():
    image = np.zeros((64, 64, 3), np.uint8)
    image[0, 0] = 255
    image[30:34, 30:34, 0] = np.arange(1, 17).reshape(4, 4)
    out = distort(image, 20, 1, seed=4)
    rows, columns = np.nonzero(out[..., 0] * (out[..., 1] == 0))
    assert np.abs(rows - 31.5).max() <= 20 * 8
    assert out.shape == image.shape
    assert len(columns) > 0


def slow_nearest(count, size, scale):
    """Source of each pixel, one-based, in exact arithmetic; None where rounding in doubles may decide."""
    sources = []
    for k in range(1, count + 1):
        u = Fraction(k) / scale + Fraction(1, 2) * (1 - 1 / scale)
        near = math.floor(u + Fraction(1, 2))
        tie = abs(u + Fraction(1, 2) - round(u + Fraction(1, 2))) < Fraction(1, 10**9)
        sources.append(None if tie else near if near <= size else 2 * size + 1 - near)
    return sources


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_pixelate_takes_the_nearest_pixel_down_and_up(varied_picture, level):
    z = 0.95 - STRENGTHS[level - 1] ** 0.6
    assert z == pytest.approx((0.886904, 0.784277, 0.698811, 0.569269, 0.290246)[level - 1], abs=1e-6)
    sources = []
    for size in varied_picture.shape[:2]:
        small = math.ceil(z * size)
        down = slow_nearest(small, size, Fraction(z))
        up = slow_nearest(size, small, Fraction(size, small))
        sources.append([None if near is None else down[near - 1] for near in up])
    rows, columns = ([near for near in axis if near is not None] for axis in sources)
    kept = np.ix_(*([near is not None for near in axis] for axis in sources))
    out = distort(varied_picture, 21, level, stretch=False)
    np.testing.assert_array_equal(out[kept], varied_picture[np.ix_(np.array(rows) - 1, np.array(columns) - 1)])
    assert len(rows) * len(columns) > 0.5 * out.shape[0] * out.shape[1]


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_quantization_keeps_one_value_more_than_thresholds(varied_picture, level):
    number = (20, 16, 13, 10, 7)[level - 1]
    assert 2 <= np.unique(distort(varied_picture, 22, level)).size <= number + 1


def test_quantization_rounds_up_except_at_the_ends(picture):
    reference, out = stretch_uint8(picture), distort(picture, 22, 5)
    values = np.unique(out).astype(int)
    assert values.size == 8
    for value, upper in pairwise(values[1:]):
        codes = reference[out == value]
        assert codes.max() <= value < upper
    # The class above the last threshold is the brightest, the one below the first the darkest.
    assert reference[out == 255].min() > values[-2]
    assert reference[out == 0].max() < values[1]


def test_thresholds_are_between_separate_clusters():
    histogram = np.zeros(256)
    for center in (20, 70, 120, 170, 220):
        histogram[center - 4 : center + 5] = 100
    thresholds = otsu_thresholds(histogram, 4)
    for threshold, below, above in zip(thresholds, (20, 70, 120, 170), (70, 120, 170, 220), strict=True):
        assert below + 4 <= threshold < above - 4


def test_thresholds_are_whole_ascending_and_no_worse_than_where_they_start(picture):
    histogram = np.bincount(picture.ravel(), minlength=256).astype(float)

    def variance(thresholds):
        bins = np.arange(256)
        classes = np.digitize(bins, thresholds, right=True)
        mean = (histogram * bins).sum() / histogram.sum()
        total = 0.0
        for k in range(len(thresholds) + 1):
            weight = histogram[classes == k].sum()
            total += weight * ((histogram * bins)[classes == k].sum() / weight - mean) ** 2
        return total / histogram.sum()

    for number in (7, 10, 13, 16, 20):
        found = otsu_thresholds(histogram, number)
        assert (np.diff(found) > 0).all()
        np.testing.assert_array_equal(found, np.round(found))
        start = np.floor(255 * np.arange(1, number + 1) / (number + 1) + 0.5)
        assert variance(found) >= variance(start)


def test_too_few_tones_fall_back_to_even_spacing():
    histogram = np.zeros(256)
    histogram[[0, 255]] = 5
    np.testing.assert_array_equal(otsu_thresholds(histogram, 7), [32, 64, 96, 128, 159, 191, 223])


@pytest.mark.parametrize("level", [1, 5])
def test_blocks_are_painted_in_order_at_rounded_corners(picture, stretched, rendered, level):
    draws = draw(23, level, picture.shape, np.random.default_rng(1))
    draws[0, 3:] = 0  # a corner at 0 loses its first row and column
    expected = stretched(picture)
    for red, green, blue, u, v in draws:
        left, top = half_up(u * (131 - 32)), half_up(v * (97 - 32))
        for row in range(max(top, 1), top + 32):
            for column in range(max(left, 1), left + 32):
                expected[row - 1, column - 1] = red, green, blue
    np.testing.assert_array_equal(distort(picture, 23, level, draws=draws), rendered(expected))


@pytest.mark.parametrize("kind", [20, 23])
def test_draws_have_a_row_per_piece_and_are_uniform(kind):
    for level in (1, 2, 3, 4, 5):
        draws = draw(kind, level, (100, 100, 3), np.random.default_rng(level))
        assert draws.shape == (get(kind).parameters[level - 1], 4 if kind == 20 else 5)
    many = np.concatenate([draw(kind, 5, (100, 100, 3), np.random.default_rng(s)).ravel() for s in range(100)])
    assert many.mean() == pytest.approx(0.5, abs=0.02)
    assert 0 <= many.min() <= many.max() < 1
