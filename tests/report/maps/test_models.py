"""The models of maps side by side: which file is whose, and which rows all of them have."""

import numpy as np
import pytest
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.report.maps.models import (
    UNNAMED,
    FeaturesById,
    drawn_rows,
    lacking_rows,
    parse_feature_files,
    read_feature_files,
)
from syndr_curate.curate.report.rows import joined_rows

from ...making import training_rows


def having(*ids):
    return FeaturesById(np.eye(len(ids)), {identifier: row for row, identifier in enumerate(ids)})


def frame_of(*ids):
    return joined_rows(training_rows(ids, [5.0] * len(ids)))


def parsed(*texts):
    return {name: [str(file) for file in files] for name, files in parse_feature_files(texts).items()}


def test_one_file_needs_no_name():
    assert parsed("epoch3.npz") == {UNNAMED: ["epoch3.npz"]}
    assert parsed() == {}


def test_several_files_are_known_by_their_models_in_the_order_given():
    found = parsed("swin=b.npz", "resnet50=kadid.npz", "resnet50=livec.npz")
    assert list(found.items()) == [("swin", ["b.npz"]), ("resnet50", ["kadid.npz", "livec.npz"])]


def test_a_file_whose_own_name_has_a_sign_of_equality_is_a_file(tmp_path):
    (tmp_path / "a=b.npz").touch()
    assert parsed(str(tmp_path / "a=b.npz")) == {UNNAMED: [str(tmp_path / "a=b.npz")]}
    assert parsed("x=a=b.npz") == {"x": ["a=b.npz"]}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["=f.npz"], "--features '=f.npz': expected FILE, or NAME=FILE"),
        (["resnet="], "--features 'resnet=': expected FILE, or NAME=FILE"),
        (["a.npz", "b.npz"], "a.npz without a name; expected NAME=FILE for each"),
        (["swin=a.npz", "b.npz"], "b.npz without a name; expected NAME=FILE for each"),
        (["swin=a.npz", "swin=a.npz"], "model 'swin' has the file a.npz twice"),
    ],
)
def test_what_names_no_model_is_refused(texts, said):
    with pytest.raises(CurateError) as refused:
        parse_feature_files(texts)
    assert said in str(refused.value)


def test_the_files_of_one_model_are_put_together(tmp_path):
    save_features(tmp_path / "1.npz", ["a", "b"], np.array([[1.0, 0.0], [2.0, 0.0]]))
    save_features(tmp_path / "2.npz", ["c"], np.array([[3.0, 0.0]]))
    found = read_feature_files({"swin": [tmp_path / "1.npz", tmp_path / "2.npz"]})["swin"]
    assert found.ids == ("a", "b", "c")
    assert found.matrix[:, 0].tolist() == [1.0, 2.0, 3.0]


def test_files_of_one_model_with_an_id_twice_or_of_unlike_width_are_refused(tmp_path):
    save_features(tmp_path / "1.npz", ["a", "b"], np.ones((2, 2)))
    save_features(tmp_path / "2.npz", ["b"], np.ones((1, 2)))
    save_features(tmp_path / "3.npz", ["c"], np.ones((1, 3)))
    with pytest.raises(CurateError, match=r"features of swin.*1 ids occur more than once: 'b'"):
        read_feature_files({"swin": [tmp_path / "1.npz", tmp_path / "2.npz"]})
    with pytest.raises(CurateError, match=r"2, 3 numbers per row.*expected files of one encoder"):
        read_feature_files({"swin": [tmp_path / "1.npz", tmp_path / "3.npz"]})


def test_the_rows_drawn_are_those_that_all_models_have():
    frame = frame_of("a", "b", "c", "d")
    models = {"one": having("d", "c", "b"), "two": having("b", "x", "d")}
    assert drawn_rows(frame, models, 10, 1)["sample_id"].tolist() == ["b", "d"]
    assert lacking_rows(frame, models) == {"two": ["c"]}  # no model has features of `a`


def test_models_without_a_row_in_common_are_refused():
    frame = frame_of("a", "b")
    with pytest.raises(CurateError, match="no row of the manifest has features of all the models one, two"):
        drawn_rows(frame, {"one": having("a"), "two": having("b")}, 10, 1)


def test_a_model_of_other_pictures_is_named():
    with pytest.raises(CurateError, match="the features of two are of none of the manifest's rows; they have 'x'"):
        drawn_rows(frame_of("a", "b"), {"one": having("a"), "two": having("x")}, 10, 1)
