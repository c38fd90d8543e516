import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from syndr_curate.distortions import CAMERA, CATALOG, distort, get

DENOISE = 15
ALL_TYPES = (*CATALOG, *CAMERA)
SMALL_TYPES = [entry.id for entry in ALL_TYPES if entry.minimum_size == 1]
SIZED_TYPES = [entry.id for entry in ALL_TYPES if entry.minimum_size > 1 and entry.id != DENOISE]

relaxed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
levels = st.integers(1, 5)
seeds = st.integers(0, 2**63 - 1)


def pictures(side):
    """Any pixels, up to `side` high and wide."""
    return hnp.arrays(np.uint8, st.tuples(st.integers(1, side), st.integers(1, side), st.just(3)))


def assert_full_range_or_constant(image, out):
    assert out.shape == (*image.shape[:2], 3)
    assert out.dtype == np.uint8
    assert (int(out.min()), int(out.max())) == (0, 255) or out.min() == out.max()


@relaxed
@given(image=pictures(24), kind=st.sampled_from(SMALL_TYPES), level=levels, seed=seeds)
def test_any_picture_comes_out_at_full_range_unless_constant(image, kind, level, seed):
    before = image.copy()
    assert_full_range_or_constant(image, distort(image, kind, level, seed=seed))
    np.testing.assert_array_equal(image, before)


@relaxed
@given(
    height=st.integers(1, 90), width=st.integers(1, 90), texture=seeds, kind=st.sampled_from(SMALL_TYPES), level=levels
)
def test_any_size_is_accepted(height, width, texture, kind, level):
    image = np.random.default_rng(texture).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert_full_range_or_constant(image, distort(image, kind, level, seed=texture))


@settings(max_examples=100, deadline=None)
@given(
    extra_height=st.integers(0, 40),
    extra_width=st.integers(0, 40),
    texture=seeds,
    kind=st.sampled_from(SIZED_TYPES),
    level=levels,
)
def test_types_with_a_smallest_size_accept_every_size_from_there(extra_height, extra_width, texture, kind, level):
    least = get(kind).minimum_size
    shape = (least + extra_height, least + extra_width, 3)
    image = np.random.default_rng(texture).integers(0, 256, shape, dtype=np.uint8)
    assert_full_range_or_constant(image, distort(image, kind, level, seed=texture))


@relaxed
@given(image=pictures(24), kind=st.sampled_from(SMALL_TYPES), level=st.floats(1, 5), seed=seeds)
def test_levels_in_between_are_as_good_as_whole_ones(image, kind, level, seed):
    once = distort(image, kind, level, seed=seed)
    assert_full_range_or_constant(image, once)
    np.testing.assert_array_equal(once, distort(image, kind, level, seed=seed))


@relaxed
@given(image=pictures(16), kind=st.sampled_from(SMALL_TYPES), level=levels, seed=seeds)
def test_the_same_seed_gives_the_same_bytes(image, kind, level, seed):
    once = distort(image, kind, level, seed=seed)
    np.testing.assert_array_equal(once, distort(image, kind, level, seed=seed))
