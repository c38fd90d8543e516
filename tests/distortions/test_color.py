import colorsys
import math

import numpy as np
import pytest
from PIL import Image
from syndr_curate.distortions import distort, stretch_uint8
from syndr_curate.distortions.color import draw_color_shift
from syndr_curate.distortions.errors import DistortionError
from syndr_curate.distortions.numerics.dither import dither
from syndr_curate.distortions.numerics.palette import minimum_variance_palette

SHIFTS = (1, 3, 6, 8, 12)


def psnr(one, other):
    return -10 * np.log10(np.mean((one / 255 - other / 255) ** 2))


def slow_gradient(plane, axis):
    out = np.zeros_like(plane)
    plane, target = np.moveaxis(plane, axis, 0), np.moveaxis(out, axis, 0)
    last = plane.shape[0] - 1
    for i in range(1, last):
        target[i] = (plane[i + 1] - plane[i - 1]) / 2
    target[0], target[last] = plane[1] - plane[0], plane[last] - plane[last - 1]
    return out


def slow_color_shift(x, amount, u, slow_filters, stretched):
    gray = 0.298936 * x[..., 0] + 0.587043 * x[..., 1] + 0.114021 * x[..., 2]
    e = np.sqrt(slow_gradient(gray, 1) ** 2 + slow_gradient(gray, 0) ** 2)
    e = stretched(np.clip(stretched(slow_filters.correlated(e, slow_filters.gaussian(4))), 0.1, 1))
    rank = math.floor(0.99 * e.size + 0.5) - 1
    high, low = np.sort(e.ravel())[rank], 1 - np.sort(1 - e.ravel())[rank]
    e = stretched(np.clip(e, low, high))
    down, right = (math.floor(amount * part / math.hypot(*u) + 0.5) for part in u)
    out = x.copy()
    height, width = e.shape
    for row in range(height):
        for column in range(width):
            shifted = x[max(row - down, 0), max(column - right, 0), 1]
            out[row, column, 1] = e[row, column] * shifted + (1 - e[row, column]) * x[row, column, 1]
    return out


@pytest.mark.parametrize("level", [1, 3, 5])
def test_color_diffusion_follows_its_definition(
    varied_picture, stretched, rendered, lab, slow_filters, assert_same_picture, level
):
    amount = SHIFTS[level - 1]
    values = lab.from_rgb(stretched(varied_picture))
    kernel = slow_filters.gaussian(1.5 * amount + 2)
    values[..., 1:] = amount * slow_filters.correlated(values[..., 1:], kernel)
    expected = rendered(np.clip(lab.to_rgb(values), 0, 1))
    assert_same_picture(distort(varied_picture, 4, level), expected, ties=0.01)


@pytest.mark.parametrize("u", [(0.7, 0.8), (0.01, 0.99), (0.9, 0.02)])
@pytest.mark.parametrize("level", [1, 3, 5])
def test_color_shift_follows_its_definition(
    varied_picture, stretched, rendered, slow_filters, assert_same_picture, level, u
):
    values = slow_color_shift(stretched(varied_picture), SHIFTS[level - 1], u, slow_filters, stretched)
    assert_same_picture(distort(varied_picture, 5, level, draws=u), rendered(values))


def test_color_shift_leaves_red_and_blue_alone(picture):
    out = distort(picture, 5, 5, seed=1)
    np.testing.assert_array_equal(out[..., [0, 2]], stretch_uint8(picture)[..., [0, 2]])
    assert (out[..., 1] != stretch_uint8(picture)[..., 1]).any()


def test_color_shift_moves_down_and_right_and_repeats_the_edge():
    image = np.zeros((40, 40, 3), np.uint8)
    image[20:, 20:] = 255
    out = distort(image, 5, 3, draws=[0.6, 0.8])
    # (4, 5) pixels: inside the old corner, green is still dark; outside, it never lights up.
    assert out[21, 21, 1] < 128
    assert (out[:20, :, 1] == 0).all()
    assert (out[:, :20, 1] == 0).all()


def test_a_shift_without_direction_is_refused(picture):
    with pytest.raises(DistortionError, match="no direction"):
        distort(picture, 5, 1, draws=[0, 0])


def test_shift_directions_are_uniform_in_the_unit_square():
    rng = np.random.default_rng(0)
    draws = np.array([draw_color_shift(1, 1, 1, rng) for _ in range(20_000)])
    assert draws.min() > 0
    assert draws.max() <= 1
    np.testing.assert_allclose(draws.mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(draws.var(axis=0), 1 / 12, rtol=0.03)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_color_quantization_keeps_at_most_its_colors(varied_picture, level):
    number = (64, 48, 32, 16, 8)[level - 1]
    out = distort(varied_picture, 6, level)
    assert 2 <= len(np.unique(out.reshape(-1, 3), axis=0)) <= number


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_color_quantization_is_closer_than_a_median_cut(picture, level):
    number = (64, 48, 32, 16, 8)[level - 1]
    palette = Image.fromarray(picture).quantize(number, method=Image.Quantize.MEDIANCUT)
    peer = Image.fromarray(picture).quantize(number, palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    ours = distort(picture, 6, level, stretch=False)
    assert psnr(ours, picture) > psnr(np.asarray(peer.convert("RGB")), picture)


def test_a_picture_of_few_colors_keeps_them():
    colors = np.array([[0, 0, 0], [255, 255, 255], [250, 20, 30], [10, 200, 90]], np.uint8)
    image = colors[np.random.default_rng(0).integers(0, 4, (30, 40))]
    np.testing.assert_array_equal(distort(image, 6, 5), image)


def test_the_first_cut_parts_what_differs_most():
    image = np.array([[[10, 0, 0], [12, 0, 0], [240, 0, 0], [250, 4, 0]]], np.uint8)
    palette = minimum_variance_palette(image, 2)
    np.testing.assert_array_equal(palette[np.argsort(palette[:, 0])], [[11, 0, 0], [245, 2, 0]])


def test_a_palette_of_one_color_is_the_mean(picture):
    np.testing.assert_allclose(minimum_variance_palette(picture, 1), [picture.reshape(-1, 3).mean(axis=0)])


def test_more_colors_than_the_picture_has_are_not_made_up():
    image = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    assert len(minimum_variance_palette(image, 64)) == 2


def test_errors_are_handed_on_as_floyd_and_steinberg_do():
    # 100 between black and white: black, error 100; right gets 7/16 of it, 143.75: white, error -111.25. Below the
    # first pixel 5/16 of 100 and 3/16 of -111.25 arrive, 110.39: black; below the second, 1/16 of 100, 5/16 of -111.25
    # and 7/16 of 110.39, 119.78: black.
    image = np.full((2, 2, 3), 100, np.uint8)
    palette = np.array([[0.0] * 3, [255.0] * 3])
    np.testing.assert_array_equal(dither(image, palette)[..., 0], [[0, 1], [0, 0]])


def test_dithering_keeps_the_mean_of_a_flat_area():
    image = np.full((64, 64, 3), 100, np.uint8)
    palette = np.array([[0.0] * 3, [255.0] * 3])
    assert dither(image, palette).mean() == pytest.approx(100 / 255, abs=0.01)


@pytest.mark.parametrize(("level", "factor"), [(1, 0.4), (2, 0.2), (3, 0.1), (4, 0.0)])
def test_saturation_agrees_with_hsv(rendered, assert_same_picture, level, factor):
    image = np.random.default_rng(level).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    image[0, 0], image[0, 1] = 0, 255
    expected = np.empty(image.shape)
    for row in range(12):
        for column in range(15):
            hue, saturation, value = colorsys.rgb_to_hsv(*(image[row, column] / 255))
            expected[row, column] = colorsys.hsv_to_rgb(hue, factor * saturation, value)
    assert_same_picture(distort(image, 7, level), rendered(expected), ties=0.005)


def test_factor_0_leaves_the_largest_channel_as_gray():
    image = np.array([[[0, 0, 0], [255, 10, 0], [20, 80, 30]]], np.uint8)
    np.testing.assert_array_equal(distort(image, 7, 4), [[[0] * 3, [255] * 3, [80] * 3]])


def test_a_negative_factor_is_not_clipped():
    # V + 0.4 (V - C): red keeps 1 and gains 1.4 in green and blue; black stays 0. The exit divides by 1.4.
    image = np.array([[[255, 0, 0], [0, 0, 0]]], np.uint8)
    np.testing.assert_array_equal(distort(image, 7, 5), [[[182, 255, 255], [0, 0, 0]]])


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_saturation_in_lab_follows_its_definition(varied_picture, stretched, rendered, lab, assert_same_picture, level):
    factor = (1, 2, 3, 6, 9)[level - 1]
    values = lab.from_rgb(stretched(varied_picture)) * (1, factor, factor)
    assert_same_picture(distort(varied_picture, 8, level), rendered(np.clip(lab.to_rgb(values), 0, 1)), ties=0.02)
