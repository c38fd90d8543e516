import math

import numpy as np
import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.knn import KnnLabeler, find_neighbors
from syndr_curate.curate.labeling.label_matrix import require_same_references
from syndr_curate.curate.labeling.label_rows import label_rows
from syndr_curate.curate.labeling.settings import NeighborSettings

from ..making import recipe_table


def distance(degrees: float) -> float:
    return 1 - math.cos(math.radians(degrees))


def rows_of(*ids: str, types=(1,), levels=(1, 3)):
    return recipe_table(ids, types=types, levels=levels, references="candidates", dataset="new")


def test_only_neighbors_within_the_margin_of_the_nearest_speak(at_angles):
    # d = 0.0152, 0.0603, 0.134 for 10, 20, 30 degrees: 0.0451 and 0.119 beyond the nearest; the margin is 0.05.
    found = find_neighbors(at_angles(new=0).matrix, at_angles(a=10, b=20, c=30), NeighborSettings())
    assert [voice.id for voice in found[0]] == ["a", "b"]


def test_the_margin_is_relative_to_the_nearest_distance(at_angles):
    # The nearest is 0.357 away: with an absolute margin of 0.05 nobody would be left.
    found = find_neighbors(at_angles(new=0).matrix, at_angles(a=50, b=51, c=90), NeighborSettings())
    assert [voice.id for voice in found[0]] == ["a", "b"]


def test_published_weights_are_the_softmax_of_the_distances(at_angles):
    (found,) = find_neighbors(at_angles(new=0).matrix, at_angles(a=10, b=20), NeighborSettings())
    powers = [math.exp(distance(10)), math.exp(distance(20))]
    assert [v.weight for v in found] == pytest.approx([p / sum(powers) for p in powers], abs=1e-7)
    assert found[1].weight > found[0].weight  # the farther one weighs more, as in the released code


def test_similarity_weights_favor_the_nearer(at_angles):
    settings = NeighborSettings(weighting="similarity", temperature=0.05)
    (found,) = find_neighbors(at_angles(new=0).matrix, at_angles(a=10, b=20), settings)
    powers = [math.exp(-distance(10) / 0.05), math.exp(-distance(20) / 0.05)]
    assert [v.weight for v in found] == pytest.approx([p / sum(powers) for p in powers], abs=1e-6)


def test_at_most_k_neighbors_are_asked(at_angles):
    settings = NeighborSettings(count=2, margin=1.0)
    (found,) = find_neighbors(at_angles(new=0).matrix, at_angles(a=10, b=20, c=15), settings)
    assert [v.id for v in found] == ["a", "c"]


def test_a_label_is_the_weighted_mean_and_its_spread_the_weighted_deviation(at_angles, labeled):
    labels = labeled({("a", 1, 1): 8.0, ("a", 1, 3): 6.0, ("b", 1, 1): 4.0, ("b", 1, 3): 6.0})
    table = label_rows(rows_of("new"), at_angles(new=0), at_angles(a=10, b=20), labels, KnnLabeler())
    w = table["neighbors"][0].as_py()[0]["weight"]
    mean = 8 * w + 4 * (1 - w)
    spread = math.sqrt(w * (8 - mean) ** 2 + (1 - w) * (4 - mean) ** 2)
    assert table["label"].to_pylist() == pytest.approx([mean, 6.0], abs=1e-6)
    assert table["label_std"].to_pylist() == pytest.approx([spread, 0.0], abs=1e-6)
    assert table["label_source"].to_pylist() == ["pseudo", "pseudo"]
    assert [n["reference_id"] for n in table["neighbors"][0].as_py()] == ["a", "b"]


def test_one_neighbor_has_no_spread(at_angles, labeled):
    labels = labeled({("a", 1, 1): 8.0, ("b", 1, 1): 4.0})
    table = label_rows(rows_of("new", levels=(1,)), at_angles(new=0), at_angles(a=10, b=90), labels, KnnLabeler())
    assert table["label"].to_pylist() == [8.0]
    assert table["label_std"].to_pylist() == [None]


def test_a_pristine_row_takes_the_mean_of_the_identity_cells(at_angles, labeled):
    labels = labeled({("a", 1, 1): 9.0, ("a", 3, 1): 10.0, ("a", 1, 3): 5.0})
    rows = rows_of("new", types=(0, 1), levels=(3,))
    table = label_rows(rows, at_angles(new=0), at_angles(a=10), labels, KnnLabeler())
    assert table["label"].to_pylist() == [9.5, 5.0]


def test_a_missing_label_is_named(at_angles, labeled):
    labels = labeled({("a", 1, 1): 9.0})
    with pytest.raises(CurateError, match="1 labels are needed and not in the label file: 'a_01_03'"):
        label_rows(rows_of("new"), at_angles(new=0), at_angles(a=10), labels, KnnLabeler())


def test_only_labels_of_neighbors_and_of_their_rows_have_to_be_there(at_angles, labeled):
    # b is no neighbor of x, and no row asks for the level that a lacks.
    labels = labeled({("a", 1, 1): 9.0, ("b", 2, 3): 4.0})
    table = label_rows(rows_of("x", levels=(1,)), at_angles(x=0), at_angles(a=10, b=90), labels, KnnLabeler())
    assert table["label"].to_pylist() == [9.0]


def test_labels_match_by_id_so_that_shifted_positions_cannot_be_expressed(at_angles, labeled):
    # The released code takes positions from a list of 74 references and applies them to one of 81. Here a reference
    # that is missing from one side is an error with its name, and the order of either side changes nothing.
    labels = labeled({("a", 1, 1): 1.0, ("b", 1, 1): 2.0, ("c", 1, 1): 3.0})
    with pytest.raises(CurateError, match="no features for 1 labeled references: 'b'"):
        require_same_references(at_angles(a=10, c=50), labels)
    with pytest.raises(CurateError, match=r"3 would match but for upper and lower case.*'a' in the labels and 'A'"):
        require_same_references(at_angles(A=10, B=20, C=50), labels)
    with pytest.raises(CurateError, match="1 references without any label: 'd'"):
        require_same_references(at_angles(a=10, b=20, c=50, d=60), labels)
    for references in (at_angles(a=10, b=20, c=50), at_angles(c=50, b=20, a=10)):
        require_same_references(references, labels)
        nearest = KnnLabeler(NeighborSettings(count=1))
        table = label_rows(rows_of("new", levels=(1,)), at_angles(new=12), references, labels, nearest)
        assert table["label"].to_pylist() == [1.0]


def test_weights_sum_to_one_on_real_features(reference_data):
    from syndr_curate.curate.datasets.feature_files import load_features

    references = load_features(reference_data / "refset" / "train_ref.npz")
    candidates = load_features(reference_data / "refset" / "additional_ref.npz")
    for voices in find_neighbors(candidates.matrix, references, NeighborSettings()):
        assert sum(v.weight for v in voices) == pytest.approx(1.0, abs=1e-12)
        assert np.all(np.diff([v.distance for v in voices]) >= 0)


def test_rows_that_are_not_ok_stay_in_their_place_without_a_label(tmp_path, at_angles, training_table):
    import pyarrow as pa
    from syndr_curate.curate.datasets.feature_files import save_features
    from syndr_curate.curate.datasets.labels import LabelFile
    from syndr_curate.curate.labeling.label_files import run_label
    from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest

    rows = training_table(
        ["x_01_01", "y_01_01", "x_01_03"],
        [0, 0, 0],
        label=pa.nulls(3, pa.float32()),
        label_source=pa.nulls(3, pa.string()),
        reference_id=["x", "y", "x"],
        distortion_id=pa.array([1, 1, 1], pa.int16()),
        level=pa.array([1, 1, 3], pa.int8()),
        status=["ok", "unreadable", "ok"],
        error=[None, "torn", None],
    )
    write_manifest(rows, tmp_path / "rows.parquet")
    for name, angles in (("t", {"a": 0, "b": 80}), ("c", {"x": 10})):
        made = at_angles(**angles)
        save_features(tmp_path / f"{name}.npz", made.ids, made.matrix)
    lines = ["dist_img,ref_img,dmos,var", "a_01_01.png,a.png,5,1", "a_01_03.png,a.png,3,1", "b_01_01.png,b.png,1,1"]
    (tmp_path / "l.csv").write_text("\n".join(lines))
    summary = run_label(
        LabelFile(tmp_path / "l.csv"),
        tmp_path / "t.npz",
        tmp_path / "c.npz",
        tmp_path / "out.parquet",
        manifest=tmp_path / "rows.parquet",
        types=(1,),
        levels=(1, 3),
    )
    table = read_manifest(tmp_path / "out.parquet")
    assert (summary["rows"], summary["rows_not_ok"]) == (3, 1)
    assert table["sample_id"].to_pylist() == ["x_01_01", "y_01_01", "x_01_03"]
    assert table["label"].to_pylist() == [10.0, None, 5.0]
    assert table["error"].to_pylist() == [None, "torn", None]
