"""Regression and scores of the benchmark on real photographs, against plain solutions."""

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.labeling.correlation.coefficients import rank_correlation

from benchmarks.real_photos.evidence import BEGIN, END, write_section
from benchmarks.real_photos.heads import HeadSet, train_head
from benchmarks.real_photos.results import _verdict
from benchmarks.real_photos.ridge import FeatureSums, LabelSums, fit_ridge
from benchmarks.real_photos.scores import rank_correlations
from benchmarks.real_photos.supervised import ceiling, from_other_set


def plain_ridge(features, labels, weights, penalty):
    """Solve the normal equations of repeated rows, standardized by these rows."""
    rows = np.repeat(np.arange(len(labels)), weights)
    x, y = features[rows], labels[rows]
    mean, spread = x.mean(0), x.std(0)
    spread[spread == 0] = 1
    z = (x - mean) / spread
    weights = np.linalg.solve(z.T @ z + penalty * len(y) * np.eye(z.shape[1]), z.T @ (y - y.mean()))
    return lambda new: y.mean() + (new - mean) / spread @ weights


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    features = rng.normal(3, 2, (60, 8))
    features[:, 5] = 1.5  # says nothing
    return features, features @ rng.normal(size=8) + rng.normal(size=60), rng.normal(3, 2, (7, 8))


def test_sums_of_blocks_give_the_plain_solution_with_weights_that_repeat_rows(data):
    features, labels, new = data
    weights = np.random.default_rng(1).integers(0, 4, 60)
    parts = [slice(0, 13), slice(13, 40), slice(40, 60)]
    x = [FeatureSums.of(features[part], weights[part].astype(float)) for part in parts]
    y = [LabelSums.of(features[part], labels[part], weights[part].astype(float)) for part in parts]
    models = fit_ridge(x[0] + x[1] + x[2], y[0] + y[1] + y[2], (0.1, 3.0))
    for model, penalty in zip(models, (0.1, 3.0), strict=True):
        assert model.predict(new) == pytest.approx(plain_ridge(features, labels, weights, penalty)(new), rel=1e-9)


def test_a_feature_that_is_constant_in_training_has_no_say(data):
    features, labels, new = data
    ones = np.ones(60)
    (model,) = fit_ridge(FeatureSums.of(features, ones), LabelSums.of(features, labels, ones), (0.1,))
    moved = new.copy()
    moved[:, 5] += 100
    assert np.array_equal(model.predict(moved), model.predict(new))


def test_rank_correlations_are_those_of_each_row_and_zero_for_a_constant():
    truth = np.array([1.0, 2, 2, 4, 5])
    rows = np.array([[1.0, 3, 2, 4, 5], [5, 4, 3, 2, 1], [1, 1, 1, 1, 1]])
    expected = [rank_correlation(truth, rows[0]), rank_correlation(truth, rows[1]), 0]
    assert rank_correlations(truth, rows) == pytest.approx(expected)


def test_real_scores_are_predicted_where_features_tell_them_and_not_where_they_do_not():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(100, 6))
    scores = features @ np.array([1.0, -2, 0.5, 0, 0, 0])
    assert rank_correlation(scores, ceiling(features, scores)) > 0.95
    assert abs(rank_correlation(scores, ceiling(rng.normal(size=(100, 6)), scores))) < 0.5
    assert rank_correlation(scores, from_other_set(features, scores, features)) > 0.95


def test_a_head_asked_after_few_steps_is_the_head_that_is_trained_no_longer():
    rng = np.random.default_rng(4)
    features = rng.normal(size=(40, 5)).astype(np.float32)
    data = HeadSet(features, features[:, 0] * 2 + 5, rng.normal(size=(30, 5)).astype(np.float32))
    every = np.arange(40)
    short, long = (train_head(data, steps, 1, lambda *_: every) for steps in ((5,), (5, 300)))
    assert np.array_equal(short[0], long[0])
    assert np.corrcoef(long[1], data.target[:, 0])[0, 1] > 0.9


def line(low_a, low_b, positive):
    halves = {part: {"mean": low + 0.1, "low": low, "high": low + 0.2} for part, low in (("a", low_a), ("b", low_b))}
    return {"difference": halves, "by_references": {"positive": positive, "of": 10}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (line(0.01, 0.01, 9), "better"),
        (line(0.01, 0.01, 8), ""),  # references disagree
        (line(0.01, -0.01, 10), ""),  # one half may be zero
        (line(-0.3, -0.3, 1), "worse"),
        (line(-0.3, -0.1, 0), ""),
    ],
)
def test_better_and_worse_need_both_halves_and_nine_of_ten_resamples(given, expected):
    assert _verdict(given) == expected


def test_a_section_is_written_between_its_markers_and_nothing_else_changes(tmp_path):
    path = tmp_path / "evidence.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_section(path, "new")
    assert path.read_text() == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    path.write_text(f"{END}\n{BEGIN}\n")
    with pytest.raises(CurateError, match="once each and in this order"):
        write_section(path, "new")
