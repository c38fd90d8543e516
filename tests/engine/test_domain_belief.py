"""Places that nobody deserves are dealt out evenly, and those that somebody deserves are left alone."""

import numpy as np
from syndr_curate.curate.engine.domain_belief import believed
from syndr_curate.curate.engine.domain_rule import CLASSES, select_types


def sure_of(kind, runners_up=(6, 8, 18), images=400):
    """A classifier that is sure of one type, and whose runners-up are always the same."""
    rng = np.random.Generator(np.random.PCG64(kind))
    scores = rng.uniform(1e-6, 1e-4, (images, CLASSES))
    scores[:, list(runners_up)] += 2e-3
    scores[:, kind] = 1 - scores.sum(axis=1)
    return scores


def test_what_is_believed_stays_as_it_is_and_comes_first():
    scores = np.full((1, CLASSES), 0.01)
    scores[0, [3, 9, 21]] = 0.4, 0.3, 0.07
    found = believed(scores)[0]
    assert found[[3, 9, 21]].tolist() == [0.4, 0.3, 0.07]
    others = np.delete(found, [3, 9, 21])
    assert others.max() < 0.05
    assert others.min() >= 0
    assert np.argsort(-found)[:4].tolist() == [3, 9, 21, 0]  # pristine is the first of the others


def test_the_order_of_the_others_is_the_image_s_own():
    scores = sure_of(11)
    found = believed(scores)
    assert np.array_equal(found[5:9], believed(scores[5:9]))
    fourth = np.argsort(-found, axis=1)[:, 3]
    counts = np.bincount(fourth, minlength=CLASSES)
    assert counts[[0, 11]].tolist() == [0, 0]
    # 400 images over 24 types: 16.7 each; six standard deviations are 24.
    assert np.delete(counts, [0, 11]).max() < 42


def test_a_set_of_three_types_is_led_by_them_where_it_was_led_by_their_common_runners_up():
    scores = np.concatenate([sure_of(kind) for kind in (10, 13, 22)])
    shares = select_types(scores).shares
    assert sorted(shares, key=shares.get)[-3:] != [10, 13, 22]
    assert min(shares[6], shares[8], shares[18]) > shares[10]
    found = select_types(believed(scores))
    leaders = sorted(found.shares, key=found.shares.get)[-3:]
    assert set(leaders) == {10, 13, 22}
    assert found.types == (10, 13, 22)


def test_no_floor_leaves_the_published_rule():
    scores = sure_of(11)
    assert np.array_equal(believed(scores, 0.0), scores)
