import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.labeling.gaussian_process.gp import Directions, fit_gp, from_odds, to_odds
from syndr_curate.curate.labeling.gaussian_process.kernels import content_kernels, unit_rows


def random_set(seed: int, references: int = 12, conditions: int = 5, width: int = 7):
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.normal(size=(references, width)), rng.uniform(0, 10, (references, conditions))


def on_an_arc(count: int):
    """References along a quarter circle; the label falls from 8 to 2 along it, alike for two conditions."""
    angles = np.linspace(0, np.pi / 2, count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1), np.stack([8 - 6 * angles / (np.pi / 2)] * 2, axis=1)


def test_odds_of_the_middle_are_zero_and_both_ends_are_finite():
    # With a margin of 1: log(6 / 6) = 0, log(1 / 11), log(11 / 1).
    assert to_odds(np.array([5.0, 0.0, 10.0]), 1.0) == pytest.approx([0.0, -np.log(11), np.log(11)])


def test_labels_come_back_from_their_odds():
    labels = np.linspace(0, 10, 21)
    assert from_odds(to_odds(labels, 1.0), 1.0) == pytest.approx(labels)


def test_odds_beyond_the_ends_are_clipped_to_the_scale():
    assert from_odds(np.array([-50.0, 50.0]), 1.0).tolist() == [0.0, 10.0]


def test_labels_that_follow_the_content_are_followed():
    features, labels = on_an_arc(12)
    model = fit_gp(features, labels)
    predicted, _ = model.predict(features[[2, 9]])
    assert predicted == pytest.approx(labels[[2, 9]], abs=0.5)  # the mean of all is 5: off by 2 and more


def test_content_without_differences_gives_the_mean():
    # Labels 2 and 8 lie symmetrically about 5, on the odds scale as well.
    predicted, spread = fit_gp(np.ones((6, 3)), np.array([[2.0], [8.0]] * 3)).predict(np.ones((1, 3)))
    assert predicted[0, 0] == pytest.approx(5.0)
    assert spread[0, 0] > 2


def test_labels_without_differences_are_predicted_without_doubt():
    features, _ = random_set(0)
    predicted, spread = fit_gp(features, np.full((12, 2), 7.0)).predict(features[:1])
    assert predicted == pytest.approx(np.full((1, 2), 7.0))
    assert spread == pytest.approx(np.zeros((1, 2)))


def test_the_spread_is_never_below_the_noise_of_the_raters():
    features, _ = random_set(0)
    noise = np.column_stack([np.full(12, 0.3), np.full(12, np.nan)])
    _, spread = fit_gp(features, np.full((12, 2), 5.0), noise).predict(features[:1])
    assert spread == pytest.approx(np.array([[0.3, 0.0]]), abs=1e-3)  # the second: nothing is known


def test_only_the_direction_of_features_matters():
    features, labels = random_set(1)
    lengths = np.linspace(1, 9, 12)[:, None]
    predicted, spread = fit_gp(features, labels).predict(features[:3])
    again, spread_again = fit_gp(features * lengths, labels).predict(features[:3] * 4)
    assert again == pytest.approx(predicted, abs=1e-9)
    assert spread_again == pytest.approx(spread, abs=1e-9)


def test_the_order_of_conditions_does_not_matter():
    features, labels = random_set(2)
    order = [3, 0, 4, 1, 2]
    predicted, spread = fit_gp(features, labels).predict(features[:3])
    again, spread_again = fit_gp(features, labels[:, order]).predict(features[:3])
    assert again == pytest.approx(predicted[:, order], abs=1e-9)
    assert spread_again == pytest.approx(spread[:, order], abs=1e-9)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000))
def test_labels_stay_on_the_scale_and_do_not_depend_on_company(seed):
    features, labels = random_set(seed)
    model = fit_gp(features, labels)
    new, _ = random_set(seed + 1)
    together = model.predict(new)
    alone = [model.predict(new[row : row + 1]) for row in range(len(new))]
    for part in (0, 1):
        assert together[part].tobytes() == np.concatenate([one[part] for one in alone]).tobytes()
    assert ((together[0] >= 0) & (together[0] <= 10) & (together[1] >= 0)).all()


def test_far_from_all_content_a_label_is_less_sure():
    features, labels = on_an_arc(12)
    rng = np.random.Generator(np.random.PCG64(0))
    model = fit_gp(features, labels + rng.normal(0, 0.3, labels.shape))
    _, spread = model.predict(np.array([[1.0, 1.0], [-1.0, -1.0]]))
    assert (spread[1] > spread[0]).all()


def test_directions_hold_all_of_the_residuals():
    _, labels = random_set(3)
    directions = Directions.of(labels)
    assert directions.mean + directions.scores @ directions.axes == pytest.approx(labels)
    assert len(directions.strengths) == 5


def test_a_feature_counts_by_what_it_explains():
    # The first of two features runs with the residuals, the second is orthogonal to them.
    units = np.array([[0.1, 0.1], [0.1, -0.1], [-0.1, 0.1], [-0.1, -0.1]])
    scores = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    (alike,) = content_kernels(units, scores, 0.0, (None,))
    (weighted,) = content_kernels(units, scores, 1.0, (None,))
    assert alike.weights == pytest.approx([50.0, 50.0])  # mean squared length 1
    assert weighted.weights == pytest.approx([100.0, 0.0])


@pytest.mark.parametrize("length", [None, 2.0])
def test_training_rows_meet_themselves_in_the_kernel(length):
    features, labels = random_set(4)
    units = unit_rows(features)
    (kernel,) = content_kernels(units, Directions.of(labels).scores, 1.0, (length,))
    cross, own = kernel.cross(units)
    assert cross == pytest.approx((kernel.vectors * kernel.values) @ kernel.vectors.T, abs=1e-9)
    assert own == pytest.approx(np.diagonal(cross), abs=1e-9)
    assert own.mean() == pytest.approx(1.0)


def test_a_missing_label_is_counted():
    features, labels = random_set(5)
    labels[3, 1] = np.nan
    with pytest.raises(CurateError, match="a label for every reference and condition; 1 are missing"):
        fit_gp(features, labels)


def test_three_references_are_too_few():
    features, labels = random_set(6, references=3)
    with pytest.raises(CurateError, match="at least 4 labeled references; 3 given"):
        fit_gp(features, labels)


def test_features_of_another_width_are_refused():
    features, labels = random_set(7)
    with pytest.raises(CurateError, match=r"shape \(2, 3\) given to a labeler of 7 numbers"):
        fit_gp(features, labels).predict(np.ones((2, 3)))


def test_matrices_of_unlike_length_are_refused():
    features, labels = random_set(8)
    with pytest.raises(CurateError, match="11 references have features and 12 have labels"):
        fit_gp(features[1:], labels)
    with pytest.raises(CurateError, match="rater noise of shape"):
        fit_gp(features, labels, labels[1:])
