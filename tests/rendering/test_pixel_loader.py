"""From any row to its pixels: stored, rendered, mixed again; and what each says when it cannot be had."""

import pickle
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from syndr_curate import CurateError
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.errors import RowError
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.manifest.schema import MIX_FIELDS
from syndr_curate.curate.rendering.mix_recipes import MixRow, pixel_columns, pixel_rows
from syndr_curate.curate.rendering.pasting import Box
from syndr_curate.curate.rendering.pixel_loader import PixelLoader, naming_row
from syndr_curate.curate.rendering.render import RECIPE_COLUMNS, Recipe
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.distortions import distort

from ..making import decoded_names

BLUR = Recipe("a_01_03", "images", "a/a_01_03.png", "photos", "a.png", 1, 3, 7)
NOISE = Recipe("b_11_02", "images", "b/b_11_02.png", "photos", "b.png", 11, 2, 8)
MIX = MixRow("mix_1", "mixes", "mix_1.png", BLUR, NOISE, 9, Box(2, 3, 20, 30))
GRAY = np.full((64, 64, 3), 90, np.uint8)


@pytest.fixture
def roots(tmp_path):
    for number, name in enumerate(("a", "b")):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(paint_scene("city", number, side=64)).save(tmp_path / "photos" / f"{name}.png")
    folders = {name: tmp_path / name for name in ("photos", "images", "mixes")}
    return Roots(folders)


def without(roots, *names):
    return Roots({**roots.folders, **dict.fromkeys(names)})


def store(roots, row, image=GRAY):
    place = roots.resolve(row.image_root, row.image_path)
    place.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(place)


def test_a_recipe_row_is_its_reference_distorted_with_its_seed(roots, tmp_path):
    expected = distort(decode_image(tmp_path / "photos" / "b.png"), 11, 2, seed=8)
    assert np.array_equal(PixelLoader(roots).load(NOISE), expected)


@pytest.mark.parametrize("row", [BLUR, MIX])
def test_stored_pixels_go_before_new_ones(roots, row):
    loader = PixelLoader(roots)
    fresh = loader.load(row)
    store(roots, row)
    assert np.array_equal(loader.load(row), GRAY)
    assert np.array_equal(loader.load_stored(row), GRAY)
    assert np.array_equal(loader.make(row), fresh)
    assert np.array_equal(PixelLoader(without(roots, row.image_root)).load(row), fresh)


def test_a_mix_shows_b_inside_the_box_and_a_elsewhere(roots):
    loader = PixelLoader(roots)
    expected = loader.load(BLUR).copy()
    expected[3:30, 2:20] = loader.load(NOISE)[3:30, 2:20]
    assert np.array_equal(loader.load(MIX), expected)


def test_a_mix_is_made_of_its_sources_as_they_are_stored(roots):
    store(roots, NOISE)
    assert np.unique(PixelLoader(roots).load(MIX)[3:30, 2:20]).tolist() == [90]


@pytest.mark.parametrize(
    ("row", "status", "said"),
    [
        (replace(BLUR, seed=None), "unreadable", "No such file or directory"),
        (replace(BLUR, reference_path="gone.png"), "unreadable", "reference gone.png: No such file or directory"),
        (
            replace(MIX, b=replace(NOISE, reference_path="gone.png")),
            "unreadable",
            "source b_11_02: reference gone.png: No such file",
        ),
        (replace(BLUR, level=None), "failed", "no stored pixels, and no reference, distortion and level"),
        (replace(BLUR, distortion_id=26), "failed", "there is no distortion 26"),
        (replace(NOISE, seed=-1), "failed", "the seed -1 is negative"),
        (replace(MIX, box=None), "failed", "mix_1 has no box"),
        (replace(MIX, a=replace(BLUR, level=9)), "failed", "source a_01_03: level 9"),
    ],
)
def test_what_is_missing_is_unreadable_and_what_cannot_be_made_failed(roots, row, status, said):
    with pytest.raises(RowError, match=said) as caught:
        PixelLoader(roots).load(row)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("row", "unknown"),
    [
        (replace(BLUR, seed=None), "images"),  # somebody else's image is never rendered in its place
        (BLUR, "photos"),
        (MIX, "photos"),
        (replace(MIX, a=replace(BLUR, seed=None)), "images"),
        (replace(MIX, seed=None), "mixes"),
    ],
)
def test_an_unknown_root_is_a_problem_of_the_request(roots, row, unknown):
    loader = PixelLoader(without(roots, unknown))
    for ask in (loader.load, lambda row: loader.require_roots([row])):
        with pytest.raises(CurateError, match=f"give --root {unknown}=DIR"):
            ask(row)
    PixelLoader(roots).require_roots([row])


@pytest.mark.parametrize("row", [BLUR, MIX])
def test_a_stored_row_needs_no_root_of_a_reference(roots, row):
    store(roots, row)
    loader = PixelLoader(without(roots, "photos"))
    loader.require_roots([row])
    assert np.array_equal(loader.load(row), GRAY)


def test_a_row_that_cannot_be_left_out_ends_the_request_by_its_name(roots):
    row = replace(BLUR, seed=None)
    with pytest.raises(CurateError, match=r"'a_01_03' \(a/a_01_03\.png\): No such file"), naming_row(row):
        PixelLoader(roots).load(row)


def test_a_copy_in_another_process_starts_with_an_empty_cache(roots, monkeypatch):
    decoded = decoded_names(monkeypatch)
    loader = PixelLoader(roots)
    loader.load(BLUR)
    loader.load(replace(BLUR, level=5))
    assert decoded == ["a.png"]
    pickle.loads(pickle.dumps(loader)).load(BLUR)
    assert decoded == ["a.png", "a.png"]


def test_rows_of_any_manifest_are_recipes_or_mixes(training_table):
    table = training_table(["m", "n"], [1.0, 2.0], seed=[9, None])
    assert pixel_columns(table.schema) == list(RECIPE_COLUMNS)
    source = {**vars(BLUR), "reference_id": "a"}
    cells = {"source_a": source, "source_b": {**source, "sample_id": "b"}, "box": MIX.box._asdict()}
    for field in MIX_FIELDS:
        table = table.append_column(field, pa.array([cells.get(field.name)] * 2, field.type))
    mixed, plain = pixel_rows(table)
    assert (mixed.a, mixed.b.sample_id, mixed.box, mixed.seed) == (BLUR, "b", MIX.box, 9)
    assert isinstance(plain, Recipe)  # without a seed it can only be stored
    assert plain.sample_id == "n"


def test_a_column_of_somebody_elses_with_the_name_of_ours_is_left_alone(training_table):
    table = training_table(["m"], [1.0], seed=[9])
    for name in ("source_a", "source_b", "box"):
        table = table.append_column(name, [["camera"]])
    (row,) = pixel_rows(table)
    assert isinstance(row, Recipe)
