import numpy as np
import pytest
from syndr_curate.distortions.numerics.coded_image import CodedImage, Line
from syndr_curate.distortions.numerics.filters import correlate, correlate_quadrant, correlate_separable

SHAPES = [(1, 1, 3), (1, 9, 3), (9, 1, 1), (2, 3, 2), (17, 23, 3), (30, 8, 1)]


def mirrored(half):
    return np.concatenate([half[:0:-1], half])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("radius", [0, 1, 4, 12])
def test_a_separable_kernel_equals_the_full_one(slow_filters, shape, radius):
    rng = np.random.default_rng(radius)
    image, half = rng.random(shape), rng.random(radius + 1)
    expected = slow_filters.correlated(image, np.outer(mirrored(half), mirrored(half)))
    np.testing.assert_allclose(correlate_separable(image, half), expected, rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sides", [(1, 1), (2, 4), (5, 1), (4, 4)])
def test_a_quadrant_equals_the_full_kernel(slow_filters, shape, sides):
    rng = np.random.default_rng(1)
    image, quadrant = rng.random(shape), rng.random(sides)
    rows, columns = (np.abs(np.arange(-(side - 1), side)) for side in sides)
    expected = slow_filters.correlated(image, quadrant[np.ix_(rows, columns)])
    np.testing.assert_allclose(correlate_quadrant(image, quadrant), expected, rtol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("sides", [(1, 1), (3, 5), (7, 1), (1, 7)])
def test_an_arbitrary_kernel_is_not_mirrored(slow_filters, shape, sides):
    rng = np.random.default_rng(2)
    codes, kernel = rng.integers(0, 256, shape, dtype=np.uint8), rng.random(sides)
    image = CodedImage(codes, rng.random(256))
    expected = slow_filters.correlated(image.table[codes], kernel)
    np.testing.assert_array_equal(correlate(image, kernel), expected)


def test_codes_are_filtered_as_what_they_stand_for(slow_filters):
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 256, (13, 11, 3), dtype=np.uint8)
    line = Line(scale=0.01, offset=-0.3)
    values = line.scale * codes + line.offset
    half = np.array([0.4, 0.2, 0.1])
    kernel = np.outer(mirrored(half), mirrored(half))
    expected = slow_filters.correlated(values, kernel)
    np.testing.assert_allclose(correlate_separable(codes, half, line), expected, atol=1e-14)
    np.testing.assert_allclose(correlate_quadrant(codes, np.outer(half, half), line), expected, atol=1e-14)
