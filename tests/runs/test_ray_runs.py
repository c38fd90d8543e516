"""A long run on a real Ray cluster of two nodes, one of which is lost in the middle."""

import subprocess
import time
from pathlib import Path

import pytest
from syndr_curate.curate.encoding.encode import run_encode
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.runs.options import LongRun

from ..conftest import SCRIPT
from ..making import paint_cities

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    return paint_cities(tmp_path_factory.mktemp("ray") / "photos", 8, side=192)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_node_that_is_lost_costs_nothing_but_time(photos, tmp_path, two_node_cluster):
    pytest.importorskip("ray")
    run_distort(photos, tmp_path / "here", types=tuple(range(1, 26)), levels=(3,), run=LongRun(rows_per_shard=5))
    out = tmp_path / "there"
    flags = ["--types", "all", "--levels", "3", "--rows-per-shard", "5", "--quiet"]
    cluster = ["--executor", "ray", "--ray-address", two_node_cluster.address]
    with subprocess.Popen(
        [str(SCRIPT), "distort", str(photos), "--out", str(out), *flags, *cluster],
        env=two_node_cluster.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and len(list((out / "run").glob("part-*.parquet"))) < 8:
            time.sleep(0.05)
        done = len(list((out / "run").glob("part-*.parquet")))
        two_node_cluster.kill_second()
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert 8 <= done < 40, "the node was lost in the middle"
    assert tree(out) == tree(tmp_path / "here")


def test_features_from_a_cluster_are_those_from_here(photos, tmp_path, two_node_cluster):
    pytest.importorskip("ray")
    run_encode(photos, tmp_path / "here.parquet", encoder="gist", run=LongRun(rows_per_shard=2))
    flags = ["--encoder", "gist", "--rows-per-shard", "2", "--out", str(tmp_path / "there.parquet")]
    cluster = ["--executor", "ray", "--ray-address", two_node_cluster.address]
    done = subprocess.run(
        [str(SCRIPT), "encode", str(photos), *flags, *cluster],
        env=two_node_cluster.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
