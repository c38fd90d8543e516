"""A manifest as a torch dataset."""

import pickle
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from PIL import Image
from syndr_curate import CurateError, ManifestDataset
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.distortions.catalog import CATALOG
from torch.utils.data import DataLoader

from ..making import decoded_names

ALL_TYPES = tuple(entry.id for entry in CATALOG)


def plain(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


@pytest.fixture(scope="module")
def sets(image_folder, tmp_path_factory):
    """One set of all types, as recipes and in every layout of stored pixels."""
    photos, folder = image_folder("photo", 2), tmp_path_factory.mktemp("sets")
    stored = {layout: {"layout": layout} for layout in ("files", "webdataset", "parquet")}
    for name, choice in {"recipe": {"recipe_only": True}, **stored}.items():
        run_distort(photos, folder / name, types=ALL_TYPES, levels=(1, 5), **choice)
    return folder


def labeled(folder, **columns) -> pa.Table:
    table = read_manifest(folder / "manifest.parquet")
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), table.schema.field(name), values)
    return table


@pytest.mark.parametrize("workers", [0, 2])
def test_recipe_rows_are_rendered_to_the_stored_pixels_for_all_25_types(sets, workers):
    recipes = ManifestDataset(sets / "recipe" / "manifest.parquet")
    table = read_manifest(sets / "files" / "manifest.parquet")
    assert not any((sets / "recipe").rglob("*.png"))
    seen = {}
    for batch in DataLoader(recipes, batch_size=5, num_workers=workers):
        for image, identifier in zip(batch.image, batch.sample_id, strict=True):
            seen[identifier] = image.permute(1, 2, 0).numpy()
    assert len(seen) == 2 * 25 * 2
    for identifier, path, kind in zip(
        *(table[c].to_pylist() for c in ("sample_id", "image_path", "distortion_id")), strict=True
    ):
        stored = decode_image(sets / "files" / "images" / path)
        assert np.array_equal(seen[identifier], stored), f"type {kind}"
    assert set(table["distortion_id"].to_pylist()) == set(ALL_TYPES)


@pytest.mark.parametrize("layout", ["files", "webdataset", "parquet"])
@pytest.mark.parametrize("workers", [0, 2])
def test_every_layout_gives_the_pixels_of_the_recipe(sets, layout, workers):
    stored = ManifestDataset(sets / layout / "manifest.parquet", roots={"references": "/"})
    recipes = ManifestDataset(sets / "recipe" / "manifest.parquet")
    for batch in DataLoader(stored, batch_size=10, num_workers=workers):
        for image, identifier in zip(batch.image, batch.sample_id, strict=True):
            place = recipes.sample_ids.index(identifier)
            assert np.array_equal(image.permute(1, 2, 0).numpy(), recipes.pixels(place))


@pytest.mark.slow
def test_spawned_workers_give_the_same_images_as_none(sets):
    dataset = ManifestDataset(sets / "recipe" / "manifest.parquet", plain)
    alone = [sample.image for sample in dataset]
    loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context="spawn")
    assert all(torch.equal(a.image, b) for a, b in zip(loader, alone, strict=True))


def test_a_copy_in_another_process_takes_no_images_along(sets):
    dataset = ManifestDataset(sets / "recipe" / "manifest.parquet")
    before = len(pickle.dumps(dataset))
    first = dataset[0].image
    assert len(pickle.dumps(dataset)) == before
    assert before < 50_000  # 100 rows, without the columns that no loader needs
    assert torch.equal(pickle.loads(pickle.dumps(dataset))[0].image, first)


def test_a_transform_gets_a_pil_image_and_a_batch_has_the_fields_of_a_sample(sets):
    labels = pa.array(np.linspace(0, 10, 100, dtype=np.float32))
    stds = pa.array([0.5, None] * 50, pa.float32())
    table = labeled(sets / "files", label=labels, label_std=stds)
    seen = []

    def transform(image):
        seen.append((type(image), image.mode, image.size))
        return plain(image)

    dataset = ManifestDataset(table, transform, folder=sets / "files")
    (batch,) = DataLoader(dataset, batch_size=100)
    assert set(seen) == {(Image.Image, "RGB", (80, 64))}
    assert batch.image.shape == (100, 3, 64, 80)
    assert batch.label.dtype == batch.label_std.dtype == torch.float32
    assert batch.label.tolist() == labels.to_pylist()
    assert batch.label_std[:2].isnan().tolist() == [False, True]
    assert list(batch.sample_id) == dataset.sample_ids
    image, label, label_std, sample_id = dataset[3]
    assert (label.item(), label_std.isnan().item(), sample_id) == (labels[3].as_py(), True, dataset.sample_ids[3])
    assert torch.equal(dataset.with_transform(None)[3].image, image)
    assert dataset.with_transform(None).rows is dataset.rows


def test_a_row_without_a_label_has_nan(sets):
    assert ManifestDataset(sets / "files" / "manifest.parquet")[0].label.isnan()


def test_only_ok_rows_of_the_split_are_there(sets):
    statuses = pa.array(["ok"] * 90 + ["failed"] * 10).dictionary_encode()
    splits = pa.array((["train"] * 3 + ["val"]) * 25).dictionary_encode()
    table = labeled(sets / "files", status=statuses, split=splits)
    whole = ManifestDataset(table, folder=sets / "files")
    assert (len(whole), whole.rows_not_ok) == (90, 10)
    val = ManifestDataset(table, split="val", folder=sets / "files")
    assert val.sample_ids == table["sample_id"].to_pylist()[:90][3::4]
    with pytest.raises(CurateError, match="no row with status ok and split test"):
        ManifestDataset(table, split="test", folder=sets / "files")
    with pytest.raises(CurateError, match="split 'training'; expected train, val, test"):
        ManifestDataset(table, split="training", folder=sets / "files")


def test_negative_indices_and_those_past_the_end_are_as_in_a_list(sets):
    dataset = ManifestDataset(sets / "files" / "manifest.parquet")
    assert dataset[-1].sample_id == dataset.sample_ids[-1]
    for wrong in (100, -101):
        with pytest.raises(IndexError):
            dataset[wrong]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_file_is_an_error_that_names_its_row(sets, tmp_path, workers):
    shutil.copytree(sets / "files", tmp_path / "set")
    table = read_manifest(tmp_path / "set" / "manifest.parquet")
    (tmp_path / "set" / "images" / table["image_path"][1].as_py()).write_bytes(b"no image")
    dataset = ManifestDataset(tmp_path / "set" / "manifest.parquet")
    with pytest.raises(CurateError, match=rf"'{dataset.sample_ids[1]}' .*: not an image"):
        list(DataLoader(dataset, batch_size=None, num_workers=workers))


def test_what_cannot_be_rendered_says_why_and_which_row(sets, tmp_path, image_folder):
    recipes = read_manifest(sets / "recipe" / "manifest.parquet")
    first = recipes["sample_id"][0].as_py()
    gone = ManifestDataset(recipes, folder=sets / "recipe", roots={"references": tmp_path})
    with pytest.raises(CurateError, match=rf"'{first}' .*: reference photo0.png: No such file"):
        gone[0]
    small = image_folder("photo", 2, height=20, width=20)
    tiny = ManifestDataset(recipes, folder=sets / "recipe", roots={"references": small})
    place = recipes["distortion_id"].to_pylist().index(20)
    with pytest.raises(CurateError, match=f"'{tiny.sample_ids[place]}' .* needs an image of at least"):
        tiny[place]
    unseeded = labeled(sets / "recipe", seed=pa.nulls(100, pa.int64()))
    with pytest.raises(CurateError, match=rf"'{first}' .*: No such file"):
        ManifestDataset(unseeded, folder=sets / "recipe")[0]


def test_roots_and_folder_say_where_files_are(sets, tmp_path):
    shutil.copy(sets / "files" / "manifest.parquet", tmp_path / "moved.parquet")
    moved = ManifestDataset(tmp_path / "moved.parquet", roots={"images": str(sets / "files" / "images")})
    assert torch.equal(moved[7].image, ManifestDataset(sets / "files" / "manifest.parquet")[7].image)
    with pytest.raises(CurateError, match="no root 'nowhere'"):
        ManifestDataset(tmp_path / "moved.parquet", roots={"nowhere": tmp_path})
    with pytest.raises(CurateError, match="folder= is for a table"):
        ManifestDataset(tmp_path / "moved.parquet", folder=tmp_path)


def test_references_are_decoded_once_as_long_as_they_fit_into_the_cache(sets, monkeypatch):
    decoded = decoded_names(monkeypatch)
    size = 64 * 80 * 3
    for limit, expected in ((2 * size, 2), (2 * size - 1, 6), (0, 6)):
        decoded.clear()
        dataset = ManifestDataset(sets / "recipe" / "manifest.parquet", reference_cache_bytes=limit)
        for place in (0, 50, 0, 50, 0, 50):  # 50 rows for each of the two references
            dataset[place]
        assert len(decoded) == expected


def test_the_exif_orientation_of_references_is_obeyed_where_the_manifest_says_so(tmp_path, photograph):
    tag = Image.Exif()
    tag[0x0112] = 6
    (tmp_path / "photos").mkdir()
    Image.fromarray(photograph(1, 64, 80)).save(tmp_path / "photos" / "a.png", exif=tag)
    run_distort(tmp_path / "photos", tmp_path / "set", types=(1,), levels=(3,), recipe_only=True)
    table = read_manifest(tmp_path / "set" / "manifest.parquet")
    turned = attach(table, {**read_provenance(table), "exif_orient": True})
    assert ManifestDataset(table, folder=tmp_path / "set")[0].image.shape == (3, 64, 80)
    assert ManifestDataset(turned, folder=tmp_path / "set")[0].image.shape == (3, 80, 64)


def test_the_rows_are_a_table_to_look_things_up_in(sets, tmp_path):
    table = labeled(sets / "files").append_column("scene", pa.array(["x"] * 100))
    write_manifest(table, tmp_path / "m.parquet")
    dataset = ManifestDataset(tmp_path / "m.parquet", split="train", roots={"images": sets / "files" / "images"})
    assert set(dataset.rows["scene"].to_pylist()) == {"x"}
    assert not {"neighbors", "status", "error"} & set(dataset.rows.column_names)
    assert pc.equal(dataset.rows["sample_id"], table["sample_id"]).to_pylist() == [True] * 100
