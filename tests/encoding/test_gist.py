"""The encoder without weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.demo.scenes import SCENE_KINDS, paint_scene
from syndr_curate.curate.encoding.gist import GIST_DIMENSIONS, GIST_MINIMUM_SIDE, gist_features
from syndr_curate.curate.errors import RowError


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def test_a_picture_becomes_480_finite_numbers_the_same_each_time():
    image = paint_scene("landscape", 0)
    features = gist_features(image)
    assert GIST_DIMENSIONS == 480
    assert (features.shape, features.dtype) == ((480,), np.float32)
    assert np.isfinite(features).all()
    assert np.array_equal(gist_features(image.copy()), features)


def test_the_picture_is_left_as_it_was():
    image = paint_scene("city", 1)
    before = image.copy()
    gist_features(image)
    assert np.array_equal(image, before)


@given(st.tuples(*[st.integers(0, 255)] * 3), st.integers(16, 40), st.integers(16, 40))
@settings(max_examples=40, deadline=None)
def test_even_a_plain_picture_has_a_direction(color, height, width):
    features = gist_features(np.full((height, width, 3), color, np.uint8))
    assert np.isfinite(features).all()
    assert np.linalg.norm(features) > 0.1


def test_a_picture_that_is_too_small_says_so():
    gist_features(np.zeros((GIST_MINIMUM_SIDE, 900, 3), np.uint8))
    with pytest.raises(RowError, match="900x15 is smaller than the 16 pixels a side that gist needs"):
        gist_features(np.zeros((15, 900, 3), np.uint8))


def test_a_near_copy_is_closer_than_any_other_kind_of_scene():
    scenes = {kind: gist_features(paint_scene(kind, 0)) for kind in SCENE_KINDS}
    for kind, features in scenes.items():
        copy = gist_features(paint_scene(kind, 0, wobble=0.01))
        others = [cosine(copy, other) for name, other in scenes.items() if name != kind]
        assert cosine(copy, features) > max(others)


def test_vertical_and_horizontal_stripes_are_distinguished():
    wave = (127 + 120 * np.sin(np.arange(128) / 3)).astype(np.uint8)
    vertical = np.repeat(np.tile(wave, (128, 1))[..., None], 3, axis=2)
    horizontal = np.ascontiguousarray(vertical.transpose(1, 0, 2))
    brighter = np.clip(vertical.astype(int) + 5, 0, 255).astype(np.uint8)
    assert cosine(gist_features(vertical), gist_features(brighter)) > 0.95
    assert cosine(gist_features(vertical), gist_features(horizontal)) < 0.6
