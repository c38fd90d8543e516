"""Clusters from shares of the tiles: the same ones, whoever looks through which share in whatever order."""

import pickle
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.runs.executors import InProcess, Processes
from syndr_curate.curate.similarity import threshold_components, tile_search
from syndr_curate.curate.similarity.distributed import SHARES_PER_WORKER, MatrixFile, matrix_file
from syndr_curate.curate.similarity.feature_rows import check_rows, measured_rows
from syndr_curate.curate.similarity.upper_bounds import principal_axes, sketch


def clusters(rng, n, d, spread=0.25):
    """Cosines of 0.94 within clusters of twelve rows."""
    centers = rng.standard_normal((max(1, n // 12), d))
    return centers[rng.integers(0, len(centers), n)] + rng.standard_normal((n, d)) * spread


def collapsed(rng, n, d):
    return rng.standard_normal(d) + rng.standard_normal((n, d)) * 0.1


def around_the_threshold(rng, n, d):
    return rng.standard_normal(d) * 3.0 + rng.standard_normal((n, d))


def few_directions(rng, n, d):
    """Long chains that run through many tiles."""
    return rng.standard_normal((n, 3)) @ rng.standard_normal((3, d))


REGIMES = [clusters, collapsed, around_the_threshold, few_directions]


class Elsewhere:
    """Stands for workers elsewhere: the function arrives as a copy with read-only arrays, results in any order."""

    name = "elsewhere"

    def __init__(self, workers, seed):
        self.workers, self.seed, self.results = workers, seed, []

    def run(self, function, indexes):
        order = list(indexes)
        random.Random(self.seed).shuffle(order)
        buffers = []
        sent = pickle.dumps(function, protocol=5, buffer_callback=buffers.append)
        for index in order:
            here = pickle.loads(sent, buffers=[bytes(buffer) for buffer in buffers])  # bytes: cannot be written to
            self.results.append(here(index))
            yield index, pickle.loads(pickle.dumps(self.results[-1]))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    regime=st.sampled_from(REGIMES),
    shape=st.tuples(st.integers(0, 500), st.sampled_from([1, 8, 100])),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    rated=st.booleans(),
    tile_rows=st.sampled_from([None, 7, 64]),
    workers=st.integers(1, 9),
)
def test_shares_in_any_number_and_order_give_the_same_clusters(
    *, seed, regime, shape, dtype, rated, tile_rows, workers
):
    rng = np.random.default_rng(seed)
    features = regime(rng, *shape).astype(dtype)
    features[~features.any(axis=1)] = 1.0
    labels = rng.uniform(0, 10, shape[0]).astype(np.float32) if rated else None
    whole = threshold_components(features, labels, tile_rows=tile_rows)
    shared = threshold_components(features, labels, tile_rows=tile_rows, executor=Elsewhere(workers, seed))
    assert shared.dtype == whole.dtype
    assert shared.tolist() == whole.tolist()


@pytest.mark.parametrize("regime", REGIMES)
def test_a_share_returns_a_forest_of_fewer_edges_than_rows(regime):
    rng = np.random.default_rng(3)
    executor = Elsewhere(3, 0)
    threshold_components(regime(rng, 800, 40).astype(np.float32), None, tile_rows=50, executor=executor)
    assert len(executor.results) in (0, 3 * SHARES_PER_WORKER)  # none where neighbors join everything
    for pairs in executor.results:
        assert pairs.dtype == np.int32
        assert pairs.shape[1] == 2
        parents = list(range(800))
        for pair in pairs.tolist():
            a, b = (root(parents, end) for end in pair)
            assert a != b  # each edge joins two trees: no cycle
            parents[a] = b


def root(parents, node):
    while parents[node] != node:
        node = parents[node]
    return node


def test_sketches_travel_with_the_shares(monkeypatch):
    features = clusters(np.random.default_rng(5), 1500, 256).astype(np.float32)
    labels = np.random.default_rng(6).uniform(0, 10, 1500).astype(np.float32)
    whole = threshold_components(features, labels)

    def sketch_anyway(rows, order, _threshold, _pairs):
        return sketch(rows, order, principal_axes(rows.unit(np.arange(500)), 32))

    monkeypatch.setattr(tile_search, "useful_sketch", sketch_anyway)
    executor = Elsewhere(2, 1)
    assert threshold_components(features, labels, executor=executor).tolist() == whole.tolist()
    assert executor.results


def test_real_processes_give_the_same_clusters_from_a_mapped_file_and_from_an_array(tmp_path):
    features = clusters(np.random.default_rng(7), 3000, 64).astype(np.float32)
    labels = np.random.default_rng(8).uniform(0, 10, 3000).astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    whole = threshold_components(features, labels).tolist()
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    assert threshold_components(mapped, labels, executor=Processes(2)).tolist() == whole
    assert threshold_components(features, labels, executor=Processes(2)).tolist() == whole
    assert threshold_components(mapped, labels, executor=InProcess()).tolist() == whole


@pytest.mark.slow
def test_ray_gives_the_same_clusters(tmp_path):
    np.save(tmp_path / "features.npy", clusters(np.random.default_rng(7), 3000, 64).astype(np.float32))
    script = """
        import sys
        import numpy as np
        from syndr_curate.curate.similarity import threshold_components
        from syndr_curate.curate.runs.executors import make_executor
        features = np.load(sys.argv[1], mmap_mode="r")
        labels = np.random.default_rng(8).uniform(0, 10, 3000).astype(np.float32)
        whole = threshold_components(features, labels).tolist()
        for matrix in features, np.array(features):
            print(threshold_components(matrix, labels, executor=make_executor("ray", workers=2)).tolist() == whole)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), tmp_path / "features.npy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.stdout, done.stderr) == ("True\nTrue\n", "")


def test_progress_counts_tiles_up_to_the_whole():
    seen = []
    features = clusters(np.random.default_rng(5), 300, 20)
    threshold_components(
        features, None, tile_rows=32, executor=Elsewhere(2, 0), progress=lambda done, total: seen.append((done, total))
    )
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert {total for _, total in seen} == {seen[-1][0]}


def test_a_mapped_file_is_opened_again_and_anything_else_travels(tmp_path):
    file = tmp_path / "features.npy"
    np.save(file, np.ones((6, 3), np.float32))
    mapped = np.load(file, mmap_mode="r")
    found = matrix_file(mapped)
    assert found == MatrixFile(str(file), "<f4", (6, 3), 128)
    assert found.map().tolist() == mapped.tolist()
    assert matrix_file(np.asarray(mapped)) == matrix_file(check_rows(mapped).matrix) == found
    np.save(tmp_path / "columns.npy", np.asfortranarray(np.ones((6, 3))))
    changed = np.load(file, mmap_mode="c")  # copy on write: what is changed is not in the file
    for other in (
        mapped[1:],  # a view keeps the name and the offset of the whole
        mapped.T,
        mapped[[0, 1]],
        np.asarray(mapped)[1:],
        np.asarray(mapped[:, :1]),
        check_rows(mapped).matrix.view(np.int32),
        changed,
        np.load(tmp_path / "columns.npy", mmap_mode="r"),
    ):
        assert matrix_file(other) is None


def test_a_worker_that_does_not_see_the_features_says_which(tmp_path):
    with pytest.raises(CurateError, match=r"a worker cannot map the features .*gone.npy .*under this path"):
        MatrixFile(str(tmp_path / "gone.npy"), "<f4", (6, 3), 128).map()


def test_a_worker_that_sees_other_features_refuses_them():
    features = clusters(np.random.default_rng(9), 100, 8)
    norms = check_rows(features).norms
    assert (measured_rows(features, norms).norms == norms).all()
    other = features.copy()
    other[57, 3] += 1e-6
    with pytest.raises(CurateError, match="not those that the search began with"):
        measured_rows(other, norms)
    with pytest.raises(CurateError, match="not those that the search began with"):
        measured_rows(features[:99], norms)


def test_a_device_and_an_executor_are_refused_together():
    with pytest.raises(CurateError, match="device is 'cuda' and the executor in-process was named"):
        threshold_components(np.ones((4, 2)), None, device="cuda", executor=InProcess())
