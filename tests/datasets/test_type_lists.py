"""Lists of types and levels as users write them."""

import json

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.type_lists import parse_levels, parse_types, preset_names, read_preset
from syndr_curate.distortions.catalog import get
from syndr_curate.distortions.errors import DistortionError

PUBLISHED = {  # DGQA's selections for each target set, and its authors' greedy ones
    "livec": (1, 3, 10, 17, 18, 25),
    "koniq": (1, 3, 16, 17, 18, 25),
    "bid": (1, 3, 9, 21, 23, 25),
    "pipal-1": (1, 2, 3, 9, 17, 18, 25),
    "pipal-2": (1, 2, 3, 9, 17, 23),
    "pipal-3": (1, 3, 16, 17, 18, 19, 25),
    "pipal-4": (1, 2, 3, 7, 9, 10, 17, 18, 25),
    "pipal-5": (1, 2, 3, 4, 9),
    "pipal-6": (1, 2, 3, 9, 10, 11, 12, 16, 17, 18, 19, 21, 22, 25),
    "livec-greedy": (1, 3, 9, 18, 20, 25),
    "koniq-greedy": (1, 2, 10, 17, 20, 25),
}


def test_the_presets_are_the_published_ones():
    assert {name: read_preset(name) for name in preset_names()} == PUBLISHED
    assert {name: parse_types(name) for name in PUBLISHED} == PUBLISHED


def test_all_is_every_type_of_kadid():
    assert parse_types("all") == tuple(range(1, 26))


def test_camera_is_the_camera_family_and_goes_with_other_types():
    assert parse_types("camera") == tuple(range(101, 111))
    assert parse_types("all,camera") == (*range(1, 26), *range(101, 111))
    assert parse_types("hand_shake,3") == (3, 102)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("3", (3,)),
        ("25, 1,03", (1, 3, 25)),
        ("gaussian_blur,Contrast-Change", (1, 25)),
        ("bid,2,bid", (1, 2, 3, 9, 21, 23, 25)),
        ([9, "1", "bid"], (1, 3, 9, 21, 23, 25)),
    ],
)
def test_ids_names_and_presets_mix(text, ids):
    assert parse_types(text) == ids


def test_a_preset_file_is_read(write_text):
    path = write_text("mine.json", json.dumps({"types": [5, "gaussian_blur", 5], "comment": "x"}))
    assert parse_types(str(path)) == (1, 5)
    assert parse_types(f"{path},7") == (1, 5, 7)


@pytest.mark.parametrize(
    "content",
    ["", "[1, 2]", '{"kinds": [1]}', '{"types": 3}', '{"types": "bid"}', '{"types": [99]}', '{"types": [[]]}'],
)
def test_a_file_that_is_no_preset_is_refused_with_an_example(write_text, content):
    path = write_text("mine.json", content)
    with pytest.raises(CurateError, match=r'mine\.json is not a preset: expected JSON like \{"types": \[1, 3, 9\]\}'):
        parse_types(str(path))


@pytest.mark.parametrize("types", ['"13"', '"1"', '"1,3"', '{"1": 0.5, "3": 0.5}', "13", "true", "null"])
def test_types_of_a_preset_that_are_no_list_are_never_taken_apart(write_text, types):
    path = write_text("mine.json", f'{{"types": {types}}}')
    with pytest.raises(CurateError, match=r"\[1, 3, 9\]\}: its types are .*, expected a list in square brackets"):
        parse_types(str(path))


@pytest.mark.parametrize("text", ["٣", "1,٣", "3_4", "1.0"])
def test_a_type_in_other_digits_is_refused(text):
    with pytest.raises(CurateError, match="there is no distortion"):
        parse_types(text)


def test_types_and_levels_in_memory_are_a_text_or_a_list():
    with pytest.raises(CurateError, match=r"types are 13; expected a text such as '1,3' or a list such as \[1, 3\]"):
        parse_types(13)
    with pytest.raises(CurateError, match=r"types are b'\\x01'; expected a text"):
        parse_types(b"\x01")
    with pytest.raises(CurateError, match="levels are 3; expected a text"):
        parse_levels(3)


def test_a_preset_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    for name, said in (
        ("absent.json", r"cannot read .*absent\.json: No such"),
        ("bytes.json", "is text in"),
    ):
        with pytest.raises(CurateError, match=said):
            parse_types(str(tmp_path / name))


@pytest.mark.parametrize("text", ["0", "26", "-1", "blurr", "BID2"])
def test_what_is_none_of_these_is_refused_with_what_there_is(text):
    with pytest.raises(CurateError, match=rf"'{text}'.*may also name `all`, `camera`, a preset \(bid, koniq"):
        parse_types(text)


@pytest.mark.parametrize("text", ["", " , ", []])
def test_an_empty_list_is_refused(text):
    with pytest.raises(CurateError, match="the list of distortion types is empty"):
        parse_types(text)


@pytest.mark.parametrize("text", ["1,,3", "1,3,", ["1", ""]])
def test_an_empty_entry_is_refused_since_a_type_may_be_missing_there(text):
    with pytest.raises(CurateError, match="has an empty entry: leave out the comma, or give the type"):
        parse_types(text)


@pytest.mark.parametrize("number", [3.0, True])
def test_only_whole_numbers_are_ids(write_text, number):
    with pytest.raises(DistortionError, match=f"there is no distortion {number}"):
        get(number)
    path = write_text("mine.json", json.dumps({"types": [1, number]}))
    with pytest.raises(CurateError, match=f"there is no distortion {number}"):
        parse_types(str(path))


def test_a_preset_with_levels_is_refused_since_they_would_be_passed_over(write_text):
    path = write_text("mine.json", json.dumps({"types": [1], "levels": [5]}))
    with pytest.raises(CurateError, match="it has `levels`, which no preset chooses: give them with --levels"):
        parse_types(str(path))


def test_levels_come_sorted_and_once():
    assert parse_levels("5, 1,3,1") == (1, 3, 5)
    assert parse_levels([2, "4"]) == (2, 4)


@pytest.mark.parametrize(
    ("text", "bad"), [("0", "0"), ("1,6", "6"), ("1,,2", ""), ("", ""), ("1-3", "1-3"), ("1.0", "1.0")]
)
def test_other_levels_are_refused(text, bad):
    with pytest.raises(CurateError, match=f"'{bad}' is not a level; levels are 1, 2, 3, 4, 5"):
        parse_levels(text)


def test_no_levels_at_all_are_refused():
    with pytest.raises(CurateError, match="the list of levels is empty"):
        parse_levels([])
