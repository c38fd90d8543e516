"""Rows keep their pixels wherever a manifest of them is written: roots are relative to the file they were read from."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syndr_curate import (
    CurateError,
    ManifestDataset,
    append_manifest,
    downsample,
    join,
    mix,
    read_manifest,
    write_manifest,
)
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.manifest.roots import home_of
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import encode_image


@pytest.fixture
def two(tmp_path):
    """Two folders alike in every name: each has a photograph `scene` of its own, and recipes of it."""
    for number, (folder, kind) in enumerate((("one", 1), ("two", 9))):
        (tmp_path / folder / "refs").mkdir(parents=True)
        picture = encode_image(paint_scene("city", number, side=64))
        (tmp_path / folder / "refs" / "scene.png").write_bytes(picture)
        run_distort(
            tmp_path / folder / "refs", tmp_path / folder / "out", types=(kind, 2), levels=(3,), recipe_only=True
        )
    return [tmp_path / folder / "out" / "manifest.parquet" for folder in ("one", "two")]


def replaced(table, name, column):
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(place), column)


def pixels_of(manifest):
    dataset = ManifestDataset(manifest)
    return {name: dataset.pixels(place) for place, name in enumerate(dataset.sample_ids)}


def test_rows_written_into_another_folder_keep_their_pixels(two):
    wanted = pixels_of(two[0])
    write_manifest(read_manifest(two[0]).slice(0, 1), two[1])  # whose folder has references of the same names
    found = pixels_of(two[1])
    assert all(np.array_equal(image, wanted[name]) for name, image in found.items())
    assert b"syndr_curate_home" not in pq.read_schema(two[1]).metadata


def test_appended_rows_of_another_folder_are_refused_or_keep_their_pixels(two):
    first, second = read_manifest(two[0]), read_manifest(two[1])
    before = two[0].read_bytes()
    with pytest.raises(CurateError, match=r"'images' is 'images' in one manifest and '../../two/out/images' in"):
        append_manifest(two[0], second)
    assert two[0].read_bytes() == before
    wanted = pixels_of(two[0])
    write_manifest(first.slice(0, 1), two[1])
    append_manifest(two[1], first.slice(1))
    assert all(np.array_equal(image, wanted[name]) for name, image in pixels_of(two[1]).items())


def test_join_keeps_folders_of_one_name_apart(two, tmp_path):
    wanted = [pixels_of(path) for path in two]
    table = read_manifest(two[1])
    names = [f"second-{name}" for name in table["sample_id"].to_pylist()]
    write_manifest(table.set_column(0, table.schema.field(0), [names]), two[1])
    join(two, tmp_path / "elsewhere" / "both.parquet")
    found = pixels_of(tmp_path / "elsewhere" / "both.parquet")
    assert len(found) == 4
    for name, image in wanted[0].items():
        assert np.array_equal(found[name], image)
    for name, image in wanted[1].items():
        assert np.array_equal(found[f"second-{name}"], image)


def test_tables_made_from_one_remember_its_folder(two, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = read_manifest(two[0])
    assert home_of(table) == two[0].parent
    wanted = pixels_of(two[0])
    assert all(np.array_equal(image, wanted[name]) for name, image in pixels_of(table.slice(1)).items())
    labels = replaced(table, "label", pa.array([5.0, 6.0], pa.float32()))
    labels = replaced(labels, "label_source", pa.array(["mos", "mos"]).dictionary_encode())
    kept = downsample(np.eye(2, dtype=np.float32), labels, epoch=0)
    assert home_of(kept) == two[0].parent
    write_manifest(kept, tmp_path / "kept.parquet")
    assert all(np.array_equal(image, wanted[name]) for name, image in pixels_of(tmp_path / "kept.parquet").items())
    mixes = mix(table, count=2)
    write_manifest(mixes, tmp_path / "deep" / "mixes.parquet")
    assert len(pixels_of(tmp_path / "deep" / "mixes.parquet")) == 2
