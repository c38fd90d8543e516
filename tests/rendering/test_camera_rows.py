"""Rows of the camera family: recipes and stored pixels, as of any other type."""

import numpy as np
import pytest
from syndr_curate import read_manifest, verify
from syndr_curate.curate.manifest.recipes import distortion_name
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.curate.training.manifest_dataset import ManifestDataset
from syndr_curate.distortions import CAMERA

from ..making import paint_cities

TYPES = tuple(entry.id for entry in CAMERA)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("camera")
    photos = paint_cities(folder / "photos", 2, side=48)
    run_distort(photos, folder / "stored", types=TYPES, levels=(2, 5))
    run_distort(photos, folder / "recipes", types=TYPES, levels=(2, 5), recipe_only=True)
    return folder


def test_a_row_is_of_its_type(made):
    rows = read_manifest(made / "stored" / "manifest.parquet").to_pylist()
    assert len(rows) == 2 * len(TYPES) * 2
    assert {row["status"] for row in rows} == {"ok"}
    assert {row["distortion_id"] for row in rows} == set(TYPES)
    assert all(row["distortion"] == distortion_name(row["distortion_id"]) for row in rows)


def test_a_recipe_gives_the_pixels_that_are_stored(made):
    stored = read_manifest(made / "stored" / "manifest.parquet").to_pylist()
    recipes = ManifestDataset(made / "recipes" / "manifest.parquet")
    paths = {row["sample_id"]: made / "stored" / "images" / row["image_path"] for row in stored}
    for index, sample_id in enumerate(recipes.sample_ids):
        assert np.array_equal(recipes.pixels(index), decode_image(paths[sample_id])), sample_id


@pytest.mark.parametrize("layout", ["stored", "recipes"])
def test_verify_finds_nothing_wrong(made, layout):
    assert verify(made / layout / "manifest.parquet").problems == []
