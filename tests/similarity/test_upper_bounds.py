"""Sketches: bounds that hold, and a result that does not know of them."""

import numpy as np
import pytest
from syndr_curate.curate.similarity import threshold_components, tile_search
from syndr_curate.curate.similarity.feature_rows import check_rows
from syndr_curate.curate.similarity.upper_bounds import principal_axes, sketch


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
        monkeypatch.setattr(tile_search.Search, "_patience", lambda _self, _pairs: patience)
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
