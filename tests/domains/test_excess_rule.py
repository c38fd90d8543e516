"""The rule that compares a target set with pristine photographs, on scores whose answer is worked out by hand."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from syndr_curate import CurateError
from syndr_curate.curate.domains.excess_rule import select_by_excess
from syndr_curate.curate.domains.pristine_scores import PristineScores
from syndr_curate.curate.domains.selection_rule import CLASSES

MEAN, LIMIT = 1 / 64, 1 / 4  # of every type over pristine photographs; exact in float32


def pristine_everywhere():
    means = np.full(CLASSES, MEAN, np.float32)
    means[0] = 1 - 25 * MEAN
    return PristineScores(means, np.full(CLASSES, LIMIT, np.float32))


def plain(images):
    """Return scores of images that are pristine on average."""
    return np.repeat(pristine_everywhere().means[None].astype(np.float64), images, axis=0)


def showing(images, shown):
    """Return scores of a set in which, for each type of `shown`, the first `count` images have the score given."""
    scores = plain(images)
    for kind, (count, score) in shown.items():
        scores[:count, kind] = score
    return scores


def types_of(scores, **limits):
    return select_by_excess(scores, pristine_everywhere(), **limits).types


def rule_in_plain_words(scores, means, limits, most, excluded):
    """The two conditions, type by type, with sums of binomial terms and without arrays."""
    images = len(scores)
    allowed = [kind for kind in range(1, CLASSES) if kind not in excluded]
    excess = {kind: sum(row[kind] - means[kind] for row in scores) / images for kind in allowed}
    largest = max(excess.values(), default=0)

    def chance_of(count):
        """Return the probability that `count` or more of the images exceed a limit that 1 % exceed."""
        return sum(comb(images, k) * 0.01**k * 0.99 ** (images - k) for k in range(count, images + 1))

    selected = []
    for kind in allowed:
        count = sum(row[kind] > limits[kind] for row in scores)
        often = 100 * count >= 3 * images and chance_of(count) <= 0.01 / 25
        if often and excess[kind] > 0 and excess[kind] >= largest / 4:
            selected.append(kind)
    selected.sort(key=lambda kind: (-excess[kind], kind))
    return tuple(sorted(selected[:most]))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    images=st.integers(1, 60),
    most=st.one_of(st.none(), st.integers(1, 8)),
    excluded=st.sets(st.integers(1, 25), max_size=25),
)
def test_the_rule_is_what_its_two_conditions_say(seed, images, most, excluded):
    rng = np.random.Generator(np.random.PCG64(seed))
    pristine = PristineScores.of_scores(rng.dirichlet(np.full(CLASSES, 0.3), 200))
    # Some types stand out more than others, and some do not.
    scores = rng.dirichlet(np.full(CLASSES, 0.3) + 2.0 * rng.random(CLASSES) ** 8, images)
    found = select_by_excess(scores, pristine, most=most, excluded=excluded)
    means, limits = pristine.means.astype(np.float64).tolist(), pristine.limits.astype(np.float64).tolist()
    assert found.types == rule_in_plain_words(scores.tolist(), means, limits, most, excluded)


def test_a_set_that_scores_as_pristine_photographs_do_selects_nothing():
    found = select_by_excess(plain(50), pristine_everywhere())
    assert found.types == ()
    assert not found.excess.any()
    assert not found.certainty.any()
    assert set(found.shares.values()) == {0.0}
    assert found.top1_shares[0] == 1


def test_what_is_reported_of_a_set_of_one_type():
    found = select_by_excess(showing(50, {7: (20, 0.65)}), pristine_everywhere())
    assert found.types == (7,)
    assert found.images == 50
    assert found.shares[7] == 20 / 50
    assert found.excess[7] == pytest.approx((0.65 - MEAN) * 20 / 50)
    assert found.top1_shares == {kind: {0: 0.6, 7: 0.4}.get(kind, 0.0) for kind in range(CLASSES)}
    assert 0 not in found.shares


@pytest.mark.parametrize(
    ("images", "needed"),
    [
        (2, 2),  # chance gives 2 of 2 in 0.01 % of pristine sets; 0.04 % is the bound
        (3, 2),  # 0.030 %
        (4, 3),  # 2 of 4: 0.059 %; 3: 0.0004 %
        (24, 4),  # 3 of 24: 0.170 %; 4: 0.009 %
        (100, 7),  # 6 of 100: 0.053 %; 7: 0.007 %
        (2000, 60),  # 3 %; chance explains fewer
        (2001, 61),
    ],
)
def test_a_type_is_selected_from_as_many_images_as_neither_chance_nor_three_percent_explain(images, needed):
    assert types_of(showing(images, {7: (needed, 0.9)})) == (7,)
    assert types_of(showing(images, {7: (needed - 1, 0.9)})) == ()


def test_a_score_at_the_limit_does_not_show_the_type():
    assert types_of(showing(50, {7: (20, LIMIT)})) == ()
    assert types_of(showing(50, {7: (20, np.nextafter(LIMIT, 1))})) == (7,)


def test_a_type_must_be_above_pristine_photographs_on_average_too():
    scores = showing(50, {7: (10, 0.3)})
    scores[10:, 7] = 0.0  # a mean of 0.06
    pristine = pristine_everywhere()
    pristine.means[7] = 1 / 32
    assert select_by_excess(scores, pristine).types == (7,)
    pristine.means[7] = 1 / 16
    assert select_by_excess(scores, pristine).types == ()


def test_a_type_needs_a_quarter_of_the_largest_excess():
    # Excess of 9: 40 of 50 images by 0.5; of 3: 20 of 50 images by 0.25 (a quarter), then by a little less.
    excess = {9: (40, MEAN + 0.5)}
    assert types_of(showing(50, {**excess, 3: (20, MEAN + 0.25)})) == (3, 9)
    assert types_of(showing(50, {**excess, 3: (20, MEAN + 0.2499)})) == (9,)


def test_class_0_is_neither_selected_nor_does_it_set_the_quarter():
    pristine = pristine_everywhere()
    pristine.means[0] = 0.0
    found = select_by_excess(showing(50, {7: (10, 0.3)}), pristine)
    assert found.types == (7,)
    assert found.excess[0] > 0.5


THREE = {9: (40, 0.8), 3: (40, 0.7), 5: (40, 0.6)}


@pytest.mark.parametrize(("most", "types"), [(None, (3, 5, 9)), (3, (3, 5, 9)), (2, (3, 9)), (1, (9,))])
def test_of_too_many_types_those_with_the_largest_excess_are_taken(most, types):
    assert types_of(showing(50, THREE), most=most) == types


def test_of_equal_excess_the_smaller_type_is_taken():
    assert types_of(showing(50, {9: (40, 0.5), 3: (40, 0.5)}), most=1) == (3,)


def test_an_excluded_type_is_left_out_and_gives_its_place_to_another():
    scores = showing(50, THREE)
    assert types_of(scores, excluded=(9,)) == (3, 5)
    assert types_of(scores, excluded=(9,), most=2) == (3, 5)
    assert types_of(scores, excluded=range(1, 26)) == ()


def test_an_excluded_type_does_not_set_the_quarter_but_its_shares_are_reported():
    scores = showing(50, {9: (40, 0.8), 3: (10, 0.5)})  # excess 0.63 and 0.10
    assert types_of(scores) == (9,)
    found = select_by_excess(scores, pristine_everywhere(), excluded=[9])
    assert found.types == (3,)
    assert found.shares[9] == 0.8
    assert found.certainty[9] == 0


def test_one_image_is_too_few_for_any_type():
    """One in a hundred pristine photographs would show the type as well, of each of 25 types."""
    found = select_by_excess(showing(1, {9: (1, 0.99)}), pristine_everywhere())
    assert found.types == ()
    assert found.shares[9] == 1
    assert not found.certainty.any()


def test_certainty_separates_a_clear_type_from_one_at_the_bound():
    found = select_by_excess(showing(100, {9: (50, 0.8), 3: (8, 0.9), 5: (2, 0.9)}), pristine_everywhere(), most=6)
    assert found.types == (9,)  # 3 is shown by enough images, and has 0.18 of the largest excess
    assert found.certainty[9] == 1
    assert 0 < found.certainty[3] < 0.5
    assert found.certainty[0] == found.certainty[5] == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_the_order_of_the_images_does_not_matter_not_even_to_certainty(seed, images):
    rng = np.random.Generator(np.random.PCG64(seed))
    pristine = PristineScores.of_scores(rng.dirichlet(np.full(CLASSES, 0.3), 200))
    scores = rng.dirichlet(np.full(CLASSES, 0.3) + rng.random(CLASSES) ** 8, images)
    # Repeated rows are ties of the order.
    scores = scores[rng.integers(images, size=images)]
    found, again = (select_by_excess(each, pristine) for each in (scores, scores[rng.permutation(images)]))
    assert found.types == again.types
    assert (found.certainty == again.certainty).all()
    assert (found.shown_counts == again.shown_counts).all()
    assert_allclose(found.excess, again.excess, rtol=0, atol=0)
    assert (found.certainty == select_by_excess(scores, pristine).certainty).all()
    assert ((found.certainty >= 0) & (found.certainty <= 1)).all()


@pytest.mark.parametrize(
    ("scores", "most", "message"),
    [
        (np.zeros((0, CLASSES)), 6, "no image"),
        (np.zeros((2, 25)), 6, r"shape \(2, 25\), expected \(images, 26\)"),
        (np.full((1, CLASSES), np.nan), 6, "not finite"),
        (np.full((1, CLASSES), 1 / CLASSES), 0, "--max-types 0: expected 1 or more"),
    ],
)
def test_what_cannot_be_selected_from_is_refused(scores, most, message):
    with pytest.raises(CurateError, match=message):
        select_by_excess(scores, pristine_everywhere(), most=most)
