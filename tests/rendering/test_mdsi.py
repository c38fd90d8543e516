"""The proxy label: a full-reference metric on a fixed mapping."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.rendering.mdsi import MeasuredReference, mdsi, proxy_quality
from syndr_curate.distortions import distort, stretch_uint8
from syndr_curate.distortions.catalog import CATALOG

from .mdsi_definition import mdsi_by_definition


@pytest.fixture(scope="module")
def reference():
    return stretch_uint8(paint_scene("landscape", 0, side=128))


def test_a_picture_does_not_deviate_from_itself(reference):
    assert mdsi(reference, reference) == 0.0
    assert proxy_quality(0.0) == 10.0


@pytest.mark.parametrize(("kind", "options"), [("gaussian_blur", {}), ("jpeg", {}), ("white_noise", {"seed": 1})])
def test_a_stronger_distortion_of_one_kind_deviates_more(reference, kind, options):
    scores = [mdsi(reference, distort(reference, kind, level, **options)) for level in range(1, 6)]
    assert scores == sorted(scores)
    assert scores[4] > scores[1] > 0


def test_a_uniform_change_of_brightness_is_forgiven():
    image = paint_scene("sky", 0, side=64) // 2 + 20
    brighter = image + np.uint8(30)
    noisy = np.clip(image + np.random.default_rng(0).normal(0, 30, image.shape), 0, 255).astype(np.uint8)
    assert mdsi(image, brighter) < 0.25 * mdsi(image, noisy)


def test_a_plain_picture_against_another_is_uniform_and_so_does_not_deviate():
    assert mdsi(np.full((8, 9, 3), 10, np.uint8), np.full((8, 9, 3), 200, np.uint8)) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 7, 3), (3, 3, 3), (600, 20, 3)])
def test_any_size_gives_a_number(shape):
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(2))
    assert 0 <= mdsi(first, second) < 1


def label_difference(first, second):
    return abs(proxy_quality(mdsi(first, second)) - proxy_quality(mdsi_by_definition(first, second)))


@pytest.mark.parametrize("entry", CATALOG, ids=lambda entry: entry.name)
def test_labels_are_those_of_the_definition_to_two_thousandths(reference, entry):
    measured = MeasuredReference(reference)
    for level in (1, 3, 5):
        image = distort(reference, entry.id, level, **({"seed": 1} if entry.random else {}))
        assert measured.mdsi(image) == mdsi(reference, image)
        assert label_difference(reference, image) < 0.0002


@given(st.integers(0, 2**32), st.integers(1, 30), st.sampled_from([1, 2, 10, 100, 255]))
def test_labels_of_pictures_that_are_nearly_equal_are_those_of_the_definition_too(seed, pixels, change):
    rng = np.random.default_rng(seed)
    image = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (64, 48))
    other = image.copy()
    places = rng.integers(0, image.size, pixels)
    other.reshape(-1)[places] = np.clip(other.reshape(-1)[places].astype(int) + change, 0, 255)
    assert label_difference(image, other) < 0.001


@given(st.integers(0, 2**32), st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_labels_of_noise_are_those_of_the_definition_too(seed, shape):
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(2))
    assert label_difference(first, second) < 0.002


def test_two_sizes_cannot_be_compared():
    with pytest.raises(ValueError, match=r"the reference is \(4, 4, 3\), the distorted image \(4, 5, 3\)"):
        mdsi(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))


def test_the_mapping_is_fixed():
    assert proxy_quality(0.22) == pytest.approx(7.5)  # 10 (1 - (1/2)^2)
    assert proxy_quality(0.44) == 0.0
    assert proxy_quality(0.9) == 0.0


@given(st.floats(0, 1), st.floats(0, 1))
def test_quality_stays_in_range_and_never_rises_with_deviation(first, second):
    low, high = sorted((first, second))
    assert 10.0 >= proxy_quality(low) >= proxy_quality(high) >= 0.0
