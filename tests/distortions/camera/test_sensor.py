import numpy as np
import pytest
from syndr_curate.distortions import distort, draw
from syndr_curate.distortions.camera.mosaic import DAYLIGHT_GAINS, count_photons, demosaic
from syndr_curate.distortions.numerics.coded_image import of_codes
from syndr_curate.distortions.numerics.lab import linear_to_srgb, srgb_to_linear
from syndr_curate.distortions.numerics.random_draws import standard_normals


def mosaic_of(plane):
    """What each site sees of a picture: red at (even, even), blue at (odd, odd), green between."""
    rows, columns = np.indices(plane.shape[:2])
    return np.take_along_axis(plane, (rows % 2 + columns % 2)[..., None], axis=2)[..., 0]


def slow_malvar(mosaic):
    """The filters as the paper's figure 2 prints them, times 8."""
    green = [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
    along = [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]]
    other = [[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]]
    green, along, other = (np.array(kernel) / 8 for kernel in (green, along, other))
    padded = np.pad(mosaic, 2, mode="reflect")
    out = np.empty((*mosaic.shape, 3))
    for y, x in np.ndindex(mosaic.shape):
        window = padded[y : y + 5, x : x + 5]
        here, red_row = mosaic[y, x], y % 2 == 0
        if y % 2 == x % 2:
            opposite = (window * other).sum()
            out[y, x] = (
                (here, (window * green).sum(), opposite) if red_row else (opposite, (window * green).sum(), here)
            )
        else:
            in_row, in_column = (window * along).sum(), (window * along.T).sum()
            out[y, x] = (in_row, here, in_column) if red_row else (in_column, here, in_row)
    return out


@pytest.mark.parametrize("shape", [(2, 2), (2, 5), (7, 6), (12, 13)])
def test_interpolation_follows_the_papers_filters(shape):
    mosaic = np.random.default_rng(0).random(shape)
    np.testing.assert_allclose(demosaic(mosaic), slow_malvar(mosaic), atol=1e-12)


def test_a_plain_color_is_interpolated_exactly():
    plain = np.broadcast_to([0.2, 0.5, 0.8], (6, 8, 3))
    np.testing.assert_allclose(demosaic(mosaic_of(plain)), plain, atol=1e-12)


@pytest.mark.parametrize("photons", [20.0, 400.0])
def test_electrons_have_the_mean_and_the_variance_of_photons_and_read_noise(photons):
    normals = standard_normals(np.random.default_rng(3), (400, 400))
    light = of_codes(np.full((400, 400, 3), 255, np.uint8))
    count_photons(light, photons, normals)
    green = normals[0::2, 1::2] * photons
    assert green.mean() == pytest.approx(photons, rel=0.01)
    assert green.var() == pytest.approx(photons + 2.5**2, rel=0.03)
    # Red is amplified twofold: half of the photons, and a noise that is larger.
    assert normals[0::2, 0::2].var() > 1.5 * normals[0::2, 1::2].var()
    assert DAYLIGHT_GAINS[1] == 1


def test_many_photons_and_no_draws_leave_a_plain_picture_as_it_is():
    image = np.broadcast_to(np.array([30, 120, 220], np.uint8), (10, 12, 3))
    out = distort(image, "sensor_noise", 1, draws=np.zeros((10, 12)), stretch=False)
    assert np.abs(out.astype(int) - image).max() <= 1


@pytest.mark.parametrize("kind", ["sensor_noise", "low_light"])
def test_a_mosaic_needs_two_by_two_pixels(kind):
    for shape in [(1, 8, 3), (8, 1, 3)]:
        with pytest.raises(ValueError, match="at least 2 x 2 pixels"):
            distort(np.zeros(shape, np.uint8), kind, 1, seed=1)
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20
    assert distort(image, kind, 5, seed=1).shape == (2, 2, 3)
    assert draw(kind, 1, (5, 7, 3), np.random.default_rng(0)).shape == (5, 7)


def test_low_light_is_darker_by_what_is_not_amplified():
    image = np.full((40, 40, 3), 200, np.uint8)
    out = distort(image, "low_light", 1, draws=np.zeros((40, 40)), stretch=False)
    # Three stops are missing and 0.6 of them are made up for: 2^-1.2 of the light.
    expected = linear_to_srgb(srgb_to_linear(np.array([200 / 255])) * 2**-1.2) * 255
    assert np.abs(out - expected).max() < 2


def test_low_light_has_less_color_noise_than_a_sensor_without_noise_reduction():
    image = np.full((64, 64, 3), 128, np.uint8)

    def color_noise(kind, level):
        out = distort(image, kind, level, seed=5, stretch=False).astype(float)
        return (out[..., 0] - out[..., 1]).std() / out.mean()

    # 8000 photons less 4.5 stops are 354; sensor_noise of level 3 has 400.
    assert color_noise("low_light", 2) < 0.8 * color_noise("sensor_noise", 3)


def test_the_srgb_curve_goes_there_and_back():
    codes = np.arange(256) / 255
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(codes)), codes, atol=1e-7)
