"""The counting rule of DGQA, on score tables whose answer is counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate import CurateError
from syndr_curate.curate.domains.selection_rule import CLASSES, select_types


def table(*rankings):
    """Build scores that rank the named classes first, in this order; all others tie far below."""
    scores = np.zeros((len(rankings), CLASSES))
    for row, ranking in enumerate(rankings):
        for place, kind in enumerate(ranking):
            scores[row, kind] = 1 - place / 10
    return scores


def test_the_four_best_of_every_image_are_counted_and_the_best_alone_beside_them():
    found = select_types(table((3, 0, 9, 1), (3, 9, 21, 23), (0, 3, 9, 25)))
    assert [int(c) for c in found.counts[[0, 1, 3, 9, 21, 23, 25]]] == [2, 1, 3, 3, 1, 1, 1]
    assert found.counts.sum() == 12
    assert [int(c) for c in found.top1_counts[[0, 3]]] == [1, 2]
    # N = 3: a share is count / 9; one image in three gives 0.111, well above 0.04.
    assert found.types == (1, 3, 9, 21, 23, 25)
    assert found.shares[3] == pytest.approx(3 / 9)
    assert found.top1_shares[0] == pytest.approx(1 / 3)


def test_class_0_is_counted_and_never_selected():
    found = select_types(table(*[(0, 1, 2, 3)] * 5))
    assert found.counts[0] == 5
    assert found.types == (1, 2, 3)
    assert 0 not in found.shares
    assert found.top1_shares[0] == 1


@pytest.mark.parametrize(
    ("count", "images", "selected"),
    [
        (21, 200, True),  # 21 / 600 = 0.035 exactly, which rounds up to 0.04
        (20, 200, False),  # 0.0333 rounds to 0.03
        (11, 100, True),  # 0.0367 -> 0.04
        (10, 100, False),  # 0.0333 -> 0.03
        (2, 19, True),  # 2 / 57 = 0.0351 -> 0.04
        (2, 20, False),  # 2 / 60 = 0.0333 -> 0.03
        (12, 100, True),  # 0.04
        (105, 1000, True),  # 0.035 exactly
        (104, 1000, False),  # 0.03467 -> 0.03
    ],
)
def test_a_type_is_selected_from_a_share_that_rounds_to_four_hundredths(count, images, selected):
    rankings = [(7, 1, 2, 3)] * count + [(4, 1, 2, 3)] * (images - count)
    assert (7 in select_types(table(*rankings)).types) is selected


def test_of_equal_scores_the_smaller_class_comes_first():
    found = select_types(np.full((1, CLASSES), 1 / CLASSES))
    assert np.flatnonzero(found.counts).tolist() == [0, 1, 2, 3]
    assert np.flatnonzero(found.top1_counts).tolist() == [0]
    # 5 and 8 tie for the fourth place: 5 gets it.
    tied = table((20, 21, 22))
    tied[0, [5, 8]] = 0.3
    assert np.flatnonzero(select_types(tied).counts).tolist() == [5, 20, 21, 22]


def rule_as_published(scores):
    """The definition, with decimal rounding and without the integers of the implementation."""
    from decimal import ROUND_HALF_UP, Decimal

    counts = [0] * CLASSES
    for row in scores.tolist():
        for kind in sorted(range(CLASSES), key=lambda k: (-row[k], k))[:4]:
            counts[kind] += 1
    shares = [Decimal(count) / Decimal(3 * len(scores)) for count in counts]
    return tuple(k for k in range(1, CLASSES) if shares[k].quantize(Decimal("0.01"), ROUND_HALF_UP) >= Decimal("0.04"))


@given(st.integers(0, 2**32), st.integers(1, 120), st.integers(2, 40))
def test_the_integers_are_the_published_rule(seed, images, values):
    # Few values make many ties.
    scores = np.random.Generator(np.random.PCG64(seed)).integers(0, values, (images, CLASSES)) / values
    found = select_types(scores)
    assert found.types == rule_as_published(scores)
    assert found.counts.sum() == 4 * images
    assert found.top1_counts.sum() == images
    assert found.types  # the rule always selects something


def sure_of(kind, runners_up=(6, 8, 18), images=400):
    """A classifier that is sure of one type, and whose runners-up are always the same."""
    rng = np.random.Generator(np.random.PCG64(kind))
    scores = rng.uniform(1e-6, 1e-4, (images, CLASSES))
    scores[:, list(runners_up)] += 2e-3
    scores[:, kind] = 1 - scores.sum(axis=1)
    return scores


def test_a_set_of_three_types_is_led_by_their_common_runners_up():
    """What the rule excess is for: the published rule counts by rank alone."""
    scores = np.concatenate([sure_of(kind) for kind in (10, 13, 22)])
    shares = select_types(scores).shares
    assert min(shares[6], shares[8], shares[18]) > max(shares[10], shares[13], shares[22])


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_the_order_of_the_images_does_not_matter(seed, images):
    rng = np.random.Generator(np.random.PCG64(seed))
    scores = rng.random((images, CLASSES))
    shuffled = select_types(scores[rng.permutation(images)])
    assert (shuffled.types, shuffled.shares) == (select_types(scores).types, select_types(scores).shares)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((0, CLASSES)), "no image"),
        (np.zeros((2, 25)), r"shape \(2, 25\), expected \(images, 26\)"),
        (np.full((1, CLASSES), np.nan), "not finite"),
    ],
)
def test_what_is_no_score_table_is_refused(scores, message):
    with pytest.raises(CurateError, match=message):
        select_types(scores)
