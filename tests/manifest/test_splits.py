"""Held-out references."""

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.schema import SCHEMA
from syndr_curate.curate.manifest.splits import check_splits, mark_held_out, read_splits, split_column

from ..making import training_rows

REFERENCE_OF = {"I01_01_01": "I01", "I01_01_02": "I01", "I02_01_01": "I02", "I03_01_01": "I03"}


def test_references_are_named_by_id_or_file_name(write_text):
    path = write_text("s.csv", "reference_id,split", "I01,val", "I02.png,test")
    assert read_splits(path, REFERENCE_OF) == {"I01": "val", "I02": "test"}


def test_one_distorted_image_marks_its_whole_reference(write_text):
    path = write_text("s.csv", "id,split", "I01_01_02.png,test", "images/I02_01_01.png,train")
    assert read_splits(path, REFERENCE_OF) == {"I01": "test", "I02": "train"}


def test_naming_a_reference_twice_alike_is_fine(write_text):
    path = write_text("s.csv", "id,split", "I01_01_01,val", "I01_01_02,val", "I01,val")
    assert read_splits(path, REFERENCE_OF) == {"I01": "val"}


def test_a_reference_in_two_splits_is_refused(write_text):
    path = write_text("s.csv", "id,split", "I01_01_01,val", "I01_01_02,test")
    with pytest.raises(CurateError, match=r"s\.csv: reference 'I01' is in both 'val' and 'test'"):
        read_splits(path, REFERENCE_OF)


def test_unknown_ids_are_named(write_text):
    path = write_text("s.csv", "reference_id,split", "I09,val", "I01,val", "I08,test")
    with pytest.raises(CurateError, match="2 ids are not among the labeled references: 'I09', 'I08'"):
        read_splits(path, REFERENCE_OF)


def test_why_no_id_of_a_split_file_is_known_is_said(write_text):
    path = write_text("s.csv", "reference_id,split", "I01,val", "i02,test")
    with pytest.raises(
        CurateError, match=r"'i02'; 1 would match but for upper and lower case, e\.g\. 'i02' in .*s\.csv and"
    ):
        read_splits(path, REFERENCE_OF)


def test_an_unknown_split_is_named(write_text):
    path = write_text("s.csv", "reference_id,split", "I01,validation")
    with pytest.raises(CurateError, match="the split of 'I01' is 'validation'; it may be train, val, test"):
        read_splits(path, REFERENCE_OF)


def test_ids_that_are_relative_paths_are_found(write_text):
    reference_of = {"x/a_01_01": "x/a", "y/a_01_01": "y/a"}
    path = write_text("s.csv", "id,split", "x/a,val", "y/a_01_01.png,test")
    assert read_splits(path, reference_of) == {"x/a": "val", "y/a": "test"}


def test_other_columns_and_files_are_refused(write_text, tmp_path):
    with pytest.raises(CurateError, match="has the columns name, fold; expected 'split' and either 'reference_id'"):
        read_splits(write_text("s.csv", "name,fold", "I01,1"), REFERENCE_OF)
    with pytest.raises(CurateError, match=r"no split file at .*absent\.csv"):
        read_splits(tmp_path / "absent.csv", REFERENCE_OF)
    with pytest.raises(CurateError, match="is not a readable CSV file"):
        read_splits(write_text("s.csv"), REFERENCE_OF)


def test_a_split_file_that_could_be_read_in_two_ways_or_holds_nothing_out_is_refused(write_text):
    with pytest.raises(CurateError, match="expected 'split' and either 'reference_id' or 'id'"):
        read_splits(write_text("s.csv", "reference_id,id,split", "I01,I02_01_01,val"), REFERENCE_OF)
    with pytest.raises(CurateError, match="has no row below its header: it would hold nothing out"):
        read_splits(write_text("s.csv", "id,split"), REFERENCE_OF)


def test_rows_longer_than_the_header_are_refused(write_text):
    with pytest.raises(CurateError, match=r"line 2 has \d cells, its header \d names"):
        read_splits(write_text("s.csv", "id,split", "1,I01,val", "2,I02,val"), REFERENCE_OF)


def test_a_byte_order_mark_is_fine(write_text):
    path = write_text("s.csv", "id,split", "I01,val", encoding="utf-8-sig")
    assert read_splits(path, REFERENCE_OF) == {"I01": "val"}


def test_a_reference_that_no_file_names_is_for_training():
    assert split_column(["I01", "I02", "I01"], {"I01": "val"}) == ["val", "train", "val"]


def held_out_rows(*splits):
    return training_rows([f"{name}_01_01" for name in "abc"], [1, 2, 3], reference_id=list("abc"), split=list(splits))


def test_rows_of_held_out_references_get_their_split():
    marked = mark_held_out(held_out_rows("train", None, "val"), {"a": "test", "b": "val", "c": "val", "d": "test"})
    assert marked["split"].to_pylist() == ["test", "val", "val"]
    assert marked.schema.equals(SCHEMA)


def test_rows_of_other_references_keep_theirs():
    rows = held_out_rows("train", "test", "val")
    assert mark_held_out(rows, {"a": "train"}).equals(rows)
    assert mark_held_out(rows, {}) is rows


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_row_held_out_for_something_else_is_refused(split):
    with pytest.raises(CurateError, match=rf"1 references are in one split .* 'b' in 'test' and in '{split}'"):
        mark_held_out(held_out_rows("train", "test", "val"), {"b": split})


def test_splits_of_unknown_references_or_names_are_refused():
    check_splits({"a": "test"}, {"a", "b"})
    with pytest.raises(CurateError, match="splits name 1 references that the label file does not: 'c'"):
        check_splits({"a": "test", "c": "val"}, {"a", "b"})
    with pytest.raises(CurateError, match="the split of 'a' is 'dev'; expected train, val, test"):
        check_splits({"a": "dev"}, {"a", "b"})
