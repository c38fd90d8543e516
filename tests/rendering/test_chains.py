"""Rows that several distortions were applied to: recipe, stored picture and loader agree, however they were made."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from syndr_curate import CurateError, RowError, distort
from syndr_curate.curate.checks.metadata import metadata_problems
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.datasets.image_folders import open_source
from syndr_curate.curate.encoding.encode import run_encode
from syndr_curate.curate.labeling.pools.join import join
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, make_provenance
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.manifest.schema import SCHEMA
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.rendering.distort_rows import Distortions, rows_of_references
from syndr_curate.curate.rendering.mix_recipes import pixel_rows
from syndr_curate.curate.rendering.pixel_loader import PixelLoader
from syndr_curate.curate.rendering.render import recipes_of
from syndr_curate.curate.rendering.render_shard import CheckWork
from syndr_curate.curate.report.rows import joined_rows
from syndr_curate.curate.runs.options import LongRun
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.distortions.catalog import CAMERA, get
from syndr_curate.distortions.chains import ChainStep, parse_chain, stretched_once

from ..making import paint_cities, recipe_table

STEPS = [{"distortion_id": 1, "level": 2.0, "seed": None}, {"distortion_id": 11, "level": 3.0, "seed": 5}]
# As a writer of chains may fill the other columns: with the first step, or not at all.
FILLED = {
    "first step": {"distortion_id": 1, "level": 2, "seed": 7},
    "nothing": {"distortion_id": None, "level": None, "distortion": "chain"},
}
WANTED = ChainSettings(named=(parse_chain("gaussian_blur:2+white_noise:3+jpeg:2"),), drawn=5)


@pytest.fixture
def photos(tmp_path):
    return paint_cities(tmp_path / "photos", ["a", "b"], side=64)


@pytest.fixture(params=FILLED)
def manifest(request, tmp_path, photos):  # noqa: ARG001 - it is made of the photographs
    """A recipe of type 1 and, below it, a chain."""
    (plain,) = recipe_table(["a"], types=(1,), levels=(3,)).to_pylist()
    chained = {**plain, "sample_id": "chained", "image_path": "a/chained.png", "chain": STEPS, **FILLED[request.param]}
    facts = make_provenance("test", {}, {}, roots={"photos": "photos", "images": "images"}, pixels="recipe")
    table = attach(pa.Table.from_pylist([plain, chained], schema=SCHEMA), facts)
    write_manifest(table, tmp_path / "m.parquet")
    return tmp_path / "m.parquet"


@pytest.fixture
def loader(tmp_path):
    return PixelLoader(Roots({"photos": tmp_path / "photos", "images": tmp_path / "images"}))


def make(photos, out, *, types=None, chains=WANTED, **options):
    """Run distort on the photographs and return the rows that it wrote."""
    run_distort(photos, out, types=types, levels=options.pop("levels", (1, 2, 3, 4, 5)), chains=chains, **options)
    return read_manifest(out / "manifest.parquet")


def pictures(table, out):
    pixels = PixelLoader(Roots.of_manifest(table, out / "manifest.parquet"))
    return [(row.sample_id, pixels.load(row)) for row in pixel_rows(table)]


def same(first, second):
    return len(first) == len(second) and all(
        a == b and np.array_equal(x, y) for (a, x), (b, y) in zip(first, second, strict=True)
    )


def test_its_pixels_are_those_of_its_steps_whatever_the_other_columns_say(manifest, loader, photos):
    plain, chained = pixel_rows(read_manifest(manifest))
    assert plain.chain is None
    assert chained.chain == (ChainStep(1, 2.0, None), ChainStep(11, 3.0, 5))
    by_hand = distort(distort(decode_image(photos / "a.png"), 1, 2), 11, 3, seed=5)
    for ask in (loader.load, loader.make):
        assert np.array_equal(ask(chained), by_hand)


def test_a_chain_without_a_seed_is_somebody_elses_picture(manifest, loader):
    _, chained = pixel_rows(read_manifest(manifest))
    with pytest.raises(RowError, match="No such file or directory"):
        loader.load(replace(chained, seed=None))


def test_its_stored_pixels_are_shown(manifest, loader, tmp_path):
    (tmp_path / "images" / "a").mkdir(parents=True)
    gray = np.full((64, 64, 3), 90, np.uint8)
    Image.fromarray(gray).save(tmp_path / "images" / "a" / "chained.png")
    _, chained = pixel_rows(read_manifest(manifest))
    assert np.array_equal(loader.load(chained), gray)


def test_distort_renders_it_as_it_stands(manifest, loader, tmp_path):
    run_distort(manifest, tmp_path / "out", types=None, run=LongRun())
    written = read_manifest(tmp_path / "out" / "manifest.parquet")
    assert written["status"].to_pylist() == ["ok", "ok"]
    assert written["chain"].to_pylist() == [None, STEPS]
    assert same(
        [(row.sample_id, loader.make(row)) for row in pixel_rows(read_manifest(manifest))],
        pictures(written, tmp_path / "out"),
    )


def test_a_step_that_cannot_be_done_fails_that_row_alone(manifest, tmp_path):
    table = read_manifest(manifest)
    broken = [STEPS[0], {**STEPS[1], "seed": None}]
    rows = [row if row["chain"] is None else {**row, "chain": broken} for row in table.to_pylist()]
    write_manifest(pa.Table.from_pylist(rows, schema=table.schema), manifest)
    run_distort(manifest, tmp_path / "out", types=None, run=LongRun())
    plain, chained = read_manifest(tmp_path / "out" / "manifest.parquet").to_pylist()
    assert (plain["status"], chained["status"]) == ("ok", "failed")
    assert chained["error"].startswith("step 2 of 2 of the chain: white_noise is random: give exactly one of seed")


def test_a_manifest_without_pixels_takes_it(manifest, tmp_path):
    made = CheckWork(Roots({"photos": tmp_path / "photos", "images": None}), 10**6)(read_manifest(manifest))
    assert made["status"].to_pylist() == ["ok", "ok"]
    assert [recipe.sample_id for recipe in recipes_of(made)] == ["a_01_03", "chained"]


def test_encode_and_verify_take_it(manifest, tmp_path):
    run_encode(manifest, tmp_path / "f.parquet", encoder="gist")
    assert pq.read_table(tmp_path / "f.parquet")["status"].to_pylist() == ["ok", "ok"]
    verdict = verify(manifest)
    assert (verdict.recipe_rows, verdict.rendered_again) == (2, 2)
    of_both_kinds = ["1 rows of a chain have a type or a level of their own, or are not called 'chain': 'chained'"]
    is_filled = read_manifest(manifest)["level"].null_count == 0
    assert verdict.problems == (of_both_kinds if is_filled else [])


def test_recipe_stored_and_loaded_pictures_are_the_same(photos, tmp_path):
    recipes = make(photos, tmp_path / "recipe", recipe_only=True)
    made = pictures(recipes, tmp_path / "recipe")
    assert len(made) == 12
    for layout in ("files", "webdataset", "parquet"):
        stored = make(photos, tmp_path / layout, layout=layout)
        assert same(made, pictures(stored, tmp_path / layout))
        assert stored["chain"].equals(recipes["chain"])
        verdict = verify(tmp_path / layout / "manifest.parquet", sample=12)
        assert (verdict.files_decoded, verdict.problems) == (12, [])


def test_chains_of_camera_types_are_rows_like_others(photos, tmp_path):
    cameras = tuple(entry.id for entry in CAMERA)
    chains = ChainSettings(drawn=5, types=(1, 10, *cameras), length=(3, 5))
    recipes = make(photos, tmp_path / "recipe", chains=chains, recipe_only=True)
    steps = [ChainStep(**step) for row in recipes["chain"].to_pylist() for step in row]
    assert {get(step.distortion_id).subfamily for step in steps} > {"optics", "sensor", "resize", "compression"}
    stored = make(photos, tmp_path / "stored", chains=chains)
    assert same(pictures(recipes, tmp_path / "recipe"), pictures(stored, tmp_path / "stored"))
    assert verify(tmp_path / "stored" / "manifest.parquet", sample=10).problems == []


def test_levels_between_two_are_in_the_row_and_its_id(photos, tmp_path):
    chains = ChainSettings(named=(parse_chain("gaussian_blur:2.3+hand_shake:1.75"),))
    recipes = make(photos, tmp_path / "recipe", chains=chains, recipe_only=True)
    first = recipes.to_pylist()[0]
    assert first["sample_id"] == "a_chain_1-2.3_102-1.75"
    made = pictures(recipes, tmp_path / "recipe")
    blurred = distort(decode_image(photos / "a.png"), 1, level=2.3)
    assert np.array_equal(made[0][1], distort(blurred, 102, level=1.75, seed=first["chain"][1]["seed"]))
    stored = make(photos, tmp_path / "stored", chains=chains)
    assert same(made, pictures(stored, tmp_path / "stored"))
    assert verify(tmp_path / "stored" / "manifest.parquet", sample=2).problems == []


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"distortion_id": 1, "level": None, "seed": 5}, "step 2 of 2 of the chain: level nan of gaussian_blur does"),
        ({"distortion_id": None, "level": 2.0, "seed": 5}, "step 2 of 2 of the chain: there is no distortion None"),
        (None, "step 2 of 2 of the chain: there is no distortion None"),
    ],
)
def test_a_step_with_holes_fails_its_row_alone(manifest, tmp_path, step, said):
    table = read_manifest(manifest)
    rows = [row if row["chain"] is None else {**row, "chain": [STEPS[0], step]} for row in table.to_pylist()]
    write_manifest(pa.Table.from_pylist(rows, schema=table.schema), manifest)
    run_distort(manifest, tmp_path / "out", types=None, run=LongRun())
    plain, chained = read_manifest(tmp_path / "out" / "manifest.parquet").to_pylist()
    assert (plain["status"], chained["status"]) == ("ok", "failed")
    assert chained["error"].startswith(said)
    assert joined_rows(read_manifest(manifest)).steps[1].startswith("gaussian_blur:2+")


def test_rows_of_types_and_chains_lie_side_by_side_for_each_reference(photos, tmp_path):
    rows = make(photos, tmp_path / "out", types=(1, 11), levels=(2, 4), recipe_only=True)
    expected = [kind for kind in "ab" for _ in range(4 + 6)]
    assert rows["reference_id"].to_pylist() == expected
    assert rows["sample_id"].to_pylist()[:5] == ["a_01_02", "a_01_04", "a_11_02", "a_11_04", "a_chain_1-2_11-3_10-2"]
    alone = make(photos, tmp_path / "alone", types=(1, 11), levels=(2, 4), chains=None, recipe_only=True)
    assert [row for row in rows.to_pylist() if row["chain"] is None] == alone.to_pylist()


def test_a_run_without_chains_says_nothing_of_them(photos, tmp_path):
    rows = make(photos, tmp_path / "out", types=(1,), levels=(2,), chains=None, recipe_only=True)
    assert b'"chains"' not in rows.schema.metadata[b"syndr_curate"]


def test_other_settings_of_chains_are_another_run(photos, tmp_path):
    for chains in (WANTED, replace(WANTED, stretch="once"), replace(WANTED, drawn=4)):
        make(photos, tmp_path / "out", chains=chains, recipe_only=True)
        digest = json.loads(read_manifest(tmp_path / "out" / "manifest.parquet").schema.metadata[b"syndr_curate"])
        assert digest["config"]["chains"]["stretch"] == chains.stretch
        (tmp_path / "out" / "manifest.parquet").unlink()


def test_stretched_once_is_the_other_reading(photos, tmp_path):
    named = replace(WANTED, drawn=0, stretch="once")
    (a, _) = make(photos, tmp_path / "out", chains=named, recipe_only=True).to_pylist()
    steps = tuple(ChainStep(**step) for step in a["chain"])
    assert steps[1:-1] == tuple(ChainStep(*step) for step in steps[1:-1])
    assert stretched_once(steps[1:-1]) == steps
    once = pictures(read_manifest(tmp_path / "out" / "manifest.parquet"), tmp_path / "out")
    each = pictures(
        make(photos, tmp_path / "each", chains=replace(named, stretch="step"), recipe_only=True), tmp_path / "each"
    )
    assert not np.array_equal(once[0][1], each[0][1])
    assert (once[0][1].min(), once[0][1].max()) == (0, 255)


def test_a_manifests_references_get_chains_of_their_own(photos, tmp_path):
    make(photos, tmp_path / "first", types=(1,), levels=(2,), chains=None, recipe_only=True)
    new = make(tmp_path / "first" / "manifest.parquet", tmp_path / "second", recipe_only=True)
    direct = make(photos, tmp_path / "direct", recipe_only=True)
    assert new["sample_id"].equals(direct["sample_id"])
    assert new["chain"].equals(direct["chain"])
    manifests = [tmp_path / name / "manifest.parquet" for name in ("first", "second")]
    join(manifests, tmp_path / "both.parquet")
    assert len(read_manifest(tmp_path / "both.parquet")) == 2 + 12


def test_rows_are_laid_out_a_few_references_at_a_time_where_each_has_many(photos):
    for name in range(38):
        (photos / f"{name}.png").symlink_to(photos / "a.png")
    wanted = Distortions((), (), 123, "png", ChainSettings(drawn=220))
    planned = rows_of_references(open_source(photos), wanted, photos / "out")
    assert [len(table) for table in planned.tables()] == [36 * 220, 4 * 220]  # at most 8,000
    assert planned.count == 40 * 220


def test_an_absurd_number_of_chains_is_refused_at_once():
    with pytest.raises(CurateError, match="99,999,999,999 chains of a reference are more than 10,000, the most that"):
        ChainSettings(drawn=99_999_999_999)


def test_a_contact_sheet_of_chains_is_refused(photos, tmp_path):
    with pytest.raises(CurateError, match="--contact-sheet needs --types: the rows of a manifest, and chains, are no"):
        make(photos, tmp_path / "out", contact_sheet_file=tmp_path / "sheet.png")


def test_a_dry_run_counts_and_times_chains(photos, tmp_path):
    said = run_distort(photos, tmp_path / "out", types=(1,), levels=(2,), chains=WANTED, dry_run=True)
    assert said["rows"] == 14
    assert said["seconds_estimated"] >= 0
    assert not (tmp_path / "out").exists()


def test_a_chain_with_the_denoiser_depends_on_its_weights(photos, tmp_path):
    chains = ChainSettings(named=(parse_chain("denoise:1+jpeg:1"), parse_chain("white_noise:1+jpeg:1")))
    table = make(photos, tmp_path / "out", chains=chains, recipe_only=True)
    facts = json.loads(table.schema.metadata[b"syndr_curate"])
    assert metadata_problems(table) == []
    (problem,) = metadata_problems(attach(table, {**facts, "denoiser": "0" * 64}))
    assert problem.startswith("2 rows of type 15 (denoise) were made with other denoiser weights")
