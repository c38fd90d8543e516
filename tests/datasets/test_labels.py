"""Anybody's label file, to quality on [0, 10]."""

import csv
import re

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.label_columns import LabelColumns
from syndr_curate.curate.datasets.labels import LabelFile, LabelScale, read_labels

# Made-up scores of a file or two; tests/datasets/test_label_direction.py has the warning itself.
pytestmark = pytest.mark.filterwarnings("ignore:.*quality rises with the level")

HEADER = "dist_img,ref_img,dmos,var"
OWN = LabelColumns(id="name", label="score", std=None)
SOURCED = LabelColumns(id="name", label="score", reference="source", std=None)
EXPLICIT = LabelColumns("name", "score", "source", None, 1, "kind", "strength")


def test_kadids_columns_are_the_default(write_text):
    labels = read_labels(
        write_text(
            "dmos.csv", HEADER, "I01_01_01.png,I01.png,5,0.5", "I01_01_02.png,I01.png,3,0", "I02_25_05.png,I02.png,1,1"
        )
    )
    assert labels.sample_ids == ("I01_01_01", "I01_01_02", "I02_25_05")
    assert labels.image_names[0] == "I01_01_01.png"
    assert labels.reference_ids == ("I01", "I01", "I02")
    assert labels.reference_names[2] == "I02.png"
    assert labels.references() == ("I01", "I02")
    assert labels.distortion_ids.tolist() == [1, 1, 25]
    assert labels.levels.tolist() == [1, 2, 5]
    assert labels.quality.tolist() == [10.0, 5.0, 0.0]
    assert labels.by_condition()["I02", 25, 5] == 0.0
    assert (labels.source, labels.seeds) == ("mos", None)


def test_labels_of_some_references_stay_on_the_scale_of_all(write_text):
    labels = read_labels(
        write_text(
            "dmos.csv", HEADER, "I01_01_01.png,I01.png,5,0.5", "I02_01_01.png,I02.png,3,0", "I01_25_05.png,I01.png,1,1"
        )
    )
    part = labels.of_references(["I02", "I03"])
    assert (part.sample_ids, part.reference_names) == (("I02_01_01",), ("I02.png",))
    assert part.quality.tolist() == [5.0]
    assert part.scale == labels.scale
    assert labels.of_references(labels.references()).sample_ids == labels.sample_ids
    with pytest.raises(CurateError, match="the references wanted: 'I02' is one text; expected a list of ids"):
        labels.of_references("I02")


def test_the_standard_error_is_the_spread_over_the_root_of_the_votes_on_our_scale(write_text):
    path = write_text("dmos.csv", HEADER, "I01_01_01.png,I01.png,4.93,0.496", "I01_01_02.png,I01.png,1.00,0.869")
    errors = read_labels(path).standard_errors
    assert errors == pytest.approx([0.496 / 30**0.5 * 10 / 3.93, 0.869 / 30**0.5 * 10 / 3.93], rel=1e-15)


def test_lower_is_better_flips_the_labels_and_not_their_errors(write_text):
    path = write_text("d.csv", HEADER, "a_01_01,a,0,3", "a_01_02,a,25,3", "a_01_03,a,100,3")
    kept, flipped = read_labels(path), read_labels(path, lower_is_better=True)
    assert kept.quality.tolist() == [0.0, 2.5, 10.0]
    assert flipped.quality.tolist() == [10.0, 7.5, 0.0]
    assert np.array_equal(kept.standard_errors, flipped.standard_errors)
    assert flipped.scale.as_json() == {"min": 0.0, "max": 100.0, "higher_is_better": False}


def test_an_explicit_range_holds_whatever_the_file_spans(write_text):
    path = write_text("d.csv", HEADER, "a_01_01,a,2,0", "a_01_02,a,3,0")
    assert read_labels(path).quality.tolist() == [0.0, 10.0]
    assert read_labels(path, label_range=(1.0, 5.0)).quality.tolist() == [2.5, 5.0]
    assert read_labels(path, label_range=(1.0, 5.0), lower_is_better=True).quality.tolist() == [7.5, 5.0]


def test_scores_outside_the_range_are_named(write_text):
    path = write_text("d.csv", HEADER, "a_01_01,a,0.5,0", "a_01_02,a,3,0", "a_01_03,a,5.1,0")
    with pytest.raises(CurateError, match="2 scores are outside 1 to 5: 'a_01_01', 'a_01_03'"):
        read_labels(path, label_range=(1.0, 5.0))


@pytest.mark.parametrize("label_range", [None, (3.0, 3.0), (5.0, 1.0), (float("nan"), 5.0), (0.0, float("inf"))])
def test_a_range_without_width_is_refused(write_text, label_range):
    path = write_text("d.csv", HEADER, "a_01_01,a,3,0", "a_01_02,a,3,0")
    with pytest.raises(CurateError, match="has no width; give one with --label-range MIN,MAX"):
        read_labels(path, label_range=label_range)


def test_other_column_names_are_given(write_text):
    path = write_text("own.csv", "source,score,name", "cat.bmp,1,cat_03_02.bmp", "dog.bmp,9,dog_04_01.bmp")
    labels = read_labels(path, SOURCED)
    assert labels.sample_ids == ("cat_03_02", "dog_04_01")
    assert labels.reference_ids == ("cat", "dog")
    assert labels.quality.tolist() == [0.0, 10.0]
    assert np.isnan(labels.standard_errors).all()


def test_without_a_reference_column_the_id_names_the_reference(write_text):
    path = write_text("own.csv", "name,score", "cat_03_02.bmp,1", "big_dog_04_01.bmp,9")
    assert read_labels(path, OWN).reference_ids == ("cat", "big_dog")


def test_ids_of_any_form_do_with_explicit_columns(write_text):
    path = write_text("own.csv", "name,score,source,kind,strength", "p1.png,1,cat.png,3,2", "p2.png,2,cat.png,07,5")
    labels = read_labels(path, EXPLICIT)
    assert list(zip(labels.reference_ids, labels.distortion_ids, labels.levels, strict=True)) == [
        ("cat", 3, 2),
        ("cat", 7, 5),
    ]


def test_ids_without_type_and_level_are_named_with_the_way_out(write_text):
    path = write_text("own.csv", "name,score", "cat_03_02,1", "p2,2")
    with pytest.raises(CurateError, match=r"reference cannot be read from 1 ids, .*: 'p2' \(name a column with --ref"):
        read_labels(path, OWN)
    path = write_text("own.csv", "name,score,source", "cat_03_02,1,cat", "p2,2,cat")
    with pytest.raises(CurateError, match=r"distortion cannot be read from 1 ids, .*--distortion-column"):
        read_labels(path, SOURCED)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "cat_26_01",
            "the distortion id of 1 rows is not a whole number 1-25, or 200-999: 'cat_26_01'",
        ),
        ("cat_00_00", "the distortion id of 1 rows is not"),
        ("cat_01_06", "the level of 1 rows is not a whole number 1-5"),
        ("cat_01_00", "the level of 1 rows is not"),
    ],
)
def test_types_and_levels_that_kadid_does_not_have_are_refused(write_text, name, message):
    with pytest.raises(CurateError, match=message):
        read_labels(write_text("own.csv", "name,score", "cat_01_01,1", f"{name},2"), OWN)


@pytest.mark.parametrize("value", ["1.5", "", "one", "-1", "²", "٣", "1_0", "3\xa0"])
def test_a_column_of_types_holds_whole_numbers(write_text, value):
    path = write_text("own.csv", "name,score,source,kind", "cat_01_01,1,cat,1", f"cat_01_02,2,cat,{value}")
    with pytest.raises(
        CurateError,
        match="the distortion id of 1 rows is not a whole number 1-25, or 200-999: 'cat_01_02'",
    ):
        read_labels(path, LabelColumns("name", "score", "source", None, 1, "kind", None))


def test_tabs_separate_in_a_tsv(write_text):
    path = write_text("own.tsv", "name\tscore", "cat, gray_01_01\t1", "dog_01_01\t2")
    assert read_labels(path, OWN).sample_ids == ("cat, gray_01_01", "dog_01_01")


def test_a_byte_order_mark_does_not_hide_the_first_column(write_text):
    path = write_text("own.csv", "name,score", "a_01_01,1", "a_01_02,2", encoding="utf-8-sig")
    assert read_labels(path, OWN).sample_ids == ("a_01_01", "a_01_02")


def test_a_name_that_reads_as_a_number_or_as_nothing_stays_a_name(write_text):
    path = write_text("own.csv", "name,score,source", "0012_01_01,1,0012", "NA_01_01,2,NA", "nan_01_01,3,nan")
    assert read_labels(path, SOURCED).reference_ids == ("0012", "NA", "nan")


@pytest.mark.parametrize("value", ["", "nan", "inf", "-inf", "good", "4,5", "1_0", "٣", "1e999", "0x10", "True"])
def test_a_score_that_is_no_number_is_named_and_shown(write_text, value):
    path = write_text("own.csv", "name,score", "a_01_01,1", f'a_01_02,"{value}"')
    said = f"is not a finite number for 1 images: 'a_01_02'; the first holds {value!r}, expected digits such as 3.25"
    with pytest.raises(CurateError, match=re.escape(f"column 'score' {said}")):
        read_labels(path, OWN)


def test_blanks_around_a_number_do_not_matter(write_text):
    path = write_text("dmos.csv", HEADER, "a_01_01,a, 1 ,0", "a_01_02,a,\t2,0.5 ")
    assert read_labels(path, label_range=(0.0, 10.0)).quality.tolist() == [1.0, 2.0]


def test_an_id_that_names_another_reference_than_its_row_is_refused(write_text):
    rows = ["I01_01_01.png,I01.png,1,0", "I01_01_02.png,I02.png,2,0", "I02_01_01.png,I02.png,3,0"]
    with pytest.raises(
        CurateError, match=r"1 images are of one reference by .* 'ref_img', e\.g\. 'I01_01_02' beside 'I02'"
    ):
        read_labels(write_text("dmos.csv", HEADER, *rows))


def test_an_id_is_held_to_the_name_of_its_reference_in_any_case_and_unicode_form(write_text):
    rows = [
        "i01_01_01,I01.png,1,0",
        "I01_01_02,i01.PNG,2,0",
        "caf\u00e9_01_01,cafe\u0301,3,0",
        "caf\u00e9_01_02,I01,3,0",
    ]
    assert len(read_labels(write_text("dmos.csv", HEADER, *rows[:3])).sample_ids) == 3
    with pytest.raises(CurateError, match="'caf\u00e9_01_02' beside 'I01'"):
        read_labels(write_text("dmos.csv", HEADER, *rows))


def test_an_id_that_names_no_reference_of_the_file_says_nothing_about_it(write_text):
    path = write_text("own.csv", "name,score,source", "p_01_01,1,cat", "q_01_02,2,dog")
    assert read_labels(path, SOURCED).reference_ids == ("cat", "dog")


def test_ids_say_nothing_where_columns_say_it_all(write_text):
    path = write_text("own.csv", "name,score,source,kind,strength", "1_01_02,1,2,3,2", "2_02_01,2,1,3,2")
    assert read_labels(path, EXPLICIT).reference_ids == ("2", "1")


def test_ids_that_repeat_are_named_whatever_their_suffix(write_text):
    path = write_text("own.csv", "name,score", "a_01_01.png,1", "a_01_01.bmp,2")
    with pytest.raises(CurateError, match="column 'name': 1 ids occur more than once: 'a_01_01'"):
        read_labels(path, OWN)


def test_missing_columns_are_named_with_those_there_are(write_text):
    path = write_text("own.csv", "name,mos", "a_01_01,1", "a_01_02,2")
    with pytest.raises(CurateError, match=r"has no column 'score'; it has name, mos \(name yours with --id-column"):
        read_labels(path, OWN)
    with pytest.raises(CurateError, match="has no column 'spread'"):
        read_labels(path, LabelColumns("name", "mos", std="spread"))


def test_kadids_spread_is_used_only_where_the_file_has_it(write_text):
    path = write_text("dmos.csv", "dist_img,ref_img,dmos", "a_01_01.png,a.png,1", "a_01_02.png,a.png,2")
    assert np.isnan(read_labels(path).standard_errors).all()


def test_a_negative_spread_is_refused(write_text):
    path = write_text("dmos.csv", HEADER, "a_01_01,a,1,0.1", "a_01_02,a,2,-0.1")
    with pytest.raises(CurateError, match="column 'var' is negative for 1 rows: 'a_01_02'"):
        read_labels(path)


def test_a_row_that_names_no_reference_is_refused(write_text):
    path = write_text("dmos.csv", HEADER, "a_01_01,a,1,0", "a_01_02,,2,0")
    with pytest.raises(CurateError, match="1 rows name no reference: 'a_01_02'"):
        read_labels(path)


@pytest.mark.parametrize("rows", [["a_01_01,a,1,0,", "b_01_01,b,2,0,"], ["x,a_01_01,a,1,0", "y,b_01_01,b,2,0"]])
def test_rows_longer_than_the_header_never_shift_the_columns(write_text, rows):
    with pytest.raises(CurateError, match=r"line 2 has \d cells, its header \d names"):
        read_labels(write_text("dmos.csv", HEADER, *rows))


def test_one_row_longer_than_the_rest_is_a_one_line_error(write_text):
    with pytest.raises(
        CurateError, match=r"is not a readable CSV file: line 3 has 5 cells, its header 4 names"
    ) as refused:
        read_labels(write_text("dmos.csv", HEADER, "a_01_01,a,1,0", "b_01_01,b,2,0,9"))
    assert "\n" not in str(refused.value)


def test_files_without_rows_or_text_are_refused(write_text, tmp_path):
    with pytest.raises(CurateError, match=r"no label file at .*absent\.csv"):
        read_labels(tmp_path / "absent.csv")
    with pytest.raises(CurateError, match="has a header and no rows"):
        read_labels(write_text("dmos.csv", HEADER))
    with pytest.raises(CurateError, match="is not a readable CSV file"):
        read_labels(write_text("dmos.csv"))
    (tmp_path / "dmos.csv").write_bytes(b"dist_img,\xff\xfe\n")
    with pytest.raises(CurateError, match="is not UTF-8 text"):
        read_labels(tmp_path / "dmos.csv")


def test_spread_and_votes_are_kadids_only_with_kadids_columns():
    assert LabelColumns.chosen(id="dist_img", label="dmos", reference="ref_img") == LabelColumns()
    own = LabelColumns.chosen(id="name", label="mos", reference="ref")
    assert (own.std, own.raters) == (None, 1)
    spread = LabelColumns.chosen(id="name", label="mos", reference="ref", std="sd", raters=25)
    assert (spread.std, spread.raters) == ("sd", 25)


def test_a_scale_maps_its_ends_to_0_and_10():
    values = np.array([1.0, 2.0, 5.0])
    assert LabelScale(1.0, 5.0).to_quality(values).tolist() == [0.0, 2.5, 10.0]
    assert LabelScale(1.0, 5.0, higher_is_better=False).to_quality(values).tolist() == [10.0, 7.5, 0.0]


def test_the_labels_of_kadid_are_read_to_the_last_bit(reference_data):
    path = reference_data / "kadid10k" / "dmos.csv"
    labels = LabelFile(path).read()
    with path.open(newline="") as file:
        scores = np.array([float(row["dmos"]) for row in csv.DictReader(file)])
    assert len(labels.sample_ids) == 10_125
    assert len(labels.references()) == 81
    assert labels.scale == LabelScale(1.0, 4.93)
    assert np.array_equal(labels.quality, 10.0 * ((scores - 1.0) / (4.93 - 1.0)))


def test_a_reference_column_that_is_not_there_is_refused_when_it_was_named(write_text):
    path = write_text("own.csv", "name,score", "cat_03_02.bmp,1", "dog_04_01.bmp,9")
    with pytest.raises(CurateError, match="no column 'source'"):
        read_labels(path, SOURCED)


def test_one_condition_labeled_twice_is_refused(write_text):
    columns = LabelColumns("name", "score", "reference", None, 1, "kind", "strength")
    twice = write_text("two.csv", "name,score,reference,kind,strength", "p,1,a,3,2", "q,9,a.png,3,2")
    with pytest.raises(CurateError, match="reference, type and level: 1 ids occur more than once: 'a_03_02'"):
        read_labels(twice, columns)
