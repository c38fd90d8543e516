"""Long runs of chains: killed, resumed, on a Ray of their own, and over Kodak's pictures; always the same bytes."""

import os
import signal
import subprocess
import time

import numpy as np
import pyarrow.compute as pc
import pytest
import torch
from syndr_curate import ManifestDataset, RandomChain
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.datasets.type_lists import parse_types
from syndr_curate.curate.manifest.chains.recipes import chain_of_row
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.manifest.manifest import read_manifest
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.runs.options import LongRun
from syndr_curate.curate.storage.images import decode_image, encode_image
from syndr_curate.distortions.catalog import CAMERA, CATALOG
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


class FourWays(torch.utils.data.Dataset):
    """By row of a run with `--chains`: whether loader and transform give the stored picture; asked by two workers."""

    def __init__(self, photos, recipes, stored, *, types, epochs):
        self.photos, self.stored = photos, stored
        self.recipes = ManifestDataset(recipes / "manifest.parquet")
        self.rows = read_manifest(stored / "manifest.parquet").to_pylist()
        self.transform = RandomChain(types)
        self.epochs = self.draw_epochs(epochs)

    def draw_epochs(self, epochs):
        """Return in which epoch the transform draws each chain of each reference."""
        found = {}
        for epoch in range(epochs):
            self.transform.set_epoch(epoch)
            for name in {row["reference_id"] for row in self.rows}:
                found.setdefault((name, self.transform._draw(name)), epoch)
        return found

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        stored = decode_image(self.stored / "images" / row["image_path"])
        chain = chain_of_row(row["chain"])
        self.transform.set_epoch(self.epochs[row["reference_id"], chain])
        drawn = self.transform.distort(decode_image(self.photos / row["reference_path"]), key=row["reference_id"])
        loaded = self.recipes.pixels(self.recipes.sample_ids.index(row["sample_id"]))
        return drawn.chain == chain and np.array_equal(loaded, stored) and np.array_equal(drawn.image, stored)


def differing(photos, recipes, stored, **how):
    """Return the ids of the rows whose recipe, stored picture, loader and transform do not agree."""
    tables = [read_manifest(folder / "manifest.parquet") for folder in (recipes, stored)]
    assert tables[0].to_pylist() == tables[1].to_pylist()
    rows = FourWays(photos, recipes, stored, **how)
    agree = torch.cat(list(torch.utils.data.DataLoader(rows, batch_size=8, num_workers=2)))
    assert len(agree) == len(rows)
    return [row["sample_id"] for row, same in zip(rows.rows, agree.tolist(), strict=True) if not same]


def test_recipe_stored_picture_loader_and_transform_agree(photos, tmp_path):
    types = tuple(entry.id for entry in (*CATALOG, *CAMERA))
    chains = ChainSettings(drawn=12, types=types)
    for name, recipe_only in (("stored", False), ("recipes", True)):
        run_distort(photos, tmp_path / name, types=None, chains=chains, recipe_only=recipe_only)
    assert differing(photos, tmp_path / "recipes", tmp_path / "stored", types=types, epochs=20) == []
    # A picture that is not the recipe's is found.
    row = read_manifest(tmp_path / "stored" / "manifest.parquet").to_pylist()[4]
    path = tmp_path / "stored" / "images" / row["image_path"]
    path.write_bytes(encode_image(255 - decode_image(path)))
    found = differing(photos, tmp_path / "recipes", tmp_path / "stored", types=types, epochs=20)
    assert found == [row["sample_id"]]


@pytest.mark.slow
def test_a_thousand_drawn_chains_over_kodak(reference_data, tmp_path):
    """A run that is killed and resumed has the pictures of its recipes, of the loader and of the transform."""
    photos, out = reference_data / "images" / "kodak", tmp_path / "stored"
    if not photos.is_dir():
        pytest.skip(f"needs the Kodak pictures; none at {photos}")
    types = ("--chain-types", "all,camera")
    command = [str(SCRIPT), "distort", str(photos), "--chains", "42", *types, "--out", str(out), "--workers", "2"]
    with subprocess.Popen([*command, "--quiet"]) as process:
        while process.poll() is None and len(list((out / "run").glob("part-*.parquet"))) < 10:
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    assert not (out / "manifest.parquet").exists()
    subprocess.run([*command, "--quiet"], check=True)
    stored = read_manifest(out / "manifest.parquet")
    assert len(stored) == 1008
    assert pc.all(pc.equal(stored["status"], "ok")).as_py()
    drawn = ChainSettings(drawn=42, types=parse_types("all,camera"))
    run_distort(photos, tmp_path / "recipes", types=None, chains=drawn, recipe_only=True)
    assert differing(photos, tmp_path / "recipes", out, types="all,camera", epochs=60) == []
    verdict = verify(out / "manifest.parquet")
    assert (verdict.problems, verdict.warnings) == ([], [])
