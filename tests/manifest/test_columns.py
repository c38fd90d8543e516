"""Which values are taken for a column's own, and which are refused with the rows that hold them."""

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.schema import CHAIN, CLUSTER_FIELDS, SCHEMA
from syndr_curate.curate.manifest.tables.columns import cast_column

INTEGERS = [field for field in (*SCHEMA, *CLUSTER_FIELDS) if pa.types.is_integer(field.type)]
IDS = pa.chunked_array([["a", "b", "c"]])


def cast(values, field):
    return cast_column(pa.chunked_array([values]), field, IDS)


def test_every_integer_column_is_looked_at():
    assert [field.name for field in INTEGERS] == ["distortion_id", "level", "seed", "cluster_id", "cluster_size"]


@pytest.mark.parametrize("field", INTEGERS, ids=lambda field: field.name)
@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()], ids=str)
def test_whole_numbers_among_floats_are_taken_and_nan_is_null(field, kind):
    values = pa.array([np.float16(5), np.float16("nan"), None], kind)
    assert cast(values, field).to_pylist() == [5, None, None]
    assert cast(values, field).type == field.type


@pytest.mark.parametrize("field", INTEGERS, ids=lambda field: field.name)
@pytest.mark.parametrize("value", [1.5, float("inf"), -float("inf"), 2.0**63, 2.0**53])
def test_floats_that_are_no_whole_numbers_are_refused_with_their_rows(field, value):
    with pytest.raises(CurateError, match=rf"column '{field.name}' is double, .* is no whole number .* in 1 rows: 'b'"):
        cast(pa.array([1.0, value, None]), field)


@pytest.mark.parametrize("field", INTEGERS, ids=lambda field: field.name)
@pytest.mark.parametrize(
    ("values", "row"),
    [
        (pa.array([1, 2, 2**63], pa.uint64()), "'c'"),
        (pa.array(["1", "2.5", None]), "'b'"),
        (pa.array(["1", "", None]), "'b'"),
        (pa.array([1, 2, 2**70], pa.decimal128(38, 0)), "'c'"),
    ],
    ids=["uint64", "text", "empty text", "decimal"],
)
def test_other_numbers_that_do_not_fit_are_refused_with_their_rows(field, values, row):
    with pytest.raises(CurateError, match=f"column '{field.name}' is .*, expected {field.type}: .* in 1 rows: {row}"):
        cast(values, field)


@pytest.mark.parametrize("field", INTEGERS, ids=lambda field: field.name)
@pytest.mark.parametrize(
    "values",
    [pa.array([True, False, True]), pa.array([1, 2, 3], pa.timestamp("ns")), pa.array([[1], [2], [3]])],
    ids=["bool", "timestamp", "list"],
)
def test_what_is_no_number_is_refused(field, values):
    with pytest.raises(CurateError, match=f"column '{field.name}' is .*: these values are no whole numbers"):
        cast(values, field)


def test_a_limit_of_the_type_itself_is_taken():
    level = SCHEMA.field("level")
    assert cast(pa.array([-128.0, 127.0, None]), level).to_pylist() == [-128, 127, None]
    with pytest.raises(CurateError, match=r"128.0 is no whole number -128 to 127; .* in 1 rows: 'a'"):
        cast(pa.array([128.0, 127.0, None]), level)


def test_a_float32_holds_fewer_whole_numbers():
    seed = SCHEMA.field("seed")
    assert cast(pa.array([2.0**24 - 1, None, 0], pa.float32()), seed).to_pylist() == [2**24 - 1, None, 0]
    with pytest.raises(CurateError, match=r"column 'seed' is float, .* no whole number below 2\*\*24; .*: 'a'"):
        cast(pa.array([2.0**24, None, 0], pa.float32()), seed)


def test_a_63_bit_seed_in_an_integer_column_stays():
    seed = SCHEMA.field("seed")
    seeds = [2**63 - 1, None, 3796617630474788577]
    assert cast(pa.array(seeds, pa.uint64()), seed).to_pylist() == seeds
    assert cast(pa.array([str(s) if s else None for s in seeds]), seed).to_pylist() == seeds


def test_a_number_inside_a_list_of_structs_is_checked_too():
    steps = pa.struct([("distortion_id", pa.int64()), ("level", pa.float64()), ("seed", pa.float64())])
    fine, rounded = ({"distortion_id": 1, "level": 1.0, "seed": seed} for seed in (2.0**53 - 1, 2.0**60))
    field = pa.field("chain", CHAIN)
    taken = cast(pa.array([[fine, {**fine, "seed": None}], None, []], pa.list_(steps)), field)
    assert taken.type == CHAIN
    assert [step["seed"] for step in taken.to_pylist()[0]] == [2**53 - 1, None]
    assert taken.to_pylist()[1:] == [None, []]
    with pytest.raises(CurateError, match=r"column 'chain' is list.*: seed: .*below 2\*\*53; .* in 2 rows: 'a', 'c'"):
        cast(pa.array([[fine, rounded], None, [rounded, rounded]], pa.list_(steps)), field)
    short = pa.array([[{"distortion_id": 1}], None, []])
    with pytest.raises(CurateError, match=r"column 'chain' .*: these values have not the fields distortion_id, level"):
        cast(short, field)


def test_text_is_not_made_of_numbers_but_a_column_without_values_is_null():
    name = SCHEMA.field("reference_id")
    assert cast(pa.array([None, float("nan"), None]), name).to_pylist() == [None] * 3
    assert cast(pa.array([None, None, None], pa.null()), name).to_pylist() == [None] * 3
    with pytest.raises(CurateError, match=r"column 'reference_id' is double, expected string: .*read the column as"):
        cast(pa.array([None, float("nan"), 7.0]), name)
