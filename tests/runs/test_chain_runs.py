"""Long runs of chains: killed, resumed, on a Ray of their own, and over Kodak's pictures; always the same bytes."""

import os
import signal
import subprocess
import time

import pyarrow.compute as pc
import pytest
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.runs.options import LongRun
from syndr_curate.distortions.chains import parse_chain

from ..conftest import SCRIPT
from ..making import paint_cities

NAMED = "gaussian_blur:2+white_noise:3+jpeg:2"
FLAGS = ("--chain", NAMED, "--chains", "7", "--rows-per-shard", "4", "--quiet")
CHAINS = ChainSettings(named=(parse_chain(NAMED),), drawn=7)


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return paint_cities(tmp_path_factory.mktemp("chains") / "photos", 3, side=64)


@pytest.fixture(scope="module")
def undisturbed(photos):
    """What a run leaves that nothing happens to."""
    out = photos.parent / "undisturbed"
    run_distort(photos, out, types=None, chains=CHAINS, run=LongRun(rows_per_shard=4))
    assert read_manifest(out / "manifest.parquet")["status"].to_pylist() == ["ok"] * 24
    return tree(out)


@pytest.mark.parametrize("crash", ["before-image-rename:9", "part:3"])
def test_a_killed_run_goes_on_to_the_same_bytes(photos, undisturbed, crash):
    out = photos.parent / crash.replace(":", "-")
    command = [str(SCRIPT), "distort", str(photos), "--out", str(out), *FLAGS, "--workers", "1"]
    killed = subprocess.run(command, env={**os.environ, "SYNDR_CURATE_CRASH_AT": crash}, check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert not (out / "manifest.parquet").exists()
    subprocess.run(command, check=True, timeout=300)
    assert tree(out) == undisturbed


@pytest.mark.slow
def test_a_ray_run_writes_the_same_bytes(photos, undisturbed):
    pytest.importorskip("ray")
    out = photos.parent / "ray"
    command = [str(SCRIPT), "distort", str(photos), "--out", str(out), *FLAGS, "--executor", "ray", "--workers", "2"]
    subprocess.run(command, check=True, timeout=300)
    assert tree(out) == undisturbed


@pytest.mark.slow
def test_a_thousand_drawn_chains_over_kodak(reference_data, tmp_path):
    """A run that is killed and resumed is verified: every stored picture is made again from its recipe and compared."""
    out = tmp_path / "out"
    command = [str(SCRIPT), "distort", str(reference_data / "images/kodak"), "--chains", "42", "--out", str(out)]
    with subprocess.Popen([*command, "--workers", "2", "--quiet"]) as process:
        while process.poll() is None and len(list((out / "run").glob("part-*.parquet"))) < 10:
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    assert not (out / "manifest.parquet").exists()
    subprocess.run([*command, "--workers", "2", "--quiet"], check=True)
    stored = read_manifest(out / "manifest.parquet")
    assert len(stored) == 1008
    assert pc.all(pc.equal(stored["status"], "ok")).as_py()
    recipes = tmp_path / "recipes"
    run_distort(reference_data / "images/kodak", recipes, types=None, chains=ChainSettings(drawn=42), recipe_only=True)
    assert read_manifest(recipes / "manifest.parquet").to_pylist() == stored.to_pylist()
    verdict = verify(out / "manifest.parquet", sample=1008)
    assert (verdict.files_decoded, verdict.problems, verdict.warnings) == (1008, [], [])
