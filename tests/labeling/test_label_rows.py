import numpy as np
import pyarrow as pa
import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.gaussian_process.gp import fit_gp
from syndr_curate.curate.labeling.knn import KnnLabeler
from syndr_curate.curate.labeling.label_rows import drop_uncertain, features_of_references, label_rows
from syndr_curate.curate.labeling.model_labelers import ConditionLabeler, GpLabeler

from ..making import recipe_table

IDS = tuple(f"r{i}" for i in range(6))


@pytest.fixture
def labeled_set(labeled, features):
    rng = np.random.Generator(np.random.PCG64(0))
    matrix = rng.normal(size=(6, 5))
    cells = {(i, t, lv): float(rng.uniform(1, 9)) for i in IDS for t, lv in ((1, 1), (1, 3), (3, 1), (21, 3))}
    return labeled(cells), features(dict(zip(IDS, matrix.tolist(), strict=True))), cells


@pytest.fixture
def new(features):
    return features({"new": [1, 1, 1, 1, 1]})


def rows_of(types, levels=(1, 3)):
    return recipe_table(["new"], types=types, levels=levels, references="candidates", dataset="new")


def test_gp_labels_are_the_models_by_type_and_level(labeled_set, new):
    labels, references, cells = labeled_set
    table = label_rows(rows_of((1,)), new, references, labels, GpLabeler())
    conditions = sorted({(t, lv) for _, t, lv in cells})
    quality = np.array([[cells[i, t, lv] for t, lv in conditions] for i in IDS])
    means, spreads = fit_gp(references.matrix, quality).predict(new.matrix)
    wanted = [conditions.index((1, 1)), conditions.index((1, 3))]
    assert table["label"].to_pylist() == means[0, wanted].astype(np.float32).tolist()
    assert table["label_std"].to_pylist() == spreads[0, wanted].astype(np.float32).tolist()
    assert set(table["label_source"].to_pylist()) == {"pseudo"}
    assert table["neighbors"].null_count == len(table)


@pytest.mark.parametrize("labeler", [GpLabeler(), ConditionLabeler()], ids=lambda each: each.name)
def test_a_pristine_row_takes_the_mean_of_the_identity_cells(labeled_set, new, labeler):
    labels, references, _ = labeled_set
    by_kind = {
        kind: label_rows(rows_of((kind,), (1,)), new, references, labels, labeler)["label"][0].as_py()
        for kind in (0, 1, 3)
    }
    assert by_kind[0] == pytest.approx((by_kind[1] + by_kind[3]) / 2, abs=1e-6)


def test_a_type_without_labels_is_named(labeled_set, new):
    labels, references, _ = labeled_set
    with pytest.raises(CurateError, match="no labeled image has the type and level of 1 rows: 'new_21_01'"):
        label_rows(rows_of((21,)), new, references, labels, GpLabeler())


def test_a_gap_in_the_labeled_set_stops_gp_and_not_knn(labeled, features, new):
    content = {i: np.eye(5)[row % 5] + row for row, i in enumerate(IDS)}
    gap = {(i, t, 1): 5.0 for i in IDS for t in (1, 2) if (i, t) != ("r0", 2)}
    table = label_rows(rows_of((1,), (1,)), new, features(content), labeled(gap), KnnLabeler())
    assert table["label"].to_pylist() == [5.0]
    with pytest.raises(CurateError, match="1 labels are missing: 'r0_02_01'"):
        label_rows(rows_of((1,), (1,)), new, features(content), labeled(gap), GpLabeler())


def test_rows_labeled_again_by_gp_keep_no_earlier_neighbors(labeled_set, new):
    labels, references, _ = labeled_set
    before = label_rows(rows_of((1,)), new, references, labels, KnnLabeler())
    assert before["neighbors"].null_count == 0
    after = label_rows(before, new, references, labels, GpLabeler())
    assert after["neighbors"].null_count == len(after)


def test_features_come_in_the_order_asked_for_and_missing_ones_are_named(at_angles):
    features = at_angles(a=0, b=90)
    turned = features_of_references(features, ["b", "a"])
    assert turned.ids == ("b", "a")
    assert turned.matrix.tolist() == features.matrix[::-1].tolist()
    with pytest.raises(CurateError, match="the features has no features for 1 references: 'c'"):
        features_of_references(features, ["a", "c"])
    with pytest.raises(
        CurateError, match=r"'a\.png'; 1 would match but for the image suffix, e\.g\. 'a\.png' in the rows"
    ):
        features_of_references(features, ["a.png"])


def test_uncertain_rows_are_left_out_and_rows_without_a_spread_stay(training_table):
    table = training_table(["a", "b", "c"], [1, 2, 3], label_std=pa.array([0.5, 1.5, None], pa.float32()))
    assert drop_uncertain(table, 1.0)["sample_id"].to_pylist() == ["a", "c"]
    assert drop_uncertain(table, None) is table
    with pytest.raises(CurateError, match=r"the smallest is 0\.5"):
        drop_uncertain(table.slice(0, 2), 0.1)


def test_a_chain_that_names_its_first_steps_type_gets_no_label_of_that_type(labeled_set, new):
    labels, references, _ = labeled_set
    rows = rows_of((1,))
    steps = [{"distortion_id": 1, "level": 1.0, "seed": 1}, {"distortion_id": 3, "level": 1.0, "seed": 2}]
    place = rows.schema.get_field_index("chain")
    filled = rows.set_column(
        place, rows.schema.field("chain"), pa.array([steps, None], rows.schema.field("chain").type)
    )
    with pytest.raises(
        CurateError, match=r"1 rows are chains of distortions, .* --labeler calibrated, .*: 'new_01_01'"
    ):
        label_rows(filled, new, references, labels, KnnLabeler())


def test_rows_without_type_or_level_are_refused_by_their_ids(labeled_set, new):
    labels, references, _ = labeled_set
    rows = rows_of((1,))
    bare = rows.set_column(
        rows.schema.get_field_index("level"), rows.schema.field("level"), pa.array([None, 3], pa.int8())
    )
    with pytest.raises(CurateError, match="1 rows name no distortion or level, which a label needs: 'new_01_01'"):
        label_rows(bare, new, references, labels, KnnLabeler())


def test_references_without_an_id_are_refused(new):
    with pytest.raises(CurateError, match="1 of 2 references have no reference_id"):
        features_of_references(new, ["new", None])
