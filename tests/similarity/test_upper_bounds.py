"""Sketches: bounds that hold, and a result that does not know of them."""

import numpy as np
import pytest
from syndr_curate.curate.similarity import threshold_components, tile_search
from syndr_curate.curate.similarity.feature_rows import check_rows
from syndr_curate.curate.similarity.upper_bounds import (
    Trial,
    most_axes,
    principal_axes,
    sketch,
    tried_sketch,
)


def clusters(rng, n, d):
    return rng.standard_normal((n // 12, d))[rng.integers(0, n // 12, n)] + 0.25 * rng.standard_normal((n, d))


def around_the_threshold(rng, n, d):
    return rng.standard_normal(d) * 3.0 + rng.standard_normal((n, d))


def duplicates(rng, n, d):
    return clusters(rng, n, d)[rng.integers(0, n // 6, n)]


def few_directions(rng, n, d):
    return rng.standard_normal((n, 3)) @ rng.standard_normal((3, d))


REGIMES = [clusters, around_the_threshold, duplicates, few_directions]


@pytest.mark.parametrize("similarity", [0.9, 0.7])
@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("patience", [0, 10**12])
def test_sketches_change_nothing(monkeypatch, regime, similarity, patience):
    rng = np.random.default_rng(13)
    features = regime(rng, 1500, 256).astype(np.float32)
    labels = rng.uniform(0, 10, 1500).astype(np.float32)
    plain = threshold_components(features, labels, similarity)
    used = []
    for count in (1, 8, 64):

        def sketch_anyway(rows, order, _threshold, _pairs, count=count):
            axes = principal_axes(rows.unit(np.arange(500)), count)
            used.append(count)
            return sketch(rows, order, axes)

        monkeypatch.setattr(tile_search, "useful_sketch", sketch_anyway)
        monkeypatch.setattr(tile_search, "decisions_for", lambda *_: patience)
        assert (threshold_components(features, labels, similarity) == plain).all()
    assert used == [1, 8, 64]


@pytest.mark.parametrize("regime", REGIMES)
def test_sketches_bound_every_cosine(regime):
    rng = np.random.default_rng(17)
    features = regime(rng, 400, 300).astype(np.float32)
    rows = check_rows(features)
    x = features.astype(np.float64) / rows.norms[:, None]
    for count in (1, 20, 75):
        found = sketch(rows, np.arange(400), principal_axes(rows.unit(np.arange(90)), count))
        assert (found.short @ found.short.T + found.slack >= x @ x.T).all()


def test_a_sketch_of_some_rows_bounds_their_cosines():
    rng = np.random.default_rng(19)
    features = clusters(rng, 400, 300).astype(np.float32)
    rows, order = check_rows(features), rng.permutation(400)[:350]
    x = features[order].astype(np.float64) / rows.norms[order, None]
    found = sketch(rows, order, principal_axes(rows.unit(order[:90]), 20))
    assert found.short.shape == (350, 21)
    assert (found.short @ found.short.T + found.slack >= x @ x.T).all()


def test_a_trial_chooses_the_axes_that_cost_least():
    # 16 directions carry most of each row: at 0.9 they settle all pairs, and more axes only cost more
    rng = np.random.default_rng(31)
    features = rng.standard_normal((600, 16)) @ rng.standard_normal((16, 512)) + rng.standard_normal((600, 512))
    rows = check_rows(features.astype(np.float32))
    unit = rows.unit(np.arange(200))
    trial = Trial(unit, unit, np.full((200, 200), 0.9, dtype=np.float32))
    found = tried_sketch(rows, np.arange(600), principal_axes(unit, 128), trial, pairs=10**9)
    assert found is not None
    assert found.short.shape == (600, 17)


def test_a_trial_counts_every_pair_by_its_own_threshold():
    # unrelated rows: at 0.99 a few axes rule all pairs out, at 0.3 they rule out none, and half of the columns have it
    rows = check_rows(np.random.default_rng(37).standard_normal((600, 512)).astype(np.float32))
    unit = rows.unit(np.arange(200))
    axes = principal_axes(rows.unit(np.arange(200, 600)), 128)
    strict = np.full((200, 200), 0.99, dtype=np.float32)
    mixed = strict.copy()
    mixed[:, ::2] = 0.3
    assert tried_sketch(rows, np.arange(600), axes, Trial(unit, unit, strict), pairs=10**9) is not None
    assert tried_sketch(rows, np.arange(600), axes, Trial(unit, unit, mixed), pairs=10**9) is None


def test_rows_too_short_for_any_axes_are_not_sketched():
    assert [most_axes(width) for width in (63, 64, 512, 4096)] == [0, 16, 128, 512]
