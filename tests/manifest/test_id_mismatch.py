"""Why ids do not match."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate.curate.manifest.id_mismatch import explain_mismatch

NFC, NFD = "caf\u00e9", "cafe\u0301"


def explain(wanted, given):
    return explain_mismatch(wanted, given, wanted_in="the manifest", given_in="f.npz")


@pytest.mark.parametrize(
    ("wanted", "given", "difference"),
    [
        ("a.png", "a", "the image suffix"),
        ("a", "a.png.JPG", "the image suffix"),
        ("I01", "i01", "upper and lower case"),
        ("a", " a", "blanks around it"),
        ("a", "x/y/a", "a folder in front"),
        ("a", "x\\a", "a folder in front"),
        ("A", "x/a", "upper and lower case and a folder in front"),
        ("a", "x/a.png", "a folder in front and the image suffix"),
        (f"A{NFC}", f"x/a{NFD}.bmp", "upper and lower case and the Unicode form (NFC or NFD) and a folder in front"),
    ],
)
def test_one_difference_or_several_are_named_with_both_sides(wanted, given, difference):
    found = explain([wanted, "b"], [given, "b"])
    assert found.startswith(f"; 1 would match but for {difference}")
    assert "in the manifest and " in found
    assert "ids must be equal to the letter, so rename one of the two sides" in found


def test_both_sides_are_shown_as_they_are():
    found = explain(["a.png"], ["a"])
    assert "e.g. 'a.png' in the manifest and 'a' in f.npz" in found


def test_texts_that_look_alike_are_shown_by_their_code_points():
    found = explain([NFC], [NFD])
    assert "but for the Unicode form (NFC or NFD), e.g. 'caf\\xe9' in the manifest and 'cafe\\u0301' in f.npz" in found


def test_the_difference_that_most_have_is_named():
    found = explain(["a.png", "b.png", "C"], ["a", "b", "c"])
    assert found.startswith("; 3 would match but for the image suffix, e.g. 'a.png'")


def test_ids_that_have_nothing_in_common_are_shown():
    assert explain(["x", "y"], ["a", "b"]) == "; no id is in both, e.g. 'x' in the manifest and 'a' in f.npz"


def test_ids_of_images_beside_ids_of_references_are_recognized():
    images, references = ["I01_01_01", "I01_01_02"], ["I01", "I02"]
    assert explain(images, references) == (
        "; the manifest has ids of distorted images, e.g. 'I01_01_01', f.npz ids of their references, e.g. 'I01'"
    )
    assert explain(references, images) == (
        "; f.npz has ids of distorted images, e.g. 'I01_01_01', the manifest ids of their references, e.g. 'I01'"
    )


@pytest.mark.parametrize(("wanted", "given"), [(["a", "x"], ["a", "b"]), (["a"], ["a"]), (["a"], []), ([], ["a"])])
def test_an_id_that_is_simply_not_there_needs_no_explanation(wanted, given):
    assert explain(wanted, given) == ""


def test_an_id_that_has_its_match_explains_no_other():
    assert explain(["a", "a.png"], ["a", "b"]) == ""


def test_a_row_without_an_id_is_passed_over():
    assert explain([None, "x"], ["a"]) == "; no id is in both, e.g. 'x' in the manifest and 'a' in f.npz"


@given(
    st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1, unique=True),
    st.sampled_from(["NFC", "NFD"]),
)
def test_files_of_a_folder_are_found_to_be_the_same_in_any_form(ids, form):
    other = [f"folder/{unicodedata.normalize(form, identifier)}.png" for identifier in ids]
    assert explain(ids, ids) == ""
    assert "would match but for" in explain(ids, other)
