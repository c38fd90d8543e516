"""`downsample` on processes and on Ray: how it is done changes, never a byte."""

import hashlib

import numpy as np
import pytest
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.downsampling.downsample import downsample, downsample_epoch
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach
from syndr_curate.curate.runs.executors import Processes


@pytest.fixture
def epoch_files(tmp_path, training_table):
    """1,200 rows in 40 clusters, some of them above the 20 that are left alone; features mapped and in an archive."""
    rng = np.random.default_rng(1)
    ids = [f"s{i:04d}" for i in range(1200)]
    centers = rng.standard_normal((40, 32))
    matrix = (centers[rng.integers(0, 40, 1200)] + 0.2 * rng.standard_normal((1200, 32))).astype(np.float32)
    labels = (5 + rng.uniform(0, 2, 1200)).astype(np.float32).tolist()
    table = attach(training_table(ids, labels), {"stage": "upsample"})
    write_manifest(table, tmp_path / "train.parquet", training=True)
    save_features(tmp_path / "epoch3.npy", ids, matrix)
    save_features(tmp_path / "epoch3.npz", ids, matrix)
    return tmp_path


def digests(folder, syndr_curate, features, *flags):
    kept, dropped = folder / "kept.parquet", folder / "dropped.parquet"
    manifest = ("--manifest", folder / "train.parquet", "--out", kept, "--dropped", dropped)
    done = syndr_curate("downsample", "--features", folder / features, *manifest, "--quiet", *flags)
    assert done.stderr == ""
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in (kept, dropped)]


def test_processes_write_the_same_bytes(epoch_files, syndr_curate):
    expected = digests(epoch_files, syndr_curate, "epoch3.npy")
    assert digests(epoch_files, syndr_curate, "epoch3.npy", "--executor", "local", "--workers", 2) == expected


@pytest.mark.slow
@pytest.mark.parametrize("features", ["epoch3.npy", "epoch3.npz"])
@pytest.mark.parametrize("workers", [1, 5])
def test_any_number_of_processes_writes_the_same_bytes(epoch_files, syndr_curate, features, workers):
    expected = digests(epoch_files, syndr_curate, "epoch3.npy")
    assert digests(epoch_files, syndr_curate, features, "--executor", "local", "--workers", workers) == expected


@pytest.mark.slow
def test_ray_writes_the_same_bytes(epoch_files, syndr_curate):
    expected = digests(epoch_files, syndr_curate, "epoch3.npy")
    assert digests(epoch_files, syndr_curate, "epoch3.npy", "--executor", "ray", "--workers", 2) == expected


@pytest.mark.slow
def test_a_cluster_of_two_nodes_writes_the_same_bytes(epoch_files, syndr_curate, two_node_cluster, monkeypatch):
    expected = digests(epoch_files, syndr_curate, "epoch3.npy")
    for name, value in two_node_cluster.environment.items():
        monkeypatch.setenv(name, value)
    flags = ("--executor", "ray", "--ray-address", two_node_cluster.address)
    assert digests(epoch_files, syndr_curate, "epoch3.npy", *flags) == expected


def test_python_takes_an_executor_too(training_table):
    table = training_table([f"s{i}" for i in range(50)], [5.0] * 50)
    rng = np.random.default_rng(2)
    matrix = (np.ones((50, 4)) + 0.3 * rng.standard_normal((50, 4))).astype(np.float32)
    assert downsample(matrix, table, epoch=1, executor=Processes(2)).equals(downsample(matrix, table, epoch=1))


def test_a_flag_of_executors_without_one_is_refused(syndr_curate):
    done = syndr_curate("downsample", "--features", "epoch3.npy", "--workers", 2, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --workers needs --executor local or ray")


def test_a_device_and_an_executor_are_refused_together(training_table):
    table = training_table(["a", "b"], [5.0, 5.0])
    with pytest.raises(CurateError, match="device is 'cuda' and the executor processes was named"):
        downsample_epoch(
            np.ones((2, 3), np.float32),
            table,
            epoch=0,
            settings=DownsampleSettings(device="cuda"),
            executor=Processes(2),
        )
