"""Correlations and the logistic: against scipy, against pyiqa, and by hand."""

import time
import warnings

import numpy as np
import pytest
from scipy import stats
from syndr_curate.curate.evaluation.agreement import Agreement, agreement_of
from syndr_curate.curate.labeling.correlation.logistic import LogisticCurve, fit_logistic

SHAPES = {
    "straight": lambda z: z,
    "saturating": np.tanh,
    "steep": lambda z: 1 / (1 + np.exp(-4 * z)),
    "to one side": lambda z: 1 / (1 + np.exp(-2 * z + 1)),
}


def case(seed, shapes=tuple(SHAPES)):
    """Labels on [0, 10] and scores on a scale of their own; the shape of their relation changes from case to case."""
    rng = np.random.default_rng(seed)
    standard = rng.normal(size=int(rng.integers(60, 600)))
    shape = SHAPES[shapes[seed % len(shapes)]](standard)
    labels = shape + rng.normal(size=len(shape)) * shape.std() * rng.uniform(0.1, 0.5)
    labels = 10 * (labels - labels.min()) / np.ptp(labels)
    return labels, standard * rng.uniform(0.1, 50) + rng.uniform(-5, 5)


@pytest.mark.parametrize("seed", range(8))
def test_the_correlations_are_scipys(seed):
    labels, scores = case(seed)
    scores = np.round(scores, 1)  # with ties
    found = agreement_of(labels, scores)
    assert found.rows == len(labels)
    assert found.srcc == pytest.approx(stats.spearmanr(scores, labels).statistic, abs=1e-12)
    assert found.krcc == pytest.approx(stats.kendalltau(scores, labels).statistic, abs=1e-12)
    assert found.plcc == pytest.approx(stats.pearsonr(scores, labels).statistic, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_plcc_and_rmse_after_the_logistic_are_pyiqas(seed):
    pyiqa = pytest.importorskip("pyiqa.metrics.correlation_coefficient")
    # On straight relations pyiqa's fit often gives up after its thousand steps.
    labels, scores = case(seed, [name for name in SHAPES if name != "straight"])
    found = agreement_of(labels, scores)
    assert found.plcc > 0.8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy cannot estimate the covariance of a nearly straight curve
        theirs = {
            "plcc": pyiqa.calculate_plcc(scores, labels, "logistic_4params"),
            "rmse": pyiqa.calculate_rmse(scores, labels, "logistic_4params"),
        }
    assert found.plcc_logistic == pytest.approx(theirs["plcc"], abs=1e-3)
    assert found.rmse_logistic == pytest.approx(theirs["rmse"], abs=1e-3)
    assert found.srcc == pytest.approx(pyiqa.calculate_srcc(scores, labels), abs=1e-12)
    assert found.krcc == pytest.approx(pyiqa.calculate_krcc(scores, labels), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_the_logistic_is_the_one_that_scipy_finds_from_the_usual_start(seed):
    """The equation and starting point of VQEG and pyiqa, written out."""
    labels, scores = case(seed)

    def logistic(x, upper, lower, middle, width):
        return (upper - lower) / (1 + np.exp(-(x - middle) / width)) + lower

    from scipy.optimize import curve_fit

    start = [labels.max(), labels.min(), scores.mean(), scores.std() / 4]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parameters, _ = curve_fit(logistic, scores, labels, p0=start, maxfev=20_000)
    fitted = logistic(scores, *parameters)
    found = agreement_of(labels, scores)
    assert found.plcc_logistic == pytest.approx(stats.pearsonr(fitted, labels).statistic, abs=1e-3)
    assert found.rmse_logistic == pytest.approx(np.sqrt(((fitted - labels) ** 2).mean()), abs=1e-3)


def test_a_curve_is_found_again():
    curve = LogisticCurve(upper=9.0, lower=1.0, middle=40.0, slope=0.1)
    scores = np.linspace(0, 100, 50)
    found = fit_logistic(scores, curve(scores))
    assert [found.upper, found.lower, found.middle, found.slope] == pytest.approx([9, 1, 40, 0.1], rel=1e-6)
    # From a start nearby it is the same.
    near = fit_logistic(scores, curve(scores), near=LogisticCurve(8.0, 2.0, 45.0, 0.2))
    assert near(scores) == pytest.approx(curve(scores), abs=1e-6)


def test_scores_that_run_the_other_way_have_negative_ranks_and_the_same_fit():
    labels, scores = case(1)
    right, wrong = agreement_of(labels, scores), agreement_of(labels, -scores)
    assert (wrong.srcc, wrong.krcc, wrong.plcc) == pytest.approx((-right.srcc, -right.krcc, -right.plcc))
    assert wrong.plcc_logistic == pytest.approx(right.plcc_logistic, abs=1e-6)
    assert wrong.rmse_logistic == pytest.approx(right.rmse_logistic, abs=1e-6)


def test_neither_shift_nor_scale_of_the_scores_matters():
    labels, scores = case(2)
    first, second = agreement_of(labels, scores), agreement_of(labels, 1e6 + 1e-3 * scores)
    assert [second.of(m) for m in ("srcc", "plcc", "plcc_logistic", "rmse_logistic")] == pytest.approx(
        [first.of(m) for m in ("srcc", "plcc", "plcc_logistic", "rmse_logistic")], abs=1e-5
    )


@pytest.mark.parametrize(
    ("labels", "scores"), [([], []), ([1.0], [2.0]), ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]), ([1.0, 2.0], [5.0, 5.0])]
)
def test_an_undefined_number_is_none(labels, scores):
    found = agreement_of(np.array(labels), np.array(scores))
    assert found == Agreement(len(labels), None, None, None, None, None)


def test_four_rows_have_no_curve_since_it_would_pass_through_all_of_them():
    found = agreement_of(np.array([1.0, 2.0, 4.0, 3.0]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert (found.srcc, found.plcc_logistic, found.rmse_logistic) == (pytest.approx(0.8), None, None)


def test_extreme_scores_overflow_nothing():
    labels = np.linspace(0, 10, 50)
    scores = np.where(labels > 5, 1e150, -1e150) + labels
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = agreement_of(labels, scores)
    assert found.plcc_logistic == pytest.approx(found.plcc, abs=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_100_000_rows_take_less_than_five_seconds(shape):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=100_000)
    labels = SHAPES[shape](scores)
    labels = labels + rng.normal(size=100_000) * labels.std() * 0.4
    started = time.process_time()
    assert agreement_of(labels, scores).srcc > 0.8
    assert time.process_time() - started < 5
