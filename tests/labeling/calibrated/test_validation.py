"""How far a map misses, and how sure its labels are, on numbers that can be checked by hand."""

import numpy as np
import pytest
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.calibrated.measures import MDSI, MEASURES
from syndr_curate.curate.labeling.calibrated.model import QualityMap, mdsi_quality
from syndr_curate.curate.labeling.calibrated.spread import BINS, Spread
from syndr_curate.curate.labeling.calibrated.validation import FitRows, validate_map


def made_rows(types=6, references=20, *, offset=0.0):
    """Labels that MDSI's mapping tells, but for an offset per type."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(1, types + 1), references)
    measures = rng.random((len(kinds), len(MEASURES)))
    measures[:, MDSI] = rng.uniform(0.15, 0.4, len(kinds))
    measures[:, 0] = kinds
    labels = np.clip(mdsi_quality(measures) + offset * np.where(kinds % 2, 1, -1), 0, 10)
    names = [f"r{number}" for number in range(references)] * types
    return FitRows(measures, labels, names, kinds.tolist(), ["blur" if kind < 3 else "noise" for kind in kinds])


def test_where_mdsi_is_right_nothing_is_corrected():
    errors, spread = validate_map(made_rows())
    assert errors.mdsi == errors.references == errors.types == errors.families == 0
    assert spread.widths == (0,) * BINS


def test_an_offset_per_type_is_learned_for_unseen_references_and_not_for_unseen_types():
    errors, _ = validate_map(made_rows(references=40, offset=1.0))
    assert errors.mdsi == pytest.approx(1, abs=0.05)
    assert errors.references < 0.1
    assert errors.types > 0.5
    assert set(errors.types_by_family) == {"blur", "noise"}
    assert errors.mdsi_by_family["blur"] == pytest.approx(1, abs=0.1)


def test_a_single_family_has_no_other_to_be_learned_from():
    rows = made_rows(offset=1.0)
    alone = FitRows(rows.measures, rows.labels, rows.references, rows.types, ["blur"] * len(rows.labels))
    errors, _ = validate_map(alone)
    assert errors.families is None
    assert any("unseen families of types: -" in line for line in errors.as_lines())


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (made_rows(types=2, references=40), "at least 3 types of single distortions; there are 2"),
        (made_rows(types=59, references=1), "at least 60 labeled rows of single distortions; there are 59"),
        (made_rows(types=60, references=1), "at least 2 references of single distortions; there are 1"),
    ],
)
def test_too_little_to_learn_from_is_refused(rows, message):
    with pytest.raises(CurateError, match=message):
        validate_map(rows)


def test_labels_stay_on_their_scale():
    measures = made_rows().measures
    found = QualityMap(measures, np.full(len(measures), 10.0)).predict(measures)
    assert found.max() <= 10


def test_a_prediction_does_not_depend_on_its_company():
    rows = made_rows(offset=1.0)
    quality = QualityMap(rows.measures, rows.labels)
    together = quality.predict(rows.measures)
    assert np.array_equal(together[7:8], quality.predict(rows.measures[7:8]))


def test_the_spread_is_the_error_that_two_thirds_keep_to_in_each_fifth_of_the_labels():
    predicted = np.repeat([1.0, 3.0, 5.0, 7.0, 9.0], 101)
    errors = np.tile(np.linspace(0, 1, 101), 5) * np.repeat([1, 2, 3, 2, 1], 101)
    spread = Spread.of(predicted, errors)
    assert spread.at(np.array([0.0, 3.0, 5.0, 7.0, 10.0])) == pytest.approx([0.6827 * k for k in (1, 2, 3, 2, 1)])


def test_a_fifth_without_labels_has_the_spread_of_all():
    spread = Spread.of(np.full(100, 4.0), np.linspace(0, 1, 100))
    assert spread.widths == pytest.approx([0.6827] * BINS)
