"""DSMix on pixels: confidences worked out by hand."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.errors import RowError
from syndr_curate.curate.mixing.dsmix import Confidences, DistortedPair, confidences, draw_box, mix_sources
from syndr_curate.curate.mixing.preview import PreviewMix, mix_preview
from syndr_curate.curate.rendering.pasting import Box, common_size, crop_middle, paste
from syndr_curate.curate.rendering.render import Recipe
from syndr_curate.distortions import distort, stretch_uint8

BLACK = np.zeros((8, 8, 3), np.uint8)
WHITE = BLACK + np.uint8(255)


def painted(*pixels):
    image = BLACK.copy()
    for y, x in pixels:
        image[y, x] = 255
    return DistortedPair(image, BLACK)


@dataclass
class FixedNumbers:
    """Stands for a generator: gives the numbers it was told."""

    shares: list[float]
    places: list[int]
    asked: list[tuple[float, float]] = field(default_factory=list)

    def beta(self, a, b):
        self.asked.append((a, b))
        return self.shares.pop(0)

    def integers(self, below):
        place = self.places.pop(0)
        assert place < below
        return place


def test_confidence_is_the_share_of_the_changed_pixels_that_the_mix_shows():
    # A changes 4 pixels, of which the box hides 1; B changes 5, of which it shows 2.
    a = painted((0, 0), (0, 7), (7, 0), (3, 3))
    b = painted((2, 2), (3, 4), (0, 1), (7, 7), (6, 1))
    mix = mix_sources(a, b, Box(2, 2, 6, 6).region(8, 8), sigma=0)
    assert mix.raw == pytest.approx((3 / 4, 2 / 5), abs=1e-15)
    total = 3 / 4 + 2 / 5
    assert mix.raw.normalized() == pytest.approx((3 / 4 / total, 2 / 5 / total), abs=1e-15)


def test_the_mix_is_b_inside_and_a_outside():
    mix = mix_sources(DistortedPair(BLACK, WHITE), DistortedPair(WHITE, BLACK), Box(1, 2, 4, 7).region(8, 8))
    expected = BLACK.copy()
    expected[2:7, 1:4] = 255
    assert np.array_equal(mix.image, expected)


def test_a_change_everywhere_earns_its_area():
    mix = mix_sources(DistortedPair(WHITE, BLACK), DistortedPair(WHITE, BLACK), Box(0, 0, 4, 6).region(8, 8), sigma=0)
    assert mix.raw == pytest.approx((40 / 64, 24 / 64), abs=1e-15)


def test_a_box_over_an_undistorted_region_earns_nothing_however_large():
    b = painted(*((y, 0) for y in range(8)))
    mix = mix_sources(painted((4, 0)), b, Box(1, 0, 8, 8).region(8, 8), sigma=0)
    assert mix.raw.normalized() == (1.0, 0.0)


def test_on_a_picture_a_box_away_from_the_color_block_earns_nothing_and_one_over_it_everything(photograph):
    image = photograph(1, 128, 160)
    reference = stretch_uint8(image)
    changed = reference.copy()
    changed[8:40, 8:40] = (255, 0, 128)
    b, a = DistortedPair(changed, reference), DistortedPair(distort(image, 10, 5), reference)
    away = mix_sources(a, b, Box(90, 0, 160, 128).region(128, 160))
    assert away.raw.b == 0
    near = mix_sources(a, b, Box(48, 0, 160, 128).region(128, 160))
    assert near.raw.b < 0.05
    over = mix_sources(a, b, Box(0, 0, 80, 80).region(128, 160))
    assert over.raw.b == pytest.approx(1, abs=1e-4)


def test_nothing_left_of_either_distortion_is_an_error_not_a_label():
    mix = mix_sources(painted((3, 3)), painted((0, 0)), Box(2, 2, 6, 6).region(8, 8), sigma=0)
    assert mix.raw == (0, 0)
    with pytest.raises(RowError, match="neither distortion shows"):
        mix.raw.normalized()


def test_an_identity_cell_has_a_uniform_map():
    mix = mix_sources(DistortedPair(BLACK, BLACK), painted((0, 0)), Box(0, 0, 2, 4).region(8, 8), sigma=0)
    assert (mix.maps[0].uniform, mix.maps[1].uniform) == (True, False)
    assert mix.raw == pytest.approx((56 / 64, 1), abs=1e-15)


pictures = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 256, (4, 12, 11, 3)).astype(np.uint8)
)
boxes = st.integers(0, 2**32 - 1).map(lambda seed: draw_box(12, 11, np.random.default_rng(seed)))


@settings(max_examples=40, deadline=None)
@given(pictures, boxes, st.sampled_from([0.0, 1.0, 8.0]))
def test_swapping_the_images_and_inverting_the_region_swaps_the_confidences(images, box, sigma):
    a, b = DistortedPair(images[0], images[1]), DistortedPair(images[2], images[3])
    region = box.region(12, 11)
    mix, swapped = mix_sources(a, b, region, sigma=sigma), mix_sources(b, a, ~region, sigma=sigma)
    assert np.array_equal(mix.image, swapped.image)
    assert swapped.raw == mix.raw[::-1]
    assert swapped.raw.normalized() == mix.raw.normalized()[::-1]


@settings(max_examples=40, deadline=None)
@given(pictures, boxes)
def test_confidences_sum_to_1(images, box):
    mix = mix_sources(DistortedPair(images[0], images[1]), DistortedPair(images[2], images[3]), box.region(12, 11))
    assert 0 <= min(mix.raw) <= max(mix.raw) <= 1 + 1e-12
    assert sum(mix.raw.normalized()) == pytest.approx(1, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(pictures, boxes)
def test_what_the_mix_hides_of_a_is_what_is_missing_of_1(images, box):
    a, b = DistortedPair(images[0], images[1]), DistortedPair(images[2], images[3])
    region = box.region(12, 11)
    mix = mix_sources(a, b, region)
    assert mix.raw.a == pytest.approx(1 - mix.maps[0].values[region].sum(), abs=1e-12)
    assert confidences(mix.maps[0].values, mix.maps[1].values, ~region)[0] == pytest.approx(1 - mix.raw.a, abs=1e-12)


def test_normalizing_keeps_the_proportion():
    assert Confidences(0.2, 0.6).normalized() == pytest.approx((0.25, 0.75))


def test_the_box_is_cutmix_s():
    # The background keeps 3/4 of the area: the box has half the picture's sides, 40 x 20, around (30, 15).
    numbers = FixedNumbers([0.75], [30, 15])
    assert draw_box(40, 80, numbers) == Box(10, 5, 50, 25)
    assert numbers.asked == [(1.0, 1.0)]


def test_the_box_is_cut_off_at_the_border():
    assert draw_box(40, 80, FixedNumbers([0.75], [0, 39])) == Box(0, 29, 20, 40)


def test_a_box_that_would_leave_only_one_image_is_drawn_again():
    # First no box at all, then one over everything.
    assert draw_box(40, 80, FixedNumbers([1.0, 0.0, 0.75], [3, 3, 40, 20, 30, 15])) == Box(10, 5, 50, 25)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 50), st.integers(3, 50), st.sampled_from([0.1, 1.0, 30.0]))
def test_every_box_is_in_the_picture_and_leaves_both_images(seed, height, width, alpha):
    box = draw_box(height, width, np.random.default_rng(seed), alpha=alpha)
    assert 0 <= box.left < box.right <= width
    assert 0 <= box.top < box.bottom <= height
    assert 0 < box.region(height, width).sum() < height * width


def test_the_same_seed_draws_the_same_box():
    first, second = (draw_box(100, 90, np.random.default_rng(5)) for _ in range(2))
    assert first == second


def test_one_pixel_is_too_small_for_a_box():
    with pytest.raises(RowError, match="too small"):
        draw_box(1, 1, np.random.default_rng(0))


def test_images_of_two_sizes_are_not_mixed():
    with pytest.raises(ValueError, match="shapes"):
        mix_sources(painted(), DistortedPair(BLACK[:5], BLACK[:5]), Box(0, 0, 2, 2).region(8, 8))


def test_the_common_part_is_the_middle_of_each():
    tall, wide = np.arange(9 * 4 * 3).reshape(9, 4, 3), np.arange(6 * 7 * 3).reshape(6, 7, 3)
    assert common_size(tall, wide) == (6, 4)
    assert np.array_equal(crop_middle(tall, 6, 4), tall[1:7])
    assert np.array_equal(crop_middle(wide, 6, 4), wide[:, 1:5])


def test_paste_leaves_its_inputs_alone():
    a, b = BLACK.copy(), WHITE.copy()
    paste(a, b, Box(0, 0, 8, 1).region(8, 8))
    assert np.array_equal(a, BLACK)
    assert np.array_equal(b, WHITE)


@pytest.mark.parametrize("shape", [(96, 128), (128, 96), (9, 400), (3, 3)])
def test_a_preview_can_be_drawn_of_any_picture(photograph, shape):
    image = photograph(2, *shape)
    a = DistortedPair(distort(image, 10, 3), stretch_uint8(image))
    b = DistortedPair(distort(image, 1, 1), stretch_uint8(image))
    box = draw_box(*shape, np.random.default_rng(3))
    recipes = (recipe("city_10_03" * 30, 10, 3), recipe("city_01_01", 1, 1))
    shown = PreviewMix("mix_0000000000000000", recipes, (a, b), box, mix_sources(a, b, box.region(*shape)))
    one, two = mix_preview([shown]), mix_preview([shown, shown])
    assert one.dtype == np.uint8
    assert two.shape[0] > one.shape[0]
    assert two.shape[1:] == one.shape[1:]
    assert len(np.unique(one.reshape(-1, 3), axis=0)) > 50


def recipe(sample_id, kind, level):
    return Recipe(sample_id, "images", "x.png", "references", "x.png", kind, level, 1)
