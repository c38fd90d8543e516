"""References that look as if by another camera: of what size they are, and that their generator draws all of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.domains.fitting.camera_looks import FRAME, by_another_camera, drawn_shrinking, shrink


def drawing(seed):
    return np.random.Generator(np.random.PCG64(seed))


def noise(height, width):
    return drawing(1).integers(0, 256, (height, width, 3), np.uint8)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), height=st.integers(1, 400), width=st.integers(1, 400), side=st.integers(1, 200))
def test_a_side_is_as_long_as_asked_for_or_as_the_reference_allows(seed, height, width, side):
    shown = by_another_camera(noise(height, width), drawing(seed), side=side)
    assert shown.shape == (min(side, height), min(side, width), 3)
    assert shown.dtype == np.uint8


@pytest.mark.parametrize("size", [(FRAME, FRAME), (FRAME - 1, 900), (64, 64), (1, 1)])
def test_a_reference_of_the_frame_or_below_keeps_its_shorter_side(size):
    for seed in range(20):
        assert by_another_camera(noise(*size), drawing(seed)).shape == (size[0], min(size[1], FRAME), 3)


def test_the_generator_draws_everything(photograph):
    reference = photograph(3, 400, 500)
    first = by_another_camera(reference, drawing(7))
    assert np.array_equal(first, by_another_camera(reference, drawing(7)))
    others = [by_another_camera(reference, drawing(seed)) for seed in range(8, 28)]
    assert not any(np.array_equal(first, other) for other in others)
    assert len({other.mean().round(2) for other in others}) == len(others)


def test_the_reference_stays_as_it_was(photograph):
    reference = photograph(3, 300, 300)
    before = reference.copy()
    for seed in range(10):
        by_another_camera(reference, drawing(seed))
    assert np.array_equal(reference, before)


def test_exposure_differs_and_a_flat_picture_stays_one_color_where_there_is_no_grain():
    gray = np.full((300, 300, 3), 100, np.uint8)
    looks = [by_another_camera(gray, drawing(seed)) for seed in range(60)]
    flat = [look for look in looks if look.min() == look.max()]
    assert len(flat) > 5
    assert {100} < {int(look[0, 0, 0]) for look in flat}  # as it was, brighter and darker


def test_most_pictures_keep_their_size_and_the_others_become_smaller():
    factors = [drawn_shrinking((1000, 1200, 3), drawing(seed)) for seed in range(400)]
    smaller = [factor for factor in factors if factor != 1]
    assert 0.25 < len(smaller) / len(factors) < 0.45
    assert min(smaller) >= 0.6
    assert max(smaller) < 1
    assert min(smaller) < 0.65


def test_what_is_cut_before_it_is_made_smaller_is_within_the_reference():
    assert {drawn_shrinking((FRAME, 900), drawing(seed)) for seed in range(40)} == {1.0}
    assert {drawn_shrinking((50, 900), drawing(seed)) for seed in range(40)} == {1.0}
    for seed in range(40):
        assert FRAME / drawn_shrinking((320, 900), drawing(seed)) <= 320  # 0.9 at least


def test_made_smaller_is_the_mean_over_areas():
    picture = np.zeros((4, 6, 3), np.uint8)
    picture[:2, :2] = 100
    half = shrink(picture, 0.5)
    assert half.shape == (2, 3, 3)
    assert half[0, 0].tolist() == [100] * 3
    assert not half[1:].any()
    assert not half[:, 1:].any()
    assert np.array_equal(shrink(picture, 1), picture)
    assert shrink(picture, 0.01).shape == (1, 1, 3)
