"""The work of a shard: rows in, pixels and outcomes out."""

import tarfile

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from syndr_curate import CurateError
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.manifest.outcomes import outcomes_of
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.rendering.distort_rows import placed
from syndr_curate.curate.rendering.mdsi import mdsi
from syndr_curate.curate.rendering.render import recipes_of
from syndr_curate.curate.rendering.render_shard import RenderWork
from syndr_curate.curate.storage.images import DecodeOptions, decode_image
from syndr_curate.distortions import distort, stretch_uint8

from ..making import decoded_names, recipe_table


def rows(names=("a", "b"), types=(1, 23), levels=(1, 5), suffix=".png"):
    return recipe_table(names, types=types, levels=levels, suffix=suffix)


def rendered(table, roots, decoding=None, known=None, **settings):
    work = RenderWork(roots, decoding or DecodeOptions(), roots.folders.get("images"), **settings)
    part = work(table, 0, known)
    found = outcomes_of(part)
    assert part["sample_id"].to_pylist() == table["sample_id"].to_pylist()
    return [found[name] for name in table["sample_id"].to_pylist()]


def test_a_row_is_its_reference_distorted_with_its_seed(roots, tmp_path):
    outcomes = rendered(rows(), roots)
    assert [outcome.status for outcome in outcomes] == ["ok"] * 8
    for recipe in recipes_of(rows()):
        reference = decode_image(tmp_path / "photos" / recipe.reference_path)
        expected = distort(reference, recipe.distortion_id, recipe.level, seed=recipe.seed)
        assert np.array_equal(decode_image(tmp_path / "images" / recipe.image_path), expected)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".PNG"])
def test_the_order_of_rows_does_not_show_in_the_files(roots, tmp_path, suffix):
    table = rows(suffix=suffix)
    rendered(table, roots)
    known = {path: (tmp_path / "images" / path).read_bytes() for path in table["image_path"].to_pylist()}
    rendered(table.take(list(range(len(table)))[::-1]), roots)
    assert {path: (tmp_path / "images" / path).read_bytes() for path in known} == known


def test_outcomes_follow_the_rows_even_when_references_alternate(roots):
    both = pa.concat_tables([rows(names=("a",)), rows(names=("gone",))])
    mixed = both.take([0, 4, 1, 5, 2, 6, 3, 7])
    statuses = [o.status for o in rendered(mixed, roots, write=False)]
    assert statuses == ["ok", "unreadable"] * 4


def test_a_reference_is_decoded_once_for_its_rows(roots, monkeypatch):
    decoded = decoded_names(monkeypatch)
    rendered(rows(), roots, write=False)
    assert decoded == ["a.png", "b.png"]


def test_a_reference_is_decoded_once_for_its_rows_also_where_they_are_scattered(roots, monkeypatch):
    decoded = decoded_names(monkeypatch)
    rendered(rows().take([0, 4, 1, 5, 2, 6, 3, 7]), roots)
    assert decoded == ["a.png", "b.png"]


def test_an_archive_keeps_the_order_of_scattered_rows(roots, tmp_path):
    (scattered,) = placed(iter([rows().take([0, 4, 1, 5])]), "webdataset", 4)
    rendered(scattered, roots, layout="webdataset")
    with tarfile.open(tmp_path / "images" / "00000.tar") as archive:
        names = [name for name in archive.getnames() if name.endswith(".png")]
    assert names == [path.rpartition("/")[2] for path in scattered["image_path"].to_pylist()]


def test_an_unreadable_reference_marks_all_its_rows_and_no_other(roots, tmp_path):
    (tmp_path / "photos" / "a.png").write_bytes(b"")
    outcomes = rendered(rows(), roots, write=False)
    assert [o.status for o in outcomes] == ["unreadable"] * 4 + ["ok"] * 4
    assert outcomes[0].error == "reference a.png: the file is empty"


def test_a_row_that_cannot_be_rendered_fails_alone(roots, tmp_path):
    Image.fromarray(paint_scene("sky", 0, side=20)).save(tmp_path / "photos" / "a.png")
    table = rows(names=("a",))
    outcomes = rendered(table, roots)
    assert [o.status for o in outcomes] == ["ok", "ok", "failed", "failed"]  # color_block needs 33 pixels
    assert "color_block needs an image of at least 33 x 33 pixels" in outcomes[2].error
    assert [(tmp_path / "images" / r.image_path).exists() for r in recipes_of(table)] == [True, True, False, False]


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 3), (7, 9), (33, 17)])
def test_a_tiny_reference_renders_or_fails_and_never_crashes(roots, tmp_path, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photos" / "a.png")
    outcomes = rendered(rows(names=("a",), types=tuple(range(26)), levels=(1, 5)), roots, write=False, measure=True)
    assert {o.status for o in outcomes} <= {"ok", "failed"}
    assert all((o.error is None) == (o.status == "ok") for o in outcomes)


def test_the_deviation_is_measured_from_the_stretched_reference(roots, tmp_path):
    (outcome,) = rendered(rows().slice(1, 1), roots, write=False, measure=True)
    reference = decode_image(tmp_path / "photos" / "a.png")
    expected = mdsi(stretch_uint8(reference), distort(reference, 1, 5))
    assert outcome.deviation == expected
    (unmeasured,) = rendered(rows().slice(1, 1), roots, write=False)
    assert unmeasured.deviation is None
    assert not (tmp_path / "images").exists()


def test_references_over_the_pixel_limit_are_unreadable(roots):
    outcomes = rendered(rows(), roots, DecodeOptions(max_pixels=64 * 64 - 1), write=False)
    assert {o.status for o in outcomes} == {"unreadable"}


def test_references_are_turned_by_exif_only_when_asked_for(roots, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(paint_scene("city", 0, side=64)[:40]).save(tmp_path / "photos" / "a.png", exif=exif)
    recipe = recipes_of(rows())[0]
    for orient, shape in ((False, (40, 64, 3)), (True, (64, 40, 3))):
        rendered(rows().slice(0, 1), roots, DecodeOptions(exif_orient=orient))
        assert decode_image(tmp_path / "images" / recipe.image_path).shape == shape


def test_an_image_that_cannot_be_written_stops_the_run(roots, tmp_path):
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(CurateError, match="cannot write"):
        rendered(rows(), roots)


def test_a_format_that_loses_pixels_is_refused(roots):
    with pytest.raises(CurateError, match=r"a_01_01\.jpg: images are written as png, bmp, webp"):
        rendered(rows(suffix=".jpg"), roots)


def test_a_root_without_a_folder_is_said_so():
    with pytest.raises(CurateError, match="give --root photos=DIR"):
        rendered(rows(), Roots({}), write=False)
