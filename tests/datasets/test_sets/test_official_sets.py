"""Labeled test sets: each in a tiny copy of its official layout, with labels worked out by hand."""

import json

import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.test_sets.distorted_images import LIVE_FOLDERS
from syndr_curate.curate.datasets.test_sets.rated_set import read_test_set
from syndr_curate.curate.datasets.test_sets.testset import manifest_of
from syndr_curate.curate.manifest.provenance import read_provenance

from .reading import cells, columns

KONIQ_SCORES = "koniq10k/koniq10k_scores_and_distributions.csv"
KONIQ_SETS = "koniq10k/koniq10k_distributions_sets.csv"


@pytest.fixture
def koniq(write_text, save_image, picture):
    """KonIQ-10k with two pictures, of which one is there."""
    write_text(
        KONIQ_SCORES,
        "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,MOS_zscore",
        "11.jpg,0,0,0,100,0,100,4.0,0.5,77.3",
        "22.jpg,25,0,0,0,0,25,1.0,0.5,4.4",
    )
    return save_image("koniq10k/512x384/11.jpg", picture).parents[1]


def test_koniq_scores_of_1_to_5_become_0_to_10_and_votes_their_standard_error(koniq):
    rated = read_test_set("koniq10k", koniq)
    # (4 - 1) / 4 * 10 = 7.5; 0.5 / sqrt(100) * 10 / 4 = 0.125; 0.5 / sqrt(25) * 2.5 = 0.25
    assert columns(rated, "sample_id", "image_path", "label", "label_std", "split") == [
        ("11", "512x384/11.jpg", 7.5, 0.125, "test"),
        ("22", "512x384/22.jpg", 0.0, 0.25, "test"),
    ]


def test_a_missing_image_keeps_its_row_and_says_why(koniq):
    assert columns(read_test_set("koniq10k", koniq), "sample_id", "status", "error") == [
        ("11", "ok", None),
        ("22", "unreadable", "No such file or directory"),
    ]


def test_koniq_takes_its_official_split_where_it_is_there(koniq, write_text):
    write_text(KONIQ_SETS, "image_name,MOS,SD,c_total,set", "22.jpg,4,1,25,validation", "11.jpg,77,1,100,training")
    rated = read_test_set("koniq10k", koniq)
    assert columns(rated, "sample_id", "split", "label") == [("11", "train", 7.5), ("22", "val", 0.0)]
    assert len(rated.label_files) == 2


def test_koniq_can_be_read_from_the_file_of_its_split_alone_whose_scores_are_on_0_to_100(koniq, write_text):
    (koniq / "koniq10k_scores_and_distributions.csv").unlink()
    write_text(KONIQ_SETS, "image_name,c1,c_total,MOS,SD,set", "11.jpg,0,100,77.5,0.5,test")
    # SD stays on 1-5 there: the standard error is the same 0.125 as above.
    assert columns(read_test_set("koniq10k", koniq), "label", "label_std") == [(7.75, 0.125)]


def test_koniq_refuses_a_split_that_does_not_cover_it(koniq, write_text):
    write_text(KONIQ_SETS, "image_name,MOS,SD,c_total,set", "11.jpg,77,1,100,training")
    with pytest.raises(CurateError, match=r"koniq10k_distributions_sets\.csv does not say the set of '22\.jpg'"):
        read_test_set("koniq10k", koniq)
    write_text(KONIQ_SETS, "image_name,MOS,SD,c_total,set", "11.jpg,77,1,100,training", "22.JPG,4,1,25,test")
    with pytest.raises(
        CurateError, match=r"of '22\.jpg'; 1 would match but for upper and lower case, e\.g\. '22\.jpg' in "
    ):
        read_test_set("koniq10k", koniq)
    write_text(KONIQ_SETS, "image_name,MOS,SD,c_total,set", "11.jpg,77,1,100,dev")
    with pytest.raises(CurateError, match="is 'dev', not one of training, validation, test"):
        read_test_set("koniq10k", koniq)


def test_livec_leaves_out_the_pictures_raters_practiced_on(save_mat, save_image, picture):
    save_mat("livec/Data/AllImages_release.mat", AllImages_release=cells(["t1.bmp", "t2.bmp", "3.bmp", "4.JPG"]))
    save_mat("livec/Data/AllMOS_release.mat", AllMOS_release=[[50.0, 50.0, 63.5, 12.0]])
    root = save_image("livec/Images/3.bmp", picture).parents[1]
    rated = read_test_set("livec", root)
    assert columns(rated, "sample_id", "image_path", "label", "label_std", "status") == [
        ("3", "Images/3.bmp", pytest.approx(6.35), None, "ok"),
        ("4", "Images/4.JPG", pytest.approx(1.2), None, "unreadable"),
    ]
    assert rated.left_out == "2 pictures that raters practiced on"


def test_livec_makes_standard_errors_of_its_deviations_and_the_175_votes_of_an_average_image(
    save_mat, save_image, picture
):
    save_mat("livec/Data/AllImages_release.mat", AllImages_release=cells(["t1.bmp", "3.bmp", "4.bmp"]))
    save_mat("livec/Data/AllMOS_release.mat", AllMOS_release=[[50.0, 63.5, 12.0]])
    save_mat("livec/Data/AllStdDev_release.mat", AllStdDev_release=[[9.0, 17.5, 0.0]])
    root = save_image("livec/Images/3.bmp", picture).parents[1]
    rated = read_test_set("livec", root)
    # 17.5 / sqrt(175) of 100 is a tenth of that of 10.
    assert columns(rated, "sample_id", "label_std") == [("3", pytest.approx(1.75 / 175**0.5)), ("4", 0.0)]
    assert [file.name for file in rated.label_files][-1] == "AllStdDev_release.mat"


@pytest.mark.parametrize(
    ("deviations", "message"),
    [([17.5], "has 2 entries, .*AllStdDev_release.mat has 1"), ([17.5, -1.0], r"-1\.0 for '4\.bmp' is below 0")],
)
def test_livec_refuses_deviations_that_are_none_of_its_images(save_mat, tmp_path, deviations, message):
    save_mat("livec/Data/AllImages_release.mat", AllImages_release=cells(["3.bmp", "4.bmp"]))
    save_mat("livec/Data/AllMOS_release.mat", AllMOS_release=[[63.5, 12.0]])
    save_mat("livec/Data/AllStdDev_release.mat", AllStdDev_release=[deviations])
    with pytest.raises(CurateError, match=message):
        read_test_set("livec", tmp_path / "livec")


def test_livec_refuses_scores_that_do_not_belong_to_its_names(save_mat, tmp_path):
    save_mat("livec/Data/AllImages_release.mat", AllImages_release=cells(["1.bmp", "2.bmp"]))
    save_mat("livec/Data/AllMOS_release.mat", AllMOS_release=[[50.0]])
    with pytest.raises(CurateError, match=r"has 2 entries, .*AllMOS_release\.mat has 1; expected as many"):
        read_test_set("livec", tmp_path / "livec")


@pytest.mark.parametrize("folder", ["bid", "bid/ImageDatabase"])
def test_bid_numbers_its_images(save_sheet, save_image, picture, folder, tmp_path):
    header = ["Image Number", "Average Subjective Grade", "std"]
    save_sheet("bid/DatabaseGrades.xlsx", [header, [1, 2.5, 0.3], [17, 5, 0.1], [None, None, None]])
    save_image(f"{folder}/DatabaseImage0001.JPG", picture, format="JPEG")
    rated = read_test_set("bid", tmp_path / "bid")
    assert columns(rated, "sample_id", "label", "status") == [
        ("DatabaseImage0001", 5.0, "ok"),
        ("DatabaseImage0017", 10.0, "unreadable"),
    ]


def test_a_sheet_may_be_exported_as_csv(write_text, save_image, picture, tmp_path):
    write_text("bid/DatabaseGrades.csv", "Image Number,Average Subjective Grade", "1.0,2.5", "2,0")
    save_image("bid/DatabaseImage0001.JPG", picture, format="JPEG")
    rated = read_test_set("bid", tmp_path / "bid")
    assert columns(rated, "sample_id", "label") == [("DatabaseImage0001", 5.0), ("DatabaseImage0002", 0.0)]


@pytest.mark.parametrize("number", ["3_4", "٣", "-1", "1.5", ""])
def test_bid_refuses_a_number_that_only_python_takes_for_one(write_text, tmp_path, number):
    write_text("bid/DatabaseGrades.csv", "Image Number,Average Subjective Grade", f"{number},2.5")
    with pytest.raises(CurateError, match=f"'{number}' is not an image number; expected digits such as 17"):
        read_test_set("bid", tmp_path / "bid")


def test_a_sheet_without_its_reader_says_what_to_install(save_sheet, tmp_path, monkeypatch):
    save_sheet("bid/DatabaseGrades.xlsx", [["Image Number", "Average Subjective Grade"], [1, 2.5]])
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(CurateError, match=r"pip install 'syndr-curate\[xlsx\]', or export .* DatabaseGrades\.csv"):
        read_test_set("bid", tmp_path / "bid")


def test_spaq_reads_its_annotations(save_sheet, save_image, picture, tmp_path):
    header = ["Image name", "MOS", "Brightness"]
    save_sheet("spaq/Annotations/MOS and Image attribute scores.xlsx", [header, ["00001.jpg", 43, 50]])
    save_image("spaq/TestImage/00001.jpg", picture)
    rated = read_test_set("spaq", tmp_path / "spaq")
    assert columns(rated, "sample_id", "image_path", "label") == [
        ("00001", "TestImage/00001.jpg", pytest.approx(4.3)),
    ]


def test_tid2013_finds_files_whose_names_differ_in_case(write_text, save_image, picture, tmp_path):
    write_text("tid/mos_with_names.txt", "4.50000 I01_01_1.bmp", "9 i25_24_5.bmp", "")
    save_image("tid/distorted_images/i01_01_1.bmp", picture)
    save_image("tid/reference_images/I01.BMP", picture, format="BMP")
    save_image("tid/reference_images/i25.bmp", picture)
    rated = read_test_set("tid2013", tmp_path / "tid")
    assert columns(rated, "sample_id", "image_path", "reference_path", "label", "distortion_id") == [
        ("I01_01_1", "distorted_images/i01_01_1.bmp", "reference_images/I01.BMP", 5.0, None),
        ("i25_24_5", "distorted_images/i25_24_5.bmp", "reference_images/i25.bmp", 10.0, None),
    ]


@pytest.mark.parametrize("line", ["4.5 a_01_1.bmp", "I01_01_1.bmp", "4.5 I01_01_1.bmp 3", "4.5 ../I01_01_1.bmp"])
def test_tid2013_refuses_a_line_that_is_not_as_described(write_text, tmp_path, line):
    write_text("tid/mos_with_names.txt", "4.5 I01_01_2.bmp", line)
    with pytest.raises(CurateError, match="is not a score and a name like"):
        read_test_set("tid2013", tmp_path / "tid")


@pytest.fixture
def live(save_mat, save_image, picture):
    """LIVE with its 982 entries; entry k has DMOS k/10 - 1, every hundredth is a copy of its reference."""
    orgs = [[1 if k % 100 == 0 else 0 for k in range(982)]]
    save_mat("live/dmos_realigned.mat", dmos_new=[[k / 10 - 1 for k in range(982)]], orgs=orgs)
    save_mat("live/refnames_all.mat", refnames_all=cells([f"ref{k % 29}.bmp" for k in range(982)]).T)
    save_image("live/refimgs/ref1.bmp", picture)
    return save_image("live/jp2k/img2.bmp", picture).parents[1]


def test_live_is_read_by_folders_and_its_dmos_is_reversed(live):
    rated = read_test_set("live", live)
    rows = {row[0]: row[1:] for row in columns(rated, "sample_id", "label", "reference_path", "reference_id", "status")}
    # Entry 1 (jp2k/img2) has DMOS -0.9 of [-1, 97.1]: 10 (1 - 0.1 / 98.1); the last one is fastfading/img174.
    assert rows["jp2k/img2"] == (pytest.approx(10 * (1 - 0.1 / 98.1)), "refimgs/ref1.bmp", "ref1", "ok")
    assert rows["fastfading/img174"][0] == 0.0
    assert rows["jpeg/img1"][0] == pytest.approx(10 * (1 - 22.7 / 98.1))  # entry 227, after 227 of jp2k
    assert rated.scale.as_json() == {"min": -1.0, "max": pytest.approx(97.1), "higher_is_better": False}


def test_live_leaves_out_copies_of_the_references_and_says_so(live):
    rated = read_test_set("live", live)
    assert len(rated.ratings) == 982 - 10
    assert rated.left_out.startswith("10 undistorted copies")
    assert "jp2k/img1" not in {rating.id for rating in rated.ratings}
    assert sum(count for _, count in LIVE_FOLDERS) == 982


def test_live_of_another_length_is_refused(live, save_mat):
    save_mat("live/dmos_realigned.mat", dmos_new=[[1.0, 2.0]], orgs=[[0, 0]])
    with pytest.raises(CurateError, match="has 2 entries, LIVE release 2 has 982"):
        read_test_set("live", live)


def test_csiq_finds_its_header_below_a_title_and_turns_dmos_round(save_sheet, save_image, picture, tmp_path):
    pad = [None, None, None]
    rows = [
        ["CSIQ DMOS"],
        [],
        [],
        [*pad, "image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"],
        [*pad, 1600, 1, "noise", 1, 0.05, 0.25],
        [*pad, "sunset", 6, "jpeg 2000", 5, 0.05, 1.0],
    ]
    save_sheet("csiq/csiq.DMOS.xlsx", rows, sheet="all_by_image")
    save_image("csiq/dst_imgs/awgn/1600.AWGN.1.png", picture)
    rated = read_test_set("csiq", tmp_path / "csiq")
    assert columns(rated, "sample_id", "image_path", "label", "reference_id") == [
        ("1600.AWGN.1", "dst_imgs/awgn/1600.AWGN.1.png", 7.5, "1600"),
        ("sunset.jpeg2000.5", "dst_imgs/jpeg2000/sunset.jpeg2000.5.png", 0.0, "sunset"),
    ]


def test_images_may_be_elsewhere(save_sheet, save_image, picture, tmp_path):
    header = ["image", "dst_type", "dst_lev", "dmos"]
    save_sheet("csiq/csiq.DMOS.xlsx", [header, ["1600", "blur", 2.0, 0.5]], sheet="all_by_image")
    save_image("csiq/dst_imgs_all/1600.BLUR.2.png", picture)
    rated = read_test_set("csiq", tmp_path / "csiq", images="dst_imgs_all")
    assert columns(rated, "image_path", "status") == [("dst_imgs_all/1600.BLUR.2.png", "ok")]
    with pytest.raises(CurateError, match="no folder 'elsewhere' inside"):
        read_test_set("csiq", tmp_path / "csiq", images="elsewhere")
    with pytest.raises(CurateError, match=r"no folder '\.\./csiq' inside"):
        read_test_set("csiq", tmp_path / "csiq", images="../csiq")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["11.jpg,1,5.2,0.5"], "1 scores are not numbers from 1 to 5, the scale of koniq10k: '11'"),
        (["11.jpg,1,nan,0.5"], "'nan' for '11.jpg' is not a finite number"),
        (["11.jpg,1,good,0.5"], "'good' for '11.jpg' is not a finite number; expected digits such as 3.25"),
        (["11.jpg,1,3_4,0.5"], "'3_4' for '11.jpg' is not a finite number"),
        (["11.jpg,1,٣,0.5"], "'٣' for '11.jpg' is not a finite number"),
        (["11.jpg,inf,3,0.5"], "'inf' for '11.jpg' is not a finite number"),
        (["11.jpg,9,3,nan"], "'nan' for '11.jpg' is not a finite number"),
        (["11.jpg,9,3,-0.5"], "'-0.5' for '11.jpg' is below 0"),
        (["11.jpg,1,2,0.5", "11.jpg,1,3,0.5"], "1 ids occur more than once: '11'"),
        (["../11.jpg,1,2,0.5"], "names images that are not inside their folder"),
        ([], "names no images"),
    ],
)
def test_a_label_file_that_is_not_as_described_is_refused(koniq, write_text, rows, message):
    write_text(KONIQ_SCORES, "image_name,c_total,MOS,SD", *rows)
    with pytest.raises(CurateError, match=message):
        read_test_set("koniq10k", koniq)


def test_what_is_missing_is_named(koniq, write_text, tmp_path, save_mat, save_sheet):
    with pytest.raises(CurateError, match="no test set called 'koniq'; there are koniq10k, livec"):
        read_test_set("koniq", koniq)
    with pytest.raises(CurateError, match=r"no folder .*absent; expected the folder of bid"):
        read_test_set("bid", tmp_path / "absent")
    with pytest.raises(CurateError, match=r"has no DatabaseGrades\.csv and no DatabaseGrades\.xlsx"):
        read_test_set("bid", koniq)
    write_text(KONIQ_SCORES, "image_name,MOS", "11.jpg,2")
    with pytest.raises(CurateError, match="has no column 'SD'; it has image_name, MOS"):
        read_test_set("koniq10k", koniq)
    save_mat("livec/Data/AllImages_release.mat", names=cells(["1.bmp"]))
    save_mat("livec/Data/AllMOS_release.mat", AllMOS_release=[[1.0]])
    with pytest.raises(CurateError, match="has no variable 'AllImages_release'"):
        read_test_set("livec", tmp_path / "livec")
    save_sheet("csiq/csiq.DMOS.xlsx", [["image"]], sheet="by_distortion")
    with pytest.raises(CurateError, match="has no sheet 'all_by_image'; it has by_distortion"):
        read_test_set("csiq", tmp_path / "csiq")
    save_sheet("csiq/csiq.DMOS.xlsx", [["image", "dmos"]], sheet="all_by_image")
    with pytest.raises(CurateError, match="has no row that names the columns image, dst_type, dst_lev, dmos"):
        read_test_set("csiq", tmp_path / "csiq")


@pytest.mark.parametrize(
    ("name", "file"),
    [("livec", "Data/AllImages_release.mat"), ("bid", "DatabaseGrades.xlsx"), ("tid2013", "mos_with_names.txt")],
)
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe nothing of the kind", b"PK\x03\x04 cut off", b"MATLAB 5.0 MAT-file"]
)
def test_a_damaged_label_file_is_an_error_of_one_line(tmp_path, name, file, content):
    path = tmp_path / name / file
    path.parent.mkdir(parents=True)
    for other in (path, path.parent / "AllMOS_release.mat"):
        other.write_bytes(content)
    with pytest.raises(CurateError) as caught:
        read_test_set(name, tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_set_without_a_single_image_is_an_error(koniq):
    (koniq / "512x384" / "11.jpg").unlink()
    with pytest.raises(
        CurateError, match=r"none of the 2 images can be read .*512x384/11\.jpg: No such file.*--images"
    ):
        read_test_set("koniq10k", koniq).rows()


def test_the_manifest_says_where_its_labels_come_from(koniq, tmp_path):
    rated = read_test_set("koniq10k", koniq)
    facts = read_provenance(manifest_of(rated, tmp_path / "manifests" / "koniq10k.parquet"))
    assert facts["label_scale"] == {"min": 1.0, "max": 5.0, "higher_is_better": True}
    assert facts["roots"] == {"koniq10k": "../koniq10k"}
    assert set(facts["inputs"]) == {"koniq10k_scores_and_distributions.csv", "images"}


def test_the_command_writes_the_same_verified_manifest_every_time(syndr_curate, koniq, tmp_path):
    command = ("testset", "koniq10k", "--root", koniq, "--json", "--out")
    summary = json.loads(syndr_curate(*command, tmp_path / "a.parquet").stdout)
    assert (summary["rows"], summary["rows_not_ok"], summary["splits"]) == (2, 1, {"test": 2})
    assert (summary["label_scale"], summary["higher_is_better"]) == ([1.0, 5.0], True)
    assert syndr_curate(*command, tmp_path / "b.parquet", "--strict", check=False).returncode == 3
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert syndr_curate("verify", tmp_path / "a.parquet").returncode == 0


def test_the_command_never_writes_over_a_label_file(syndr_curate, koniq):
    labels = koniq / "koniq10k_scores_and_distributions.csv"
    done = syndr_curate("testset", "koniq10k", "--root", koniq, "--out", labels, check=False)
    assert done.returncode == 2
    assert "would overwrite" in done.stderr
