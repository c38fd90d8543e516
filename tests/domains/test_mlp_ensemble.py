"""The ensemble: it learns, it is honest about what it has seen, and threads change nothing."""

import numpy as np
import pytest
from syndr_curate.curate.domains.mlp_ensemble import Ensemble, TrainingSettings, train_ensemble

SETTINGS = TrainingSettings(hidden=(16,), epochs=30, batch=32, rate=1e-2, dropout=(0.0, 0.1))


def three_clouds(rows_each=60):
    rng = np.random.Generator(np.random.PCG64(1))
    classes = np.repeat([0, 1, 2], rows_each)
    features = rng.normal(0, 1, (len(classes), 5)).astype(np.float32)
    features[:, 0] += np.array([0, 6, 0])[classes]
    features[:, 1] += np.array([0, 0, 6])[classes]
    features[:, 4] = 3  # constant: says nothing, divides by nothing
    return features, classes


def test_separate_clouds_are_classified_by_networks_that_have_not_seen_them():
    features, classes = three_clouds()
    folds = np.arange(len(classes)) % 3
    ensemble, held_out = train_ensemble(features, classes, folds, count=3, seed=1, settings=SETTINGS)
    assert len(ensemble.members) == 3
    assert (held_out.argmax(axis=1) == classes).mean() > 0.97
    scores = ensemble.scores(features)
    assert (scores.argmax(axis=1) == classes).mean() > 0.97
    assert scores.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_fold_is_scored_by_a_network_that_never_saw_it():
    # Random classes: what has been seen can be learnt by heart, what has not cannot.
    rng = np.random.Generator(np.random.PCG64(2))
    features = rng.normal(0, 1, (200, 30)).astype(np.float32)
    classes = rng.integers(0, 2, 200)
    settings = TrainingSettings(hidden=(64,), epochs=150, batch=32, rate=1e-2, decay=0, dropout=(0.0, 0.0), smoothing=0)
    ensemble, held_out = train_ensemble(features, classes, np.arange(200) % 2, count=2, seed=1, settings=settings)
    seen = Ensemble(ensemble.center, ensemble.scale, ensemble.members[:1]).scores(features)
    assert (seen.argmax(axis=1) == classes)[1::2].mean() > 0.95  # member 0 has seen fold 1
    assert abs((held_out.argmax(axis=1) == classes).mean() - 0.5) < 0.15


def test_a_rare_class_weighs_as_much_as_a_common_one():
    rng = np.random.Generator(np.random.PCG64(3))
    features = rng.normal(0, 1, (420, 1)).astype(np.float32)  # both classes from one cloud
    classes = np.repeat([0, 1], [400, 20])
    folds = np.arange(420) % 2
    ensemble, _ = train_ensemble(features, classes, folds, count=2, seed=1, settings=SETTINGS)
    assert ensemble.scores(features).mean(axis=0) == pytest.approx([0.5, 0.5], abs=0.12)


def test_an_emphasised_class_weighs_so_many_times_as_much():
    rng = np.random.Generator(np.random.PCG64(3))
    features = rng.normal(0, 1, (400, 1)).astype(np.float32)  # both classes from one cloud
    classes = np.arange(400) // 2 % 2
    folds = np.arange(400) % 2
    ensemble, _ = train_ensemble(features, classes, folds, count=2, seed=1, emphasis={0: 3.0}, settings=SETTINGS)
    # 3 : 1, less what smoothing takes: 0.95 * 0.75 + 0.025.
    assert ensemble.scores(features).mean(axis=0)[0] == pytest.approx(0.7375, abs=0.06)


def test_threads_and_neighbors_change_nothing():
    features, classes = three_clouds(30)
    folds = np.arange(len(classes)) % 3
    one, held = train_ensemble(features, classes, folds, count=3, seed=4, settings=SETTINGS, workers=1)
    two, again = train_ensemble(features, classes, folds, count=3, seed=4, settings=SETTINGS, workers=2)
    assert all(np.array_equal(a, two.arrays()[name]) for name, a in one.arrays().items())
    assert np.array_equal(held, again)
    assert np.array_equal(one.scores(features)[7:9], one.scores(features[7:9]))


def test_arrays_give_the_ensemble_back_and_a_mixture_is_refused():
    features, classes = three_clouds(20)
    folds = np.arange(len(classes)) % 2
    ensemble, _ = train_ensemble(features, classes, folds, count=3, seed=4, settings=SETTINGS)
    arrays = ensemble.arrays()
    assert np.array_equal(Ensemble.from_arrays(arrays).scores(features), ensemble.scores(features))
    with pytest.raises(ValueError, match="no network"):
        Ensemble.from_arrays({"center": arrays["center"], "scale": arrays["scale"]})
    with pytest.raises(ValueError, match="layers do not fit"):
        Ensemble.from_arrays({**arrays, "member1.layer0.weight": np.zeros((4, 16), np.float32)})
    with pytest.raises(ValueError, match="networks do not fit"):
        Ensemble.from_arrays({**arrays, "scale": np.ones(4, np.float32)})
