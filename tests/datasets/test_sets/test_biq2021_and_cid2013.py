"""BIQ2021 and CID2013 in tiny copies of their official layouts, with labels worked out by hand."""

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.test_sets.rated_set import read_test_set

from .reading import columns

CID_FILE = "CID2013/CID2013 data - version 12112014"
CID_HEADER = ["Source_ID", "Image set specific  MOS", "Realigned MOS", "Sharpness"]


def test_biq2021_reads_its_official_split(write_text, save_image, picture, tmp_path):
    write_text("BIQ/Train.csv", "Image Name,MOS", "ss03 (3753).jpg,0.75", "ss01 (1).jpg,0")
    write_text("BIQ/Test.csv", "Image Name,MOS", "ss02 (2).jpg,1")
    save_image("BIQ/Images/ss03 (3753).jpg", picture)
    rated = read_test_set("biq2021", tmp_path / "BIQ")
    assert columns(rated, "sample_id", "image_path", "label", "label_std", "split", "status") == [
        ("ss03 (3753)", "Images/ss03 (3753).jpg", 7.5, None, "train", "ok"),
        ("ss01 (1)", "Images/ss01 (1).jpg", 0.0, None, "train", "unreadable"),
        ("ss02 (2)", "Images/ss02 (2).jpg", 10.0, None, "test", "unreadable"),
    ]


def test_biq2021s_files_with_nameless_empty_columns_are_read_and_come_first(write_text, save_image, picture, tmp_path):
    for name, mos in (("Train", "0.5"), ("Test", "0.25")):
        write_text(f"BIQ/{name}.csv", "Image Name,MOS", f"{name}.jpg,0.75")
        write_text(f"BIQ/{name} (Images and MOS).csv", "Image Name,MOS,,", f"{name}.jpg,{mos},,")
    save_image("BIQ/Images/Train.jpg", picture)
    rated = read_test_set("biq2021", tmp_path / "BIQ")
    assert columns(rated, "sample_id", "label", "split") == [("Train", 5.0, "train"), ("Test", 2.5, "test")]
    assert [file.name for file in rated.label_files] == ["Train (Images and MOS).csv", "Test (Images and MOS).csv"]


def test_biq2021s_scale_reaches_to_scores_a_little_below_0(write_text, save_image, picture, tmp_path):
    write_text("BIQ/Train.csv", "Image Name,MOS", "a.jpg,-0.25", "b.jpg,1")
    write_text("BIQ/Test.csv", "Image Name,MOS", "c.jpg,0")
    save_image("BIQ/Images/a.jpg", picture)
    rated = read_test_set("biq2021", tmp_path / "BIQ")
    assert columns(rated, "sample_id", "label") == [("a", 0.0), ("b", 10.0), ("c", 2.0)]


def test_biq2021_refuses_scores_of_another_scale_and_half_a_split(write_text, tmp_path):
    write_text("BIQ/Train.csv", "Image Name,MOS", "a.jpg,0.5", "b.jpg,3.5")
    with pytest.raises(CurateError, match=r"has no Test\.csv; expected the set's own label file there"):
        read_test_set("biq2021", tmp_path / "BIQ")
    write_text("BIQ/Test.csv", "Image Name,MOS", "c.jpg,0")
    with pytest.raises(CurateError, match=r"1 scores are far outside 0 to 1, the scale of the set, e\.g\. 3\.5"):
        read_test_set("biq2021", tmp_path / "BIQ")
    write_text("BIQ/Test.csv", "Image Name,MOS", "a.jpg,0")
    write_text("BIQ/Train.csv", "Image Name,MOS", "a.jpg,0.5")
    with pytest.raises(CurateError, match="1 ids occur more than once: 'a'"):
        read_test_set("biq2021", tmp_path / "BIQ")


def test_cid2013_finds_photographs_two_folders_down_and_names_their_image_set(
    save_sheet, save_image, picture, tmp_path
):
    rows = [CID_HEADER, ["IS_I_C01_D01", 40, 75, 3], ["IS_VI_C08_D12", 50.0, 12.5, 4], [None] * 4]
    save_sheet(f"{CID_FILE}.xlsx", rows, sheet="CID2013 MOS")
    save_image("CID2013/IS1/co1/IS_I_C01_D01.jpg", picture)
    rated = read_test_set("cid2013", tmp_path / "CID2013")
    assert columns(rated, "sample_id", "image_path", "label", "image_set", "label_std", "split", "status") == [
        ("IS_I_C01_D01", "IS1/co1/IS_I_C01_D01.jpg", 7.5, "IS_I", None, "test", "ok"),
        ("IS_VI_C08_D12", "IS_VI_C08_D12.jpg", 1.25, "IS_VI", None, "test", "unreadable"),
    ]


def test_cid2013s_sheet_may_be_exported_and_its_scores_leave_0_to_100(write_text, save_image, picture, tmp_path):
    write_text(f"{CID_FILE}.csv", "Source_ID,Realigned MOS", "IS_I_C01_D01,125", "IS_I_C01_D02,0")
    save_image("CID2013/IS_I_C01_D01.jpg", picture)
    rated = read_test_set("cid2013", tmp_path / "CID2013")
    assert columns(rated, "label") == [(10.0,), (0.0,)]
    assert rated.scale.as_json() == {"min": 0.0, "max": 125.0, "higher_is_better": True}


def test_cid2013_refuses_another_sheet(save_sheet, tmp_path):
    save_sheet(f"{CID_FILE}.xlsx", [CID_HEADER], sheet="Subjects")
    with pytest.raises(CurateError, match="has no sheet 'CID2013 MOS'; it has Subjects"):
        read_test_set("cid2013", tmp_path / "CID2013")
