"""Anybody's own test set: a label file and a folder."""

import json
import typing

import pyarrow.parquet as pq
import pytest
import syndr_curate as package
from syndr_curate import CurateError, LabelColumns
from syndr_curate.curate.datasets.labels import LabelFile
from syndr_curate.curate.datasets.settings import OWN_SET, TestSetName
from syndr_curate.curate.datasets.test_sets.image_names import ImageFolder
from syndr_curate.curate.datasets.test_sets.rated_set import READERS, read_test_set
from syndr_curate.curate.datasets.test_sets.testset import run_testset
from syndr_curate.curate.manifest.provenance import read_provenance

from .reading import columns

OWN = LabelColumns(id="image", label="mos", std=None)


@pytest.fixture
def own(write_text, save_image, picture):
    """A folder `mine` with a label file and two photographs, one of them missing."""
    write_text("mine/labels.csv", "image,mos,spread,camera", "a.png,30,4,x", "b.jpg,80,8,y")
    return save_image("mine/photos/a.png", picture).parents[1]


def read(own, columns=OWN, **options):
    return read_test_set("csv", images=own / "photos", labels=LabelFile(own / "labels.csv", columns), **options)


def test_the_names_of_the_command_line_are_those_of_the_readers():
    assert typing.get_args(TestSetName) == (*READERS, OWN_SET)


def test_a_label_file_and_a_folder_are_a_test_set_named_after_the_label_files_folder(own):
    rated = read(own)
    assert columns(rated, "sample_id", "image_path", "image_root", "dataset", "label", "label_std", "split") == [
        ("a", "a.png", "mine", "mine", 0.0, None, "test"),
        ("b", "b.jpg", "mine", "mine", 10.0, None, "test"),
    ]
    assert columns(rated, "status", "error", "reference_id", "distortion_id", "level")[1] == (
        "unreadable",
        "No such file or directory",
        None,
        None,
        None,
    )


def test_the_scale_its_direction_and_the_spread_of_votes_are_as_the_user_says(own):
    chosen = LabelColumns(id="image", label="mos", std="spread", raters=16)
    file = LabelFile(own / "labels.csv", chosen, lower_is_better=True, label_range=(0.0, 100.0))
    rated = read_test_set("csv", images=own / "photos", labels=file, dataset="cameras")
    # 10 (1 - 30 / 100) = 7; 4 / sqrt(16) of 100 is 0.1 of 10.
    assert columns(rated, "dataset", "label", "label_std") == [
        ("cameras", 7.0, pytest.approx(0.1)),
        ("cameras", 2.0, pytest.approx(0.2)),
    ]


def test_references_types_and_levels_are_read_where_columns_are_named(write_text, own, save_image, picture):
    header = "image,mos,source,kind,strength"
    write_text("mine/labels.csv", header, "a.png,1,ref.png,3,2", "b.png,2,other,10,5")
    save_image("mine/photos/ref.png", picture)
    chosen = LabelColumns("image", "mos", "source", None, 1, "kind", "strength")
    names = ("reference_id", "reference_path", "distortion_id", "distortion", "level")
    assert columns(read(own, chosen), *names) == [
        ("ref", "ref.png", 3, "motion_blur", 2),
        ("other", None, 10, "jpeg", 5),
    ]


def test_names_that_look_like_conditions_are_not_taken_for_kadids(write_text, own):
    # TID2013's I01_01_1 is additive noise, not Gaussian blur.
    write_text("mine/labels.csv", "image,mos", "I01_01_1.bmp,1", "a.png,2")
    assert columns(read(own), "distortion_id", "reference_id") == [(None, None)] * 2


def test_a_cell_without_a_reference_is_an_image_without_one(write_text, own):
    write_text("mine/labels.csv", "image,mos,ref_img", "a.png,1,", "b.png,2,r.png")
    assert columns(read(own), "reference_id") == [(None,), ("r",)]


def test_names_may_lack_their_suffix_as_long_as_one_file_fits(write_text, own, save_image, picture):
    write_text("mine/labels.csv", "image,mos", "a,1", "b,2")
    save_image("mine/photos/b.webp", picture)
    assert columns(read(own), "sample_id", "image_path", "status") == [("a", "a.png", "ok"), ("b", "b.webp", "ok")]
    save_image("mine/photos/b.png", picture)
    with pytest.raises(CurateError, match=r"'b' may be any of 'b\.png', 'b\.webp'; expected the file's name with"):
        read(own)


def test_a_name_that_fits_two_files_but_for_case_is_refused_and_an_exact_one_is_taken(
    write_text, own, save_image, picture
):
    """Which of two files a folder lists first is up to the file system."""
    save_image("mine/photos/C.png", picture)
    save_image("mine/photos/c.PNG", picture, format="PNG")
    if len([each for each in (own / "photos").iterdir() if each.name.lower() == "c.png"]) == 1:
        pytest.skip("this file system holds one of the two")
    write_text("mine/labels.csv", "image,mos", "C.png,1", "c.PNG,2")
    with pytest.raises(CurateError, match=r"'c\.png' may be any of 'C\.png', 'c\.PNG'; expected the file's name to"):
        ImageFolder(own, "photos").find("c.png")
    assert ImageFolder(own, "photos").find("C.png") == "photos/C.png"


@pytest.mark.parametrize("name", ["cafe\u0301.png", "CAF\u00c9.png", "Cafe\u0301"])
def test_a_name_may_differ_in_case_and_unicode_form_with_or_without_its_suffix(own, save_image, picture, name):
    save_image("mine/photos/caf\u00e9.png", picture)
    assert ImageFolder(own, "photos").find_stem(name) == "photos/caf\u00e9.png"


@pytest.mark.parametrize("scores", [("-1e308", "1e308"), ("1e-320", "2e-320")])
def test_scores_whose_range_float64_cannot_divide_by_are_refused(write_text, own, scores):
    write_text("mine/labels.csv", "image,mos", f"a.png,{scores[0]}", f"b.png,{scores[1]}")
    with pytest.raises(CurateError, match=r"the label range .* is too wide or too narrow; .* such as 0,100"):
        read(own)


@pytest.mark.parametrize("name", ["photos/a.png", "mine.csv", "manifest"])
def test_a_manifest_takes_the_place_of_no_image_and_has_its_suffix(own, name):
    before = (own / "photos" / "a.png").read_bytes()
    with pytest.raises(CurateError, match=r"is a Parquet file; give a name that ends in \.parquet"):
        run_testset(read(own), own / name)
    assert (own / "photos" / "a.png").read_bytes() == before
    assert not (own / "mine.csv").exists()


def test_ids_keep_their_folder_on_demand(write_text, own, save_image, picture):
    write_text("mine/labels.csv", "image,mos", "x/1.png,1", "y/1.png,2")
    save_image("mine/photos/y/1.png", picture)
    with pytest.raises(CurateError, match=r"--ids path keeps the folder\): 1 ids occur more than once: '1'"):
        read(own)
    assert columns(read(own, ids="path"), "sample_id", "image_path") == [("x/1", "x/1.png"), ("y/1", "y/1.png")]


def test_a_split_file_marks_images_that_have_no_reference(own, write_text):
    split = write_text("split.csv", "id,split", "b.jpg,val")
    assert columns(read(own, split_file=split), "sample_id", "split") == [("a", "train"), ("b", "val")]


def test_a_split_file_replaces_an_official_split(write_text, save_image, picture, tmp_path):
    write_text("BIQ/Train.csv", "Image Name,MOS", "a.jpg,0.5")
    write_text("BIQ/Test.csv", "Image Name,MOS", "b.jpg,0")
    save_image("BIQ/Images/a.jpg", picture)
    split = write_text("split.csv", "id,split", "a,test")
    rated = read_test_set("biq2021", tmp_path / "BIQ", split_file=split)
    assert columns(rated, "sample_id", "split") == [("a", "test"), ("b", "train")]


def test_a_split_file_of_other_images_is_refused(own, write_text):
    split = write_text("split.csv", "id,split", "c,val")
    with pytest.raises(CurateError, match="1 ids are not among the labeled references: 'c'"):
        read(own, split_file=split)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["image,score", "a.png,1"], "has no column 'mos'; it has image, score"),
        (["image,mos", "a.png,good", "b.png,1"], "column 'mos' is not a finite number for 1 images: 'a'"),
        (["image,mos", "a.png,3"], "the label range 3,3 has no width; give one with --label-range"),
        (["image,mos", ",3", "a.png,4"], "column 'image' names no image in 1 rows"),
        (["image,mos", "../a.png,3", "b.png,4"], "names images that are not inside their folder"),
        (["image,mos", "c\\a.png,3", "b.png,4"], "names images that are not inside their folder"),
        (["image,mos"], "has a header and no rows"),
    ],
)
def test_a_label_file_that_cannot_be_read_so_is_refused(own, write_text, lines, message):
    write_text("mine/labels.csv", *lines)
    with pytest.raises(CurateError, match=message):
        read(own)


def test_what_a_set_needs_and_has_not_got_is_named(own):
    with pytest.raises(CurateError, match="csv needs --labels FILE"):
        read_test_set("csv", images=own / "photos")
    with pytest.raises(CurateError, match="koniq10k needs --root DIR"):
        read_test_set("koniq10k")
    with pytest.raises(CurateError, match="koniq10k has its own label file; --labels goes with csv alone"):
        read_test_set("koniq10k", own, labels=LabelFile(own / "labels.csv"))
    with pytest.raises(CurateError, match=r"no folder .*elsewhere; expected the folder of the images of .*labels\.csv"):
        read_test_set("csv", images=own / "elsewhere", labels=LabelFile(own / "labels.csv", OWN))


def test_images_are_beside_the_label_file_below_a_root_or_where_the_user_says(own):
    file = LabelFile(own / "labels.csv", OWN)
    for options, path in (({"root": own, "images": "photos"}, "photos/a.png"), ({"root": own / "photos"}, "a.png")):
        assert columns(read_test_set("csv", labels=file, **options), "image_path", "status")[0] == (path, "ok")
    with pytest.raises(CurateError, match=r"none of the 2 images can be read under .*mine, .*--images DIR"):
        read_test_set("csv", labels=file).rows()


def test_the_command_writes_the_same_verified_manifest_every_time(syndr_curate, own, tmp_path):
    command = ("testset", "csv", "--labels", own / "labels.csv", "--images", own / "photos", "--id-column", "image")
    command = (*command, "--label-column", "mos", "--std-column", "spread", "--raters", "16", "--label-range", "0,100")
    done = syndr_curate(*command, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["out"] == "manifests/mine.parquet"
    syndr_curate(*command, "--out", tmp_path / "manifests" / "again.parquet")
    written = tmp_path / "manifests" / "mine.parquet"
    assert written.read_bytes() == (tmp_path / "manifests" / "again.parquet").read_bytes()
    table = pq.read_table(written)
    assert table["label_std"].to_pylist() == [pytest.approx(0.1), pytest.approx(0.2)]
    assert read_provenance(table)["roots"] == {"mine": "../mine/photos"}
    assert read_provenance(table)["config"]["columns"]["raters"] == 16
    assert syndr_curate("verify", written).returncode == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("koniq10k", "--root", ".", "--labels", "x.csv"), "--labels has no effect with koniq10k"),
        (("bid", "--root", ".", "--lower-is-better", "--ids", "path"), "--ids, --lower-is-better have no effect"),
        (("csv", "--labels", "x.csv", "--id-column", "i", "--raters", "3"), "--raters has no effect without"),
        (("bid",), "bid needs --root DIR"),
    ],
)
def test_the_command_refuses_flags_without_effect(syndr_curate, tmp_path, flags, message):
    done = syndr_curate("testset", *flags, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


def test_the_command_never_writes_over_a_label_or_split_file(syndr_curate, own, write_text):
    split = write_text("mine/split.csv", "id,split", "a,val")
    command = ("testset", "csv", "--labels", own / "labels.csv", "--images", own / "photos", "--id-column", "image")
    for name in ("labels.csv", "split.csv"):
        done = syndr_curate(*command, "--label-column", "mos", "--split-file", split, "--out", own / name, check=False)
        assert done.returncode == 2
        assert "would overwrite" in done.stderr


def test_the_same_in_python_is_a_table_that_knows_its_folder(own, tmp_path):
    table = package.testset("csv", labels=own / "labels.csv", images=own / "photos", columns=OWN)
    assert table["label"].to_pylist() == [0.0, 10.0]
    package.write_manifest(table, tmp_path / "deep" / "er" / "mine.parquet")
    written = package.read_manifest(tmp_path / "deep" / "er" / "mine.parquet")
    assert read_provenance(written)["roots"] == {"mine": (own / "photos").as_posix()}


def test_livec_dev_is_read_in_one_command(syndr_curate, reference_data, tmp_path):
    root = reference_data / "livec_dev"
    columns = ("--id-column", "image", "--label-column", "mos", "--std-column", "std", "--raters", "175")
    command = ("testset", "csv", "--labels", root / "labels.csv", "--images", root / "images", *columns)
    done = syndr_curate(*command, "--label-range", "0,100", "--out", tmp_path / "livec_dev.parquet", "--json")
    summary = json.loads(done.stdout)
    assert (summary["dataset"], summary["rows"], summary["rows_not_ok"]) == ("livec_dev", 581, 0)
    first = pq.read_table(tmp_path / "livec_dev.parquet").slice(0, 1).to_pylist()[0]
    assert first["label"] == pytest.approx(4.4446122)
    assert first["label_std"] == pytest.approx(2.0266819 / 175**0.5)
