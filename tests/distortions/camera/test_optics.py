import math

import numpy as np
import pytest
from syndr_curate.distortions import distort
from syndr_curate.distortions.camera.optics import STEPS, aperture_kernel, draw_hand_shake, shake_kernel


@pytest.mark.parametrize("blades", [5, 6, 7, 8])
@pytest.mark.parametrize("radius", [1, 2.2, 5])
def test_an_aperture_lets_all_light_through_and_none_beyond_its_corners(blades, radius):
    kernel = aperture_kernel(radius, blades=blades, turn=0.3, rim=1.0)
    assert kernel.sum() == pytest.approx(1)
    half = kernel.shape[0] // 2
    distance = np.hypot(*(np.mgrid[-half : half + 1, -half : half + 1]))
    assert kernel[distance > radius + math.sqrt(0.5)].max() == 0
    assert kernel[half, half] > 0


def test_an_even_aperture_has_the_area_of_its_polygon():
    # A regular hexagon with corners at 4 pixels covers 3 sqrt(3) / 2 * 16 = 41.57 pixels.
    kernel = aperture_kernel(4, blades=6, turn=0.0, rim=0.0)
    assert 1 / kernel.max() == pytest.approx(41.57, rel=0.01)


def test_the_rim_of_an_aperture_is_brighter_than_its_middle_if_asked_for():
    kernel = aperture_kernel(5, blades=8, turn=0.0, rim=1.0)
    assert kernel[5 + 1, 5 + 1 + 3] > 1.2 * kernel[5 + 1, 5 + 1]


def test_a_hand_that_neither_turns_nor_changes_speed_draws_a_straight_line():
    kernel = shake_kernel(6.0, math.pi / 2, turns=np.zeros(STEPS), speeds=np.zeros(STEPS))
    rows, columns = np.nonzero(kernel)
    assert kernel.sum() == pytest.approx(1)
    # sin(pi / 2) is the step down: the line is vertical, six pixels long about the middle.
    middle = kernel.shape[0] // 2
    assert np.abs(kernel[:, middle].sum() - 1) < 1e-9
    assert rows.max() - rows.min() in (6, 7)
    assert set(columns[kernel[rows, columns] > 1e-12]) == {middle}


def test_the_path_of_a_hand_is_no_straight_line():
    numbers = draw_hand_shake(20.0, 1, 1, np.random.default_rng(0))
    turns, speeds = numbers[1 : 1 + STEPS], numbers[1 + STEPS :]

    def narrow_side(turns):
        kernel = shake_kernel(20.0, 2 * math.pi * numbers[0], turns=turns, speeds=speeds)
        return np.linalg.eigvalsh(np.cov(np.argwhere(kernel > 0).T, aweights=kernel[kernel > 0]))[0]

    assert narrow_side(turns) > 2 * narrow_side(np.zeros(STEPS))


@pytest.mark.parametrize("kind", ["bladed_defocus", "hand_shake"])
def test_a_bright_point_outshines_its_surroundings_since_light_is_blurred_and_not_codes(kind):
    image = np.zeros((41, 41, 3), np.uint8)
    image[20, 20] = 255
    spread = distort(image, kind, 3, seed=1, stretch=False)[..., 0] / 255
    linear = np.where(spread <= 0.04045, spread / 12.92, ((spread + 0.055) / 1.055) ** 2.4)
    assert linear.sum() == pytest.approx(1, abs=0.03)  # the light of one pixel; its codes add up to far more
    assert spread.sum() > 3
