"""From recipe rows to pixels."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from syndr_curate import CurateError
from syndr_curate.curate.data.images import UnreadableImageError, decode_image
from syndr_curate.curate.data.roots import Roots
from syndr_curate.curate.engine import render as module
from syndr_curate.curate.engine.proxy import mdsi
from syndr_curate.curate.engine.recipes import Plan, Reference, recipe_rows
from syndr_curate.curate.engine.render import (
    Recipe,
    RenderOptions,
    load_pixels,
    recipes_of,
    render,
    render_rows,
)
from syndr_curate.curate.engine.scenes import paint_scene
from syndr_curate.distortions import distort, stretch_uint8


@pytest.fixture
def roots(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(paint_scene("city", ord(name), side=64)).save(tmp_path / "photos" / f"{name}.png")
    return Roots({"photos": tmp_path / "photos", "images": tmp_path / "images"})


def rows(names=("a", "b"), types=(1, 23), levels=(1, 5), suffix=".png"):
    plan = Plan(types, levels, 123, "photos", "images", suffix, "ours")
    return recipe_rows([Reference(name, f"{name}.png") for name in names], plan)


def test_a_row_is_its_reference_distorted_with_its_seed(roots, tmp_path):
    recipes = recipes_of(rows())
    outcomes = render_rows(recipes, roots, RenderOptions(workers=2))
    assert [outcome.status for outcome in outcomes] == ["ok"] * 8
    for recipe in recipes:
        reference = decode_image(tmp_path / "photos" / recipe.reference_path)
        expected = distort(reference, recipe.distortion_id, recipe.level, seed=recipe.seed)
        assert np.array_equal(decode_image(tmp_path / "images" / recipe.image_path), expected)


def test_type_0_is_the_stretched_reference():
    reference = paint_scene("sky", 0, side=32)
    assert np.array_equal(render(reference, 0, 0, None), stretch_uint8(reference))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".PNG"])
def test_workers_and_order_do_not_show_in_the_files(roots, tmp_path, suffix):
    recipes = recipes_of(rows(suffix=suffix))
    render_rows(recipes, roots, RenderOptions(workers=1))
    known = {r.image_path: (tmp_path / "images" / r.image_path).read_bytes() for r in recipes}
    render_rows(recipes[::-1], roots, RenderOptions(workers=3))
    assert {path: (tmp_path / "images" / path).read_bytes() for path in known} == known


def test_outcomes_follow_the_rows_even_when_references_alternate(roots):
    a, b = recipes_of(rows(names=("a",))), recipes_of(rows(names=("gone",)))
    mixed = [recipe for pair in zip(a, b, strict=True) for recipe in pair]
    statuses = [o.status for o in render_rows(mixed, roots, RenderOptions(write=False, workers=2))]
    assert statuses == ["ok", "unreadable"] * 4


def test_a_reference_is_decoded_once_for_its_rows(roots, monkeypatch):
    decoded = []

    def counting(path, **options):
        decoded.append(path.name)
        return decode_image(path, **options)

    monkeypatch.setattr(module, "decode_image", counting)
    render_rows(recipes_of(rows()), roots, RenderOptions(write=False, workers=1))
    assert decoded == ["a.png", "b.png"]


def test_an_unreadable_reference_marks_all_its_rows_and_no_other(roots, tmp_path):
    (tmp_path / "photos" / "a.png").write_bytes(b"")
    outcomes = render_rows(recipes_of(rows()), roots, RenderOptions(write=False, workers=1))
    assert [o.status for o in outcomes] == ["unreadable"] * 4 + ["ok"] * 4
    assert outcomes[0].error == "reference a.png: the file is empty"


def test_a_row_that_cannot_be_rendered_fails_alone(roots, tmp_path):
    Image.fromarray(paint_scene("sky", 0, side=20)).save(tmp_path / "photos" / "a.png")
    recipes = recipes_of(rows(names=("a",)))
    outcomes = render_rows(recipes, roots, RenderOptions(workers=1))
    assert [o.status for o in outcomes] == ["ok", "ok", "failed", "failed"]  # color_block needs 33 pixels
    assert "color_block needs an image of at least 33 x 33 pixels" in outcomes[2].error
    assert [(tmp_path / "images" / r.image_path).exists() for r in recipes] == [True, True, False, False]


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (7, 9), (33, 17)])
def test_a_tiny_reference_renders_or_fails_and_never_crashes(roots, tmp_path, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / "a.png")
    recipes = recipes_of(rows(names=("a",), types=tuple(range(26)), levels=(1, 5)))
    outcomes = render_rows(recipes, roots, RenderOptions(write=False, measure=True, workers=1))
    assert {o.status for o in outcomes} <= {"ok", "failed"}
    assert all((o.error is None) == (o.status == "ok") for o in outcomes)


def test_the_deviation_is_measured_from_the_stretched_reference(roots, tmp_path):
    recipe = recipes_of(rows())[1]
    (outcome,) = render_rows([recipe], roots, RenderOptions(write=False, measure=True))
    reference = decode_image(tmp_path / "photos" / "a.png")
    expected = mdsi(stretch_uint8(reference), distort(reference, 1, 5))
    assert outcome.deviation == expected
    (unmeasured,) = render_rows([recipe], roots, RenderOptions(write=False))
    assert unmeasured.deviation is None
    assert not (tmp_path / "images").exists()


def test_references_over_the_pixel_limit_are_unreadable(roots):
    outcomes = render_rows(recipes_of(rows()), roots, RenderOptions(write=False, max_pixels=64 * 64 - 1))
    assert {o.status for o in outcomes} == {"unreadable"}


def test_references_are_turned_by_exif_only_when_asked_for(roots, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(paint_scene("city", 0, side=64)[:40]).save(tmp_path / "photos" / "a.png", exif=exif)
    recipe = recipes_of(rows())[0]
    for orient, shape in ((False, (40, 64, 3)), (True, (64, 40, 3))):
        render_rows([recipe], roots, RenderOptions(exif_orient=orient))
        assert decode_image(tmp_path / "images" / recipe.image_path).shape == shape


def test_an_image_that_cannot_be_written_stops_the_run(roots, tmp_path):
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(CurateError, match="cannot write"):
        render_rows(recipes_of(rows()), roots, RenderOptions(workers=2))


def test_a_format_that_loses_pixels_is_refused(roots):
    with pytest.raises(CurateError, match=r"a_01_01\.jpg: images are written as png, bmp, webp"):
        render_rows(recipes_of(rows(suffix=".jpg")), roots, RenderOptions(workers=1))


def test_a_root_without_a_folder_is_said_so():
    with pytest.raises(CurateError, match="give --root photos=DIR"):
        render_rows(recipes_of(rows()), Roots({}), RenderOptions(workers=1))


def test_rows_that_are_no_recipes_are_counted():
    table = rows()
    bare = table.set_column(table.column_names.index("level"), "level", [[None, 1, 1, 1, 1, 1, None, 1]])
    with pytest.raises(CurateError, match=r"2 rows name no reference, distortion or level, e\.g\. 'a_01_01'"):
        recipes_of(bare)


def test_stored_pixels_go_before_a_fresh_rendering(roots, tmp_path):
    recipe = recipes_of(rows())[0]
    reference = decode_image(tmp_path / "photos" / "a.png")
    assert np.array_equal(load_pixels(recipe, roots, RenderOptions()), distort(reference, 1, 1))
    stored = np.zeros((5, 5, 3), np.uint8)
    (tmp_path / "images" / "a").mkdir(parents=True)
    Image.fromarray(stored).save(tmp_path / "images" / recipe.image_path)
    assert np.array_equal(load_pixels(recipe, roots, RenderOptions()), stored)
    assert load_pixels(recipe, Roots({"photos": tmp_path / "photos"}), RenderOptions()).shape == (64, 64, 3)


def test_somebody_elses_image_is_never_rendered_in_its_place(roots):
    recipe = replace(recipes_of(rows())[0], seed=None)
    with pytest.raises(UnreadableImageError, match="No such file"):
        load_pixels(recipe, roots, RenderOptions())


def test_progress_counts_rows_and_failures(roots, tmp_path):
    (tmp_path / "photos" / "b.png").unlink()

    class Counter:
        rows = failures = 0

        def task(self, name, total):
            assert (name, total) == ("render", 8)
            return self

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def advance(self, rows=1, *, failed=0):
            self.rows += rows
            self.failures += failed

    counter = Counter()
    render_rows(recipes_of(rows()), roots, RenderOptions(write=False, workers=1), reporter=counter)
    assert (counter.rows, counter.failures) == (8, 4)


def test_a_recipe_is_made_of_the_manifests_columns():
    assert list(Recipe.__dataclass_fields__) == list(module.RECIPE_COLUMNS)
