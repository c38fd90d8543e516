import math

import numpy as np
import pytest
from syndr_curate.distortions import distort
from syndr_curate.distortions.blur import draw_motion_blur
from syndr_curate.distortions.numerics.kernels import disk_quadrant, gaussian_half_kernel, motion_kernel


def full_kernel(quadrant):
    rows, columns = (np.abs(np.arange(-(size - 1), size)) for size in quadrant.shape)
    return quadrant[np.ix_(rows, columns)]


def slow_disk(radius, cuts=400):
    """Area of each pixel inside the circle, by counting the points of a fine grid."""
    side = 2 * radius + 1
    points = (np.arange(side * cuts) + 0.5) / cuts - side / 2
    inside = np.add.outer(points**2, points**2) <= radius**2
    area = inside.reshape(side, cuts, side, cuts).mean(axis=(1, 3))
    return area / area.sum()


def slow_motion_kernel(length, angle):
    """The published construction, one kernel element after the other."""
    eps = 2.0**-52
    half = (length - 1) / 2
    phi = math.fmod(angle, 180) * math.pi / 180
    c, s = math.cos(phi), math.sin(phi)
    xs = (c > 0) - (c < 0)
    sx, sy = math.trunc(half * c + xs - length * eps), math.trunc(half * s + 1 - length * eps)
    columns, rows = list(range(0, sx + xs, xs)), list(range(sy + 1))
    w = np.zeros((len(rows), len(columns)))
    for i, y in enumerate(rows):
        for j, x in enumerate(columns):
            d = y * c - x * s
            if math.sqrt(x * x + y * y) >= half and abs(d) <= 1:
                d = math.sqrt(d * d + (half - abs((x + d * s) / c)) ** 2)
            w[i, j] = max(1 + eps - abs(d), 0)
    full = np.zeros((2 * len(rows) - 1, 2 * len(columns) - 1))
    full[: len(rows), : len(columns)] = np.rot90(w, 2)
    full[len(rows) - 1 :, len(columns) - 1 :] = w
    full /= full.sum() + eps * length**2
    return np.flipud(full) if c > 0 else full


@pytest.mark.parametrize(("sigma", "side"), [(0.1, 3), (0.5, 3), (1, 5), (2, 9), (5, 21)])
def test_the_gaussian_kernel_is_the_outer_product_of_its_half(slow_filters, sigma, side):
    half = gaussian_half_kernel(sigma)
    line = np.concatenate([half[:0:-1], half])
    assert line.size == side
    np.testing.assert_allclose(np.outer(line, line), slow_filters.gaussian(sigma), atol=1e-17, rtol=1e-13)


def test_sigma_of_a_tenth_is_the_identity_exactly():
    np.testing.assert_array_equal(gaussian_half_kernel(0.1), [1, 0])


def test_a_disk_of_radius_1_has_the_published_weights():
    np.testing.assert_allclose(disk_quadrant(1), [[0.3183, 0.1453], [0.1453, 0.0251]], atol=5e-5)


@pytest.mark.parametrize("radius", [1, 2, 4, 6, 8])
def test_a_disk_weighs_pixels_by_their_area_inside_the_circle(radius):
    kernel = full_kernel(disk_quadrant(radius))
    np.testing.assert_allclose(kernel, slow_disk(radius), atol=2e-3 / radius**2)
    assert kernel.sum() == pytest.approx(1, abs=1e-14)
    # Pixels wholly inside weigh one pixel of the circle's area.
    assert kernel[radius, radius] == pytest.approx(1 / (math.pi * radius**2), rel=1e-12)


@pytest.mark.parametrize("length", [1, 2, 4, 6, 10])
def test_motion_kernels_follow_the_published_construction_at_every_angle(length):
    for angle in range(181):
        kernel = motion_kernel(length, angle)
        np.testing.assert_allclose(kernel, slow_motion_kernel(length, angle), atol=1e-16)
        assert kernel.shape[0] % 2 == kernel.shape[1] % 2 == 1
        assert kernel.sum() == pytest.approx(1, abs=1e-13)


def test_a_motion_of_length_2_at_0_degrees_is_a_quarter_a_half_a_quarter():
    np.testing.assert_allclose(motion_kernel(2, 0), [[0.25, 0.5, 0.25]], atol=1e-15)


def test_a_motion_of_45_degrees_rises_to_the_right():
    kernel = motion_kernel(6, 45)
    assert kernel[0, -1] > 0
    assert kernel[0, 0] == 0


def test_angles_0_and_180_blur_alike():
    np.testing.assert_array_equal(motion_kernel(10, 0), motion_kernel(10, 180))


def test_angles_are_whole_and_cover_0_to_180_evenly():
    rng = np.random.default_rng(0)
    angles = np.array([draw_motion_blur(4, 1, 1, rng)[0] for _ in range(40_000)])
    assert set(angles) == set(range(181))
    # 40,000 / 181 = 221 of each, with a standard deviation of 15.
    assert np.abs(np.bincount(angles.astype(int)) - 221).max() < 5 * 15


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_gaussian_blur_follows_its_definition(
    varied_picture, stretched, rendered, slow_filters, assert_same_picture, level
):
    sigma = (0.1, 0.5, 1, 2, 5)[level - 1]
    expected = rendered(slow_filters.correlated(stretched(varied_picture), slow_filters.gaussian(sigma)))
    assert_same_picture(distort(varied_picture, 1, level), expected)


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_lens_blur_follows_its_definition(
    varied_picture, stretched, rendered, slow_filters, assert_same_picture, level
):
    radius = (1, 2, 4, 6, 8)[level - 1]
    expected = rendered(slow_filters.correlated(stretched(varied_picture), full_kernel(disk_quadrant(radius))))
    assert_same_picture(distort(varied_picture, 2, level), expected)


@pytest.mark.parametrize("angle", [0, 17, 90, 133, 180])
@pytest.mark.parametrize("level", [2, 5])
def test_motion_blur_follows_its_definition(varied_picture, stretched, rendered, slow_filters, level, angle):
    kernel = slow_motion_kernel((1, 2, 4, 6, 10)[level - 1], angle)
    expected = rendered(slow_filters.correlated(stretched(varied_picture), kernel))
    np.testing.assert_array_equal(distort(varied_picture, 3, level, draws=[angle]), expected)
