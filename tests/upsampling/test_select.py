import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.provenance import read_provenance
from syndr_curate.curate.manifest.selection import count_statuses, kept_rows, read_selection, write_selection
from syndr_curate.curate.upsampling.select import reference_bounds, run_select, select


def statuses(selection):
    return dict(zip(selection["candidate_id"].to_pylist(), selection["status"].to_pylist(), strict=True))


def test_near_is_the_median_of_nearest_distances_and_far_the_largest(at_angles):
    # Nearest: 0-10 (10 degrees), 10-0 (10), 40-10 (30), 90-40 (50): the median lies between 10 and 30 degrees.
    bounds = reference_bounds(at_angles(a=0, b=10, c=40, d=90).matrix)
    ten, thirty = (1 - np.cos(np.radians(x)) for x in (10, 30))
    assert bounds.near == pytest.approx((ten + thirty) / 2, abs=1e-7)
    assert bounds.far == pytest.approx(1.0, abs=1e-7)


def test_a_candidate_must_be_strictly_between_the_two_bounds(at_angles):
    # near = 1 - cos 40 (both references are each other's nearest), far = the same: nothing can pass at an end.
    references = at_angles(a=0, b=40, c=100, d=140)
    near, far = reference_bounds(references.matrix).near, reference_bounds(references.matrix).far
    assert near == pytest.approx(1 - np.cos(np.radians(40)), abs=1e-7)
    assert far == pytest.approx(1 - np.cos(np.radians(140)), abs=1e-7)
    # 20: 20 degrees from a. 70: 30 from b and c. -50: 50 from a, but 190 -> 170 from d, beyond far.
    selection = select(references, at_angles(inside=20, close=70, outside=-50))
    assert statuses(selection) == {"inside": "too_close", "close": "too_close", "outside": "too_far"}


def test_a_candidate_equal_to_a_reference_is_too_close_and_keeps_its_row(at_angles):
    selection = select(at_angles(a=0, b=50, c=100), at_angles(same=50))
    assert statuses(selection) == {"same": "too_close"}
    assert selection["nearest_reference"].to_pylist() == ["b"]
    assert selection["nearest_distance"][0].as_py() == pytest.approx(0, abs=1e-7)


def test_of_two_candidates_closer_than_near_the_first_in_file_order_goes(features):
    references = features({"a": [1, 0, 0, 0], "b": [0.8, 0.6, 0, 0], "c": [-1, 0, 0, 0]})
    # nearest distances 0.2, 0.2, 1.8 -> near 0.2; far 2.0
    first, second = [0, 0, 1, 0.1], [0, 0, 1, 0.0]
    selection = select(references, features({"first": first, "second": second, "third": [0, 0, 0, 1.0]}))
    assert statuses(selection) == {"first": "thinned", "second": "kept", "third": "kept"}


def test_thinning_takes_the_closest_pair_first(features):
    references = features({"a": [1, 0, 0], "b": [0.8, 0.6, 0], "c": [-1, 0, 0]})
    # In the y-z plane p is 30 degrees from q, q 20 from r; near is 0.2 (36.9 degrees). Closest is (q, r): q goes.
    # Then p and r are 50 degrees apart, so both stay; sweeping in file order would have dropped p first.
    angle = {"p": 90, "q": 120, "r": 140}
    candidates = features({n: [0, np.cos(np.radians(x)), np.sin(np.radians(x))] for n, x in angle.items()})
    assert statuses(select(references, candidates)) == {"p": "kept", "q": "thinned", "r": "kept"}


def test_bounds_and_inputs_are_in_the_provenance(at_angles):
    provenance = read_provenance(select(at_angles(a=0, b=50, c=100), at_angles(x=25)))
    assert set(provenance["bounds"]) == {"near", "far"}
    assert set(provenance["inputs"]) == {"reference_features", "candidate_features"}


def many(seed: int, count: int, width: int = 6) -> Features:
    matrix = np.random.Generator(np.random.PCG64(seed)).normal(size=(count, width)).astype(np.float32)
    ids = tuple(f"c{i:03d}" for i in range(count))
    return Features(matrix, ids, ids, "random", {})


def dense_selection(references, candidates):
    """Algorithm 1 as it is written: the closest pair is looked up again after every removal."""
    t = references.matrix.astype(np.float64)
    a = candidates.matrix.astype(np.float64)
    t, a = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (t, a))
    between = 1 - t @ t.T
    far = between.max()
    near = np.median((between + np.diag([np.inf] * len(t))).min(axis=1))
    to_references = 1 - a @ t.T
    alive = list(np.flatnonzero((to_references.min(axis=1) > near) & (to_references.max(axis=1) < far)))
    distances = 1 - a @ a.T
    while True:
        pairs = [(distances[i, j], i, j) for i in alive for j in alive if i < j and distances[i, j] < near]
        if not pairs:
            return [candidates.ids[i] for i in alive]
        alive.remove(min(pairs)[1])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 20), st.integers(1, 40))
def test_equals_the_definition_on_random_features(seed, references, candidates):
    first, second = many(seed, references), many(seed + 1, candidates)
    assert [i for i, _ in kept_rows(select(first, second))] == dense_selection(first, second)


def test_a_draw_of_candidates_keeps_file_order_and_depends_on_ids_alone():
    references, candidates = many(1, 10), many(2, 60)
    drawn = select(references, candidates, count=20, seed=5)
    taken = [i for i, s in statuses(drawn).items() if s != "not_drawn"]
    assert len(taken) == 20
    assert taken == sorted(taken)
    order = np.random.Generator(np.random.PCG64(0)).permutation(60)
    shuffled = Features(candidates.matrix[order], tuple(candidates.ids[i] for i in order), None, "shuffled", {})
    again = select(references, shuffled, count=20, seed=5)
    assert {i for i, s in statuses(again).items() if s != "not_drawn"} == set(taken)
    assert {
        i for i, s in statuses(select(references, candidates, count=20, seed=6)).items() if s != "not_drawn"
    } != set(taken)


def test_max_selected_keeps_that_many_and_says_so_of_the_others():
    references, candidates = many(1, 10, 30), many(2, 60, 30)
    everything = count_statuses(select(references, candidates))
    limited = count_statuses(select(references, candidates, max_selected=3))
    assert everything["kept"] > 3
    assert limited["kept"] == 3
    assert limited["over_limit"] == everything["kept"] - 3


def test_features_of_another_width_are_refused(at_angles, features):
    with pytest.raises(CurateError, match="same encoder"):
        select(at_angles(a=0, b=50), features({"x": [1, 2, 3]}))


def test_one_reference_is_not_enough(at_angles):
    with pytest.raises(CurateError, match="at least two"):
        select(at_angles(a=0), at_angles(x=10))


def test_a_candidate_without_direction_is_named(at_angles, features):
    with pytest.raises(CurateError, match="'empty'"):
        select(at_angles(a=0, b=50), features({"x": [1, 2], "empty": [0, 0]}))


def test_a_selection_survives_its_file(tmp_path, at_angles):
    selection = select(at_angles(a=0, b=50, c=100), at_angles(x=25, y=50))
    write_selection(selection, tmp_path / "s.parquet")
    assert read_selection(tmp_path / "s.parquet").equals(selection)


def test_another_parquet_file_is_not_taken_for_a_selection(tmp_path, training_table):
    from syndr_curate.curate.manifest.manifest import write_manifest

    write_manifest(training_table(["a"], [1.0]), tmp_path / "m.parquet")
    with pytest.raises(CurateError, match="is not a selection"):
        read_selection(tmp_path / "m.parquet")


def test_the_published_selection(reference_data, tmp_path):
    refset = reference_data / "refset"
    summary = run_select(refset / "train_ref.npz", refset / "additional_ref.npz", tmp_path / "s.parquet")
    assert summary["near"] == pytest.approx(0.27837, abs=5e-6)
    assert summary["far"] == pytest.approx(0.64790, abs=5e-6)
    assert summary["references_selected"] == 24
    table = read_selection(tmp_path / "s.parquet")
    least, most = table["nearest_distance"].to_numpy(), table["farthest_distance"].to_numpy()
    above, below = least > summary["near"], most < summary["far"]
    assert (above.sum(), below.sum(), (above & below).sum()) == (33, 76, 29)
