"""PIPAL and KADID-10k in tiny copies of their official layouts, with labels worked out by hand."""

import json
import math

import numpy as np
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError, read_labels
from syndr_curate.curate.datasets.test_sets.rated_set import read_test_set
from syndr_curate.curate.datasets.test_sets.testset import manifest_of
from syndr_curate.curate.manifest.provenance import read_provenance

from .reading import columns

KADID_HEADER = "dist_img,ref_img,dmos,var"


@pytest.fixture
def pipal(write_text, save_image, picture, tmp_path):
    """Two references of PIPAL: three images in two of its folders, a fourth that is nowhere."""
    write_text("PIPAL/Train_Label/A0002.txt", "A0002_06_26.bmp,1500.0", "A0002_03_23.bmp,1450.0")
    write_text("PIPAL/Train_Label/A0001.txt", "A0001_00_00.bmp,1400.0", "A0001_05_13.bmp,1600.0", "")
    save_image("PIPAL/Distortion_1/A0001_00_00.bmp", picture)
    save_image("PIPAL/Distortion_1/A0001_05_13.bmp", picture)
    save_image("PIPAL/Distortion_2/Distortion_2/A0002_06_26.bmp", picture)
    save_image("PIPAL/Train_Ref/A0001.bmp", picture)
    return tmp_path / "PIPAL"


def test_pipal_has_its_classes_as_a_column_and_the_scale_of_its_own_scores(pipal):
    rated = read_test_set("pipal", pipal)
    assert columns(rated, "sample_id", "image_path", "label", "distortion_class", "reference_id", "status") == [
        ("A0001_00_00", "Distortion_1/A0001_00_00.bmp", 0.0, "00", "A0001", "ok"),
        ("A0001_05_13", "Distortion_1/A0001_05_13.bmp", 10.0, "05", "A0001", "ok"),
        ("A0002_06_26", "Distortion_2/Distortion_2/A0002_06_26.bmp", 5.0, "06", "A0002", "ok"),
        ("A0002_03_23", "A0002_03_23.bmp", 2.5, "03", "A0002", "unreadable"),
    ]
    assert rated.scale.as_json() == {"min": 1400.0, "max": 1600.0, "higher_is_better": True}


def test_pipals_references_have_a_path_where_they_are_there_and_its_types_are_not_kadids(pipal):
    found = columns(read_test_set("pipal", pipal), "reference_path", "reference_root", "distortion_id", "level")
    assert found == [("Train_Ref/A0001.bmp", "pipal", None, None)] * 2 + [(None, None, None, None)] * 2


def test_pipal_may_be_in_train_with_all_images_in_one_folder(write_text, save_image, picture, tmp_path):
    write_text("PIPAL/train/Train_Label/A0001.txt", "A0001_00_00.bmp,1400.0", "A0001_00_01.bmp,1500.0")
    save_image("PIPAL/train/Distortion/A0001_00_00.bmp", picture)
    rated = read_test_set("pipal", tmp_path / "PIPAL")
    assert columns(rated, "image_path", "status")[0] == ("train/Distortion/A0001_00_00.bmp", "ok")


def test_pipals_images_are_looked_for_where_the_user_says(pipal):
    rated = read_test_set("pipal", pipal, images="Distortion_2")
    assert [status for (status,) in columns(rated, "status")] == ["unreadable", "unreadable", "ok", "unreadable"]
    assert columns(rated, "reference_path")[0] == ("Train_Ref/A0001.bmp",)


def test_a_picture_of_pipal_in_two_folders_is_refused_until_one_is_named(pipal, save_image, picture):
    """A folder of resized copies comes before the pictures that were rated in the order of names."""
    save_image("PIPAL/0_small/A0001_00_00.bmp", picture)
    with pytest.raises(CurateError, match=r"may be any of '0_small/A0001_00_00\.bmp', 'Distortion_1/.*with --images"):
        read_test_set("pipal", pipal)
    rated = read_test_set("pipal", pipal, images="Distortion_1")
    assert columns(rated, "image_path")[0] == ("Distortion_1/A0001_00_00.bmp",)


@pytest.mark.parametrize(
    "line", ["A0001_00_00.bmp 1400", "A0001_07_00.bmp,1400", "A0001_00.bmp,1400", "../A0001_00_00.bmp,1400", "name,mos"]
)
def test_pipal_refuses_a_line_that_is_not_as_described(pipal, write_text, line):
    write_text("PIPAL/Train_Label/A0003.txt", line)
    with pytest.raises(CurateError, match=r"A0003\.txt: .* is not a name and a score like A0001_00_00\.bmp,1477\.5"):
        read_test_set("pipal", pipal)


def test_pipal_without_its_label_files_or_without_a_scale_is_refused(pipal, write_text, tmp_path):
    with pytest.raises(CurateError, match=r"has 0 folders Train_Label .* expected one"):
        read_test_set("pipal", pipal / "Train_Ref")
    write_text("other/Train_Label/A0001.txt", "A0001_00_00.bmp,1400.0")
    with pytest.raises(CurateError, match="holds 1 scores and no two that differ"):
        read_test_set("pipal", tmp_path / "other")
    with pytest.raises(CurateError, match="has 2 folders Train_Label"):
        read_test_set("pipal", tmp_path)


def test_the_classes_are_counted_verified_and_survive_the_file(syndr_curate, pipal, tmp_path):
    out = tmp_path / "pipal.parquet"
    summary = json.loads(syndr_curate("testset", "pipal", "--root", pipal, "--out", out, "--json").stdout)
    assert summary["groups"] == {"distortion_class": {"00": 1, "03": 1, "05": 1, "06": 1}}
    assert pq.read_table(out)["distortion_class"].to_pylist() == ["00", "05", "06", "03"]
    assert syndr_curate("verify", out).returncode == 0


def test_many_label_files_are_one_input_of_the_manifest(pipal, write_text, tmp_path):
    for number in range(3, 6):
        write_text(f"PIPAL/Train_Label/A000{number}.txt", f"A000{number}_00_00.bmp,1500")
    facts = read_provenance(manifest_of(read_test_set("pipal", pipal), tmp_path / "pipal.parquet"))
    assert set(facts["inputs"]) == {"label_files", "images"}
    write_text("PIPAL/Train_Label/A0005.txt", "A0005_00_00.bmp,1501")
    other = read_provenance(manifest_of(read_test_set("pipal", pipal), tmp_path / "pipal.parquet"))
    assert other["inputs"]["label_files"] != facts["inputs"]["label_files"]


@pytest.fixture
def kadid(write_text, save_image, picture):
    """KADID-10k with three images of two references."""
    write_text(
        "KADID/dmos.csv",
        KADID_HEADER,
        "I01_01_01.png,I01.png,4.93,0.6",
        "I01_25_05.png,I01.png,1.0,0.0",
        "i02_10_03.png,I02.png,2.965,1.2",
    )
    save_image("KADID/images/I01.png", picture)
    save_image("KADID/images/I02_10_03.png", picture)
    return save_image("KADID/images/I01_01_01.png", picture).parents[1]


def test_kadid10k_has_types_levels_references_and_the_spread_of_30_votes(kadid):
    rated = read_test_set("kadid10k", kadid)
    names = ("sample_id", "distortion_id", "distortion", "level", "reference_id", "label", "split")
    assert columns(rated, *names) == [
        ("I01_01_01", 1, "gaussian_blur", 1, "I01", 10.0, "test"),
        ("I01_25_05", 25, "contrast_change", 5, "I01", 0.0, "test"),
        ("i02_10_03", 10, "jpeg", 3, "I02", 5.0, "test"),
    ]
    assert columns(rated, "label_std") == [
        (pytest.approx(spread / math.sqrt(30) * 10 / 3.93, abs=1e-6),) for spread in (0.6, 0.0, 1.2)
    ]


def test_kadid10ks_images_and_references_are_found_whatever_their_case(kadid):
    assert columns(read_test_set("kadid10k", kadid), "image_path", "reference_path", "status") == [
        ("images/I01_01_01.png", "images/I01.png", "ok"),
        ("images/I01_25_05.png", "images/I01.png", "unreadable"),
        ("images/I02_10_03.png", None, "ok"),
    ]


def test_kadid10k_takes_a_split_by_reference(kadid, write_text):
    split = write_text("split.csv", "reference_id,split", "I01,val")
    rated = read_test_set("kadid10k", kadid, split_file=split)
    assert columns(rated, "sample_id", "split") == [("I01_01_01", "val"), ("I01_25_05", "val"), ("i02_10_03", "train")]


def test_kadid10k_refuses_an_image_whose_name_is_no_condition(kadid, write_text):
    write_text("KADID/dmos.csv", KADID_HEADER, "I01_26_01.png,I01.png,2,0", "I01_01_02.png,I01.png,3,0")
    with pytest.raises(
        CurateError,
        match="the distortion id of 1 rows is not a whole number 1-25, or 200-999: 'I01_26_01'",
    ):
        read_test_set("kadid10k", kadid)


def test_the_labels_of_the_whole_of_kadid10k_are_those_of_read_labels(reference_data, save_image, picture):
    text = (reference_data / "kadid10k" / "dmos.csv").read_text("utf-8")
    root = save_image("KADID/images/I01_01_01.png", picture).parents[1]
    (root / "dmos.csv").write_text(text, encoding="utf-8")
    table = read_test_set("kadid10k", root).rows()
    labels = read_labels(root / "dmos.csv")
    assert tuple(table["sample_id"].to_pylist()) == labels.sample_ids
    assert np.array_equal(table["label"].to_numpy(), labels.quality.astype(np.float32))
    assert np.allclose(table["label_std"].to_numpy(), labels.standard_errors, rtol=1e-6, atol=0)
    assert table["distortion_id"].to_pylist() == labels.distortion_ids.tolist()
    assert table["level"].to_pylist() == labels.levels.tolist()
