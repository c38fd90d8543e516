"""Ids from file names, and sample ids there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate import CurateError
from syndr_curate.curate.manifest import ids


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("I01.png", "I01"),
        ("I01.PNG", "I01"),
        ("a.b.jpeg", "a.b"),
        ("v1.2", "v1.2"),
        ("notes.txt", "notes.txt"),
        (".png", ".png"),
        ("no suffix", "no suffix"),
        ("sub/folder.png/x.bmp", "x"),
        ('it\'s "ü".webp', 'it\'s "ü"'),
        ("scan.png.jpg", "scan"),
    ],
)
def test_the_id_of_a_file_is_its_name_without_image_suffixes(name, identifier):
    assert ids.stem_id(name) == identifier


@given(st.text(max_size=12), st.sampled_from(["", *sorted(ids.IMAGE_SUFFIXES), ".txt", "."]))
def test_stripping_takes_only_suffixes_and_only_once(text, suffix):
    name = text + suffix
    stripped = ids.strip_image_suffix(name)
    assert name.startswith(stripped)
    assert ids.strip_image_suffix(stripped) == stripped
    rest = name[len(stripped) :]
    assert rest == "" or all(f".{part.lower()}" in ids.IMAGE_SUFFIXES for part in rest.split(".")[1:])
    assert ids.stem_id(ids.stem_id(name)) == ids.stem_id(name)


@given(st.text(min_size=1), st.integers(1, 999), st.integers(1, 5))
def test_a_sample_id_parses_back_to_what_made_it(reference, distortion, level):
    assert ids.parse_sample_id(ids.make_sample_id(reference, distortion, level)) == (reference, distortion, level)


def test_a_sample_id_is_padded_like_kadids_file_names():
    assert ids.make_sample_id("I01", 1, 3) == "I01_01_03"
    assert ids.parse_sample_id("a_b_25_05") == ("a_b", 25, 5)
    assert ids.parse_sample_id("p0_101_05") == ("p0", 101, 5)  # a type of the camera family
    assert ids.parse_sample_id("I01_01_01_02_03") == ("I01_01_01", 2, 3)


@pytest.mark.parametrize(
    "text", ["I01", "I01_01", "I01_01_", "_01_01", "I01_001_01", "I01_a_01", "I01_01_01\n", "I01_٣_٣", "I01_-1_01"]
)
def test_other_texts_are_no_sample_ids(text):
    assert ids.parse_sample_id(text) is None


def test_has_image_suffix_looks_at_the_last_suffix_in_any_case():
    assert ids.has_image_suffix("a/B.JpG")
    assert not ids.has_image_suffix("a.png/b")
    assert not ids.has_image_suffix("a.png.txt")


def test_a_message_names_five_ids_and_counts_the_rest():
    assert ids.list_ids(["a", "b"]) == "'a', 'b'"
    assert ids.list_ids(list("abcdefg")) == "'a', 'b', 'c', 'd', 'e' and 2 more"


def test_one_text_is_no_list_of_ids():
    ids.refuse_one_text(["abc"], "file")
    with pytest.raises(CurateError, match=r"file: 'abc' is one text; expected a list of ids, such as \['abc'\]"):
        ids.refuse_one_text("abc", "file")


def test_ids_that_repeat_are_named_once():
    ids.require_unique(["a", "b"], "file")
    with pytest.raises(CurateError, match="file: 2 ids occur more than once: 'a', 'b'"):
        ids.require_unique(["a", "b", "a", "b", "a"], "file")
