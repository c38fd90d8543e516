"""Numbers as people write them, and what only Python takes for one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.curate.storage.texts.strict_numbers import finite_number, whole_number

NO_NUMBERS = [
    "",
    " ",
    "3_4",
    "٣",
    "²",
    "\uff13",
    "nan",
    "inf",
    "-inf",
    "0x10",
    "1,5",
    "1 0",
    "--1",
    "1e",
    ".",
    "\xa03",
    "3\n",
]


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1.0", "1e3", "+3", "9" * 5000])
def test_what_is_no_whole_number(text):
    assert whole_number(text) is None


@pytest.mark.parametrize("text", [*NO_NUMBERS, "1e999", "infinity", "1_0.5"])
def test_what_is_no_finite_number(text):
    assert finite_number(text) is None


@given(st.integers(-(10**39), 10**39))
def test_whole_numbers_come_back(number):
    assert whole_number(f" {number}\t") == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_finite_numbers_come_back_to_the_last_bit(number):
    found = finite_number(repr(number))
    assert found == number
    assert math.copysign(1, found) == math.copysign(1, number)
