"""Whole numbers at the doors: numpy's are taken, and what would seed other draws than an int is refused by name."""

import numpy as np
import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.whole_numbers import whole_number, whole_numbers


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_an_integer_of_any_kind_becomes_an_int(value):
    number = whole_number("epoch", value, least=0)
    assert (number, type(number)) == (3, int)


@pytest.mark.parametrize("value", [1.0, np.float32(1), True, np.True_, "1", None, [1]])
def test_anything_else_is_refused_by_its_name(value):
    with pytest.raises(CurateError, match=r"epoch is .*; expected a whole number, 0 or more, as an int, not a float"):
        whole_number("epoch", value, least=0)


def test_a_number_below_the_least_is_refused():
    with pytest.raises(CurateError, match="keep_min is 0; expected a whole number, 1 or more"):
        whole_number("keep_min", np.int32(0), least=1)


def test_every_number_of_a_list_is_looked_at():
    assert whole_numbers("level", np.arange(3)) == (0, 1, 2)
    with pytest.raises(CurateError, match=r"level is 2.0; expected a whole number"):
        whole_numbers("level", [1, 2.0])
