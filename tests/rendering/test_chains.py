"""A row that several distortions were applied to: stored pixels are shown, and none are made of a part of the chain."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from syndr_curate import RowError
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.encoding.encode import run_encode
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, make_provenance
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.manifest.schema import SCHEMA
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.rendering.mix_recipes import pixel_rows
from syndr_curate.curate.rendering.pixel_loader import NOTHING_TO_RENDER_FROM, PixelLoader
from syndr_curate.curate.rendering.render import ChainStep, recipes_of
from syndr_curate.curate.rendering.render_shard import CheckWork
from syndr_curate.curate.runs.options import LongRun

from ..making import paint_cities, recipe_table

STEPS = [{"distortion_id": 1, "level": 2.0, "seed": None}, {"distortion_id": 11, "level": 3.0, "seed": 5}]
SAID = "the row has a chain of 2 distortions, expected one: this release cannot render chains"
# As a writer of chains may fill the other columns: with the first step, or not at all.
FILLED = {"first step": {"distortion_id": 1, "level": 2, "seed": 7}, "nothing": {"distortion_id": None, "level": None}}


@pytest.fixture(params=FILLED)
def manifest(request, tmp_path):
    """A recipe of type 1 and, below it, a chain."""
    paint_cities(tmp_path / "photos", ["a"], side=64)
    (plain,) = recipe_table(["a"], types=(1,), levels=(3,)).to_pylist()
    chained = {**plain, "sample_id": "chained", "image_path": "a/chained.png", "chain": STEPS, **FILLED[request.param]}
    facts = make_provenance("test", {}, {}, roots={"photos": "photos", "images": "images"}, pixels="recipe")
    table = attach(pa.Table.from_pylist([plain, chained], schema=SCHEMA), facts)
    write_manifest(table, tmp_path / "m.parquet")
    return tmp_path / "m.parquet"


@pytest.fixture
def loader(tmp_path):
    return PixelLoader(Roots({"photos": tmp_path / "photos", "images": tmp_path / "images"}))


def test_its_pixels_are_not_made(manifest, loader):
    plain, chained = pixel_rows(read_manifest(manifest))
    assert plain.chain is None
    assert chained.chain == (ChainStep(1, 2.0, None), ChainStep(11, 3.0, 5))
    assert loader.load(plain).shape == (64, 64, 3)
    for ask in (loader.load, loader.make):
        with pytest.raises(RowError, match=SAID):
            ask(chained)
    with pytest.raises(RowError, match=SAID):
        loader.load(replace(chained, seed=None))


def test_its_stored_pixels_are_shown(manifest, loader, tmp_path):
    (tmp_path / "images" / "a").mkdir(parents=True)
    grey = np.full((64, 64, 3), 90, np.uint8)
    Image.fromarray(grey).save(tmp_path / "images" / "a" / "chained.png")
    _, chained = pixel_rows(read_manifest(manifest))
    assert np.array_equal(loader.load(chained), grey)


def test_distort_fails_that_row_alone(manifest, tmp_path):
    run_distort(manifest, tmp_path / "out", types=None, run=LongRun())
    rows = read_manifest(tmp_path / "out" / "manifest.parquet").to_pylist()
    assert [row["status"] for row in rows] == ["ok", "failed"]
    assert rows[1]["error"].startswith(SAID)
    assert rows[1]["chain"] == STEPS
    assert [path.name for path in (tmp_path / "out").rglob("*.png")] == ["a_01_03.png"]


def test_a_manifest_without_pixels_says_so_too(manifest, tmp_path):
    made = CheckWork(Roots({"photos": tmp_path / "photos", "images": None}), 10**6)(read_manifest(manifest))
    assert made["status"].to_pylist() == ["ok", "failed"]
    assert made["error"][1].as_py().startswith(SAID)
    assert [recipe.sample_id for recipe in recipes_of(made)] == ["a_01_03", "chained"]


def test_encode_fails_that_row_alone(manifest, tmp_path):
    run_encode(manifest, tmp_path / "f.parquet", encoder="gist")
    rows = {row["id"]: row for row in pq.read_table(tmp_path / "f.parquet").to_pylist()}
    assert {name: row["status"] for name, row in rows.items()} == {"a_01_03": "ok", "chained": "failed"}
    assert SAID in rows["chained"]["error"]


def test_verify_names_it(manifest):
    verdict = verify(manifest)
    reasons = (SAID, NOTHING_TO_RENDER_FROM)
    named = [problem for problem in verdict.problems if "chained" in problem]
    assert any(reason in problem for problem in named for reason in reasons), json.dumps(verdict.problems)
