"""A label file whose scores run the other way than was said is warned of."""

import warnings

import numpy as np
import pytest
from syndr_curate import CurateWarning
from syndr_curate.curate.datasets.label_direction import describe_reversed_labels
from syndr_curate.curate.datasets.labels import LabelFile, read_labels

from ..making import Notes

# Three types at two levels; quality falls in two of them.
TYPES, LEVELS = (1, 1, 2, 2, 9, 9), (1, 5, 1, 5, 1, 5)
FALLING = np.array([8.0, 2.0, 7.0, 3.0, 5.0, 6.0])


def doubt(quality, types=TYPES, levels=LEVELS, lower_is_better=False):
    return describe_reversed_labels(types, levels, np.asarray(quality), lower_is_better=lower_is_better)


def test_quality_that_falls_in_most_types_is_not_doubted():
    assert doubt(FALLING) is None


def test_quality_that_rises_in_most_types_is_doubted_either_way():
    assert doubt(10 - FALLING) == (
        "quality rises with the level in 2 of 3 types, and a higher level is a stronger distortion: "
        "give --lower-is-better (lower_is_better=True) if lower scores are better"
    )
    assert "leave out --lower-is-better" in doubt(10 - FALLING, lower_is_better=True)


def test_as_many_rises_as_falls_are_not_doubted():
    assert doubt([8, 2, 3, 7], types=(1, 1, 2, 2), levels=(1, 5, 1, 5)) is None


def test_types_of_one_level_and_of_two_sides_do_not_count():
    assert doubt([1, 9, 4, 9, 4, 9], types=(1, 2, 18, 18, 25, 25), levels=(3, 3, 1, 3, 1, 3)) is None


@pytest.fixture
def falling(write_text):
    """Scores that fall with the level."""
    lines = [f"a_{kind:02d}_0{level}.png,{9 - level}" for kind in (1, 2) for level in (1, 3, 5)]
    return write_text("scores.csv", "dist_img,dmos", *lines)


def test_a_needless_flip_is_warned_of(falling):
    with pytest.warns(CurateWarning, match=r"scores\.csv: quality rises with the level in 2 of 2 types.*leave out"):
        read_labels(falling, lower_is_better=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_labels(falling)


def test_a_reporter_gets_the_note_instead(falling):
    notes = Notes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LabelFile(falling, lower_is_better=True).read(notes)
    assert [note.startswith(f"warning: {falling}: quality rises") for note in notes.told] == [True]


def test_a_missing_flip_is_warned_of(write_text):
    path = write_text("bad.csv", "dist_img,dmos", *(f"a_01_0{level}.png,{level}" for level in (1, 3, 5)))
    with pytest.warns(CurateWarning, match=r"in 1 of 1 types.*give --lower-is-better"):
        read_labels(path)


def test_kadid_is_not_doubted_and_its_flip_is(reference_data):
    path = reference_data / "kadid10k" / "dmos.csv"
    notes = Notes()
    LabelFile(path).read(notes)
    assert notes.told == []
    LabelFile(path, lower_is_better=True).read(notes)
    assert "in 23 of 23 types" in notes.told[0]
