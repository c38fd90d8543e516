"""A problem of one row and a problem of the request are never caught as the other."""

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.errors import RowError
from syndr_curate.curate.storage.images import UnreadableImageError
from syndr_curate.distortions import DistortionError


@pytest.mark.parametrize("error", [RowError, UnreadableImageError])
def test_a_problem_of_a_row_is_no_problem_of_the_request(error):
    assert not issubclass(error, ValueError)
    assert not issubclass(CurateError, RowError)
    assert not issubclass(DistortionError, CurateError | RowError)


def test_a_row_error_says_its_status_and_keeps_its_kind_under_a_longer_message():
    longer = UnreadableImageError("the file is empty").about("reference a.png")
    assert (type(longer), str(longer)) == (UnreadableImageError, "reference a.png: the file is empty")
    assert (RowError.status, UnreadableImageError.status) == ("failed", "unreadable")
