"""`verify` and the pixel loader over files, tars and Parquet files alike."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach, make_provenance
from syndr_curate.curate.manifest.recipes import distortion_name
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.manifest.schema import SCHEMA, build_table
from syndr_curate.curate.rendering.pixel_loader import PixelLoader
from syndr_curate.curate.rendering.render import recipes_of, render
from syndr_curate.curate.storage.images import UnreadableImageError, encode_image
from syndr_curate.curate.storage.pixel_store import LAYOUTS, open_sink, stored_path

ARCHIVE = {"webdataset": "00000.tar", "parquet": "00000.parquet"}
# Blur, noise and a sharpened picture of one reference: (sample id, type, level, seed).
CELLS = [("a_01_03", 1, 3, 11), ("a_11_05", 11, 5, 12), ("a_24_02", 24, 2, 13)]


@pytest.fixture
def stored(tmp_path, photograph):
    """Render three rows into a layout; `change` may alter a row's pixels before they are stored."""
    reference = photograph(1, 40, 48)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(encode_image(reference))

    def make(layout, change=lambda _, image: image, pixels="stored"):
        ids = [i for i, _, _, _ in CELLS]
        columns = {
            "sample_id": ids,
            "image_path": [stored_path(layout, reference_id="a", sample_id=i, suffix=".png", shard=0) for i in ids],
            "image_root": "images",
            "reference_id": "a",
            "reference_path": "a.png",
            "reference_root": "photos",
            "distortion_id": [kind for _, kind, _, _ in CELLS],
            "distortion": [distortion_name(kind) for _, kind, _, _ in CELLS],
            "level": [level for _, _, level, _ in CELLS],
            "split": "train",
            "seed": [seed for _, _, _, seed in CELLS],
            "status": "ok",
        }
        facts = {"roots": {"images": "images", "photos": "photos"}, "pixels": pixels}
        table = attach(build_table(columns, len(ids)), make_provenance("distort", {}, {}, **facts))
        if pixels == "stored":
            with open_sink(layout, tmp_path / "images", 0, schema=table.schema) as sink:
                for row in table.to_pylist():
                    image = render(reference, row["distortion_id"], row["level"], row["seed"])
                    sink.put(row, encode_image(change(row["sample_id"], image)))
        write_manifest(table, tmp_path / "manifest.parquet")
        return tmp_path / "manifest.parquet", table

    return make


def one_pixel_off(sample_id, image):
    if sample_id == "a_11_05":
        image = image.copy()
        image[3, 4, 1] ^= 1
    return image


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_decoded_and_a_sample_rendered_again(layout, stored):
    manifest, _ = stored(layout)
    verdict = verify(manifest, workers=2)
    assert verdict.problems == []
    assert (verdict.files_decoded, verdict.rendered_again, verdict.recipe_rows) == (3, 3, 0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_changed_sample_value_is_found(layout, stored):
    manifest, _ = stored(layout, one_pixel_off)
    assert verify(manifest).problems == ["a_11_05: the stored pixels differ from a fresh rendering"]


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_an_image_that_its_archive_lacks_is_named(layout, stored, tmp_path):
    manifest, table = stored(layout)
    rows = table.to_pylist()
    with open_sink(layout, tmp_path / "images", 0, schema=SCHEMA) as sink:
        for row in rows[:2]:
            sink.put(row, encode_image(np.zeros((40, 48, 3), np.uint8)))
    problems = verify(manifest, sample=0).problems
    place = f"{ARCHIVE[layout]}/a_24_02.png"
    assert problems == [f"a_24_02: {place}: {ARCHIVE[layout]} holds no a_24_02.png"]


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_a_missing_archive_and_a_torn_one_are_problems_of_each_of_their_rows(layout, stored, tmp_path):
    manifest, _ = stored(layout)
    archive = tmp_path / "images" / ARCHIVE[layout]
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 4])
    torn = verify(manifest).problems
    assert len(torn) >= 2
    assert all(ARCHIVE[layout] in problem for problem in torn)
    archive.unlink()
    missing = verify(manifest).problems
    assert [problem.rpartition(": ")[2] for problem in missing] == ["No such file or directory"] * 3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_recipe_rows_without_pixels_are_rendered_whatever_layout_their_paths_are_of(layout, stored):
    manifest, _ = stored(layout, pixels="recipe")
    verdict = verify(manifest)
    assert (verdict.problems, verdict.recipe_rows, verdict.rendered_again) == ([], 3, 3)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_pixel_limit_holds_for_stored_images_and_can_be_raised(layout, stored):
    manifest, _ = stored(layout)
    problems = verify(manifest, max_pixels=40 * 48 - 1, sample=0).problems
    assert [problem.partition(": ")[0] for problem in problems] == [i for i, _, _, _ in CELLS]
    assert all("48x40 is more than 1919 pixels (allow it with --max-pixels)" in problem for problem in problems)
    assert verify(manifest, max_pixels=40 * 48).problems == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_loader_takes_what_is_stored_before_it_renders(layout, stored, tmp_path):
    _, table = stored(layout, one_pixel_off)
    roots = Roots({"images": tmp_path / "images", "photos": tmp_path / "photos"})
    recipe = recipes_of(table)[1]
    kept = PixelLoader(roots).load(recipe)
    shutil.rmtree(tmp_path / "images")
    fresh = PixelLoader(roots).load(recipe)
    assert np.argwhere(kept != fresh).tolist() == [[3, 4, 1]]


@pytest.mark.parametrize("layout", ["webdataset", "parquet"])
def test_the_loader_never_renders_in_the_place_of_somebody_elses_image(layout, stored, tmp_path):
    _, table = stored(layout)
    roots = Roots({"images": tmp_path / "images", "photos": tmp_path / "photos"})
    foreign = replace(recipes_of(table)[1], seed=None, image_path=f"{ARCHIVE[layout]}/b.png")
    with pytest.raises(UnreadableImageError, match=rf"{ARCHIVE[layout]} holds no b\.png"):
        PixelLoader(roots).load(foreign)
