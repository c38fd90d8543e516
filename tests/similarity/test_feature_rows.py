"""Feature rows: measured in one reading, refused by id where they have no direction."""

import numpy as np
import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.similarity import check_rows, feature_rows, nearest, thin, threshold_components
from syndr_curate.curate.similarity.feature_rows import LANES, dot, half_value


def test_rows_without_a_direction_are_named_by_id():
    rows = np.array([[1, 0], [np.nan, 1], [0, 0], [np.inf, 1], [-0.0, 0]])
    with pytest.raises(CurateError) as refused:
        check_rows(rows, list("abcde"), "f.npy")
    assert str(refused.value) == ("f.npy has 2 rows with NaN or infinity: 'b', 'd'; 2 rows that are all zero: 'c', 'e'")


def test_rows_whose_length_cannot_be_squared_are_named_by_id():
    with pytest.raises(CurateError, match="2 rows of a length beyond all measure: 'b', 'c'"):
        check_rows(np.array([[1.0, 0.0], [1e200, 0.0], [1e-200, 0.0]]), list("abc"), "f.npy")


def test_small_float16_rows_are_usable():
    check_rows(np.full((2, 3), 6e-8, np.float16), list("ab"), "f.npy")


def test_blocks_do_not_shift_the_ids(monkeypatch):
    monkeypatch.setattr("syndr_curate.curate.similarity.feature_rows.BLOCK_BYTES", 16)
    rows = np.ones((5, 2), np.float32)
    rows[3] = 0
    with pytest.raises(CurateError, match="1 rows that are all zero: 'd'"):
        check_rows(rows, list("abcde"), "f")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_faulty_rows_are_found_anywhere_in_a_long_matrix(dtype):
    features = np.ones((9000, 5), dtype=dtype)
    features[[0, 4096, 8999]] = 0
    features[17, 3] = np.nan
    features[5000, 0] = -np.inf
    with pytest.raises(CurateError) as refused:
        check_rows(features)
    assert str(refused.value) == (
        "the feature matrix has 2 rows with NaN or infinity: 'row 17', 'row 5000'; "
        "3 rows that are all zero: 'row 0', 'row 4096', 'row 8999'"
    )


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (np.ones(3), r"float64 of shape \(3,\)"),
        (np.ones((3, 0)), r"float64 of shape \(3, 0\)"),
        (np.ones((3, 2), int), "features are int64"),
    ],
)
def test_what_is_no_matrix_of_floating_numbers_is_refused(features, message):
    with pytest.raises(CurateError, match=message):
        check_rows(features)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_keep_their_numbers_and_lengths(dtype):
    rows = check_rows(np.array([[3, 4], [0, 2], [5, 12]], dtype=dtype))
    assert rows.matrix.dtype == dtype
    assert (rows.matrix.tolist(), rows.norms.tolist()) == ([[3, 4], [0, 2], [5, 12]], [5, 2, 13])
    some = rows.take(np.array([2, 0]))
    assert (some.matrix.tolist(), some.norms.tolist()) == ([[5, 12], [3, 4]], [13, 5])
    assert rows.take(np.arange(3)) is rows
    wider = rows.as_dtype(np.dtype(np.float64))
    assert (wider.matrix.dtype, wider.matrix.tolist()) == (np.float64, rows.matrix.tolist())
    assert check_rows(wider.matrix).norms.tolist() == rows.norms.tolist()


def test_rows_that_were_measured_are_not_read_through_again(monkeypatch):
    features = np.random.default_rng(0).standard_normal((50, 7)).astype(np.float32)
    expected = nearest(features, features, 2), thin(features, 0.5), threshold_components(features, None, 0.3)
    rows = check_rows(features)
    monkeypatch.setattr(feature_rows, "_norms", lambda *_: pytest.fail("measured again"))
    assert all(np.array_equal(*pair) for pair in zip(nearest(rows, rows, 2), expected[0], strict=True))
    assert np.array_equal(thin(rows, 0.5), expected[1])
    assert np.array_equal(threshold_components(rows, None, 0.3), expected[2])


def test_every_float16_is_read_exactly():
    bits = np.arange(65536, dtype=np.uint16)
    values = bits.view(np.float16)
    values = values[np.isfinite(values) & (values != 0)]
    assert all(half_value(int(b)) == float(v) for b, v in zip(values.view(np.uint16)[::7], values[::7], strict=True))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("width", [1, 31, 32, 33, 100])
def test_a_product_is_summed_in_32_lanes_whatever_the_type(dtype, width):
    rows = check_rows(np.random.default_rng(width).standard_normal((2, width)).astype(dtype))
    a, b = rows.matrix.astype(np.float64)
    lanes = [0.0] * LANES
    for k in range(width):
        lanes[k % LANES] += a[k] * b[k]
    assert dot(rows.stored[0], rows.stored[1], rows.half) == sum(lanes)
