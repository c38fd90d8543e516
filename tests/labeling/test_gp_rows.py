import numpy as np
import pyarrow as pa
import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.gp import fit_gp
from syndr_curate.curate.labeling.gp_rows import drop_uncertain, label_rows_by_gp
from syndr_curate.curate.manifest.recipes import RecipeGrid, Reference, recipe_rows

IDS = tuple(f"r{i}" for i in range(6))


@pytest.fixture
def labelled_set(labelled, features):
    rng = np.random.Generator(np.random.PCG64(0))
    matrix = rng.normal(size=(6, 5))
    cells = {(i, t, lv): float(rng.uniform(1, 9)) for i in IDS for t, lv in ((1, 1), (1, 3), (3, 1), (21, 3))}
    return labelled(cells), features(dict(zip(IDS, matrix.tolist(), strict=True))), cells


def rows_of(types, levels=(1, 3)):
    grid = RecipeGrid(
        types=types,
        levels=levels,
        seed=123,
        reference_root="candidates",
        image_root="images",
        suffix=".png",
        dataset="new",
    )
    return recipe_rows([Reference("new", "new.png")], grid)


def test_labels_are_the_models_by_type_and_level(labelled_set):
    labels, references, cells = labelled_set
    new = np.ones((1, 5), np.float32)
    table = label_rows_by_gp(rows_of((1,)), ["new"], new, references, labels)
    conditions = sorted({(t, lv) for _, t, lv in cells})
    cube = np.array([[cells[i, t, lv] for t, lv in conditions] for i in IDS])
    means, spreads = fit_gp(references.matrix, cube).predict(new)
    wanted = [conditions.index((1, 1)), conditions.index((1, 3))]
    assert table["label"].to_pylist() == means[0, wanted].astype(np.float32).tolist()
    assert table["label_std"].to_pylist() == spreads[0, wanted].astype(np.float32).tolist()
    assert set(table["label_source"].to_pylist()) == {"pseudo"}
    assert table["neighbors"].null_count == len(table)


def test_a_pristine_row_takes_the_mean_of_the_identity_cells(labelled_set):
    labels, references, _ = labelled_set
    new = np.ones((1, 5), np.float32)
    by_kind = {
        kind: label_rows_by_gp(rows_of((kind,), (1,)), ["new"], new, references, labels)["label"][0].as_py()
        for kind in (0, 1, 3)
    }
    assert by_kind[0] == pytest.approx((by_kind[1] + by_kind[3]) / 2, abs=1e-6)


def test_a_type_that_nobody_labelled_is_named(labelled_set):
    labels, references, _ = labelled_set
    with pytest.raises(CurateError, match="'new_21_01'"):
        label_rows_by_gp(rows_of((21,)), ["new"], np.ones((1, 5), np.float32), references, labels)


def test_uncertain_rows_are_left_out_and_rows_without_a_spread_stay(training_table):
    table = training_table(["a", "b", "c"], [1, 2, 3], label_std=pa.array([0.5, 1.5, None], pa.float32()))
    assert drop_uncertain(table, 1.0)["sample_id"].to_pylist() == ["a", "c"]
    assert drop_uncertain(table, None) is table
    with pytest.raises(CurateError, match="expected a number above 0"):
        drop_uncertain(table, 0.0)
    with pytest.raises(CurateError, match=r"the smallest is 0\.5"):
        drop_uncertain(table.slice(0, 2), 0.1)
