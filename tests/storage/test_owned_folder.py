"""Two manifests do not share a folder of pixels: their images may have the same names."""

import os

import pytest
from syndr_curate import CurateError, read_manifest
from syndr_curate.curate.mixing.mix_files import run_mix
from syndr_curate.curate.mixing.settings import MixSettings
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.owned_folder import claim_folder


def test_a_folder_belongs_to_the_manifest_that_claimed_it_as_long_as_that_exists(tmp_path):
    images, first, second = tmp_path / "images", tmp_path / "a.parquet", tmp_path / "b.parquet"
    claim_folder(images, first, write=True)
    claim_folder(images, second, write=False)  # nobody has finished a.parquet
    first.write_bytes(b"")
    claim_folder(images, first, write=True)
    for write in (True, False):
        with pytest.raises(CurateError, match=r"holds the pixels of .*a\.parquet, whose names the new ones may have"):
            claim_folder(images, second, write=write)
    first.unlink()
    claim_folder(images, second, write=True)


def test_a_moved_tree_keeps_its_owners(tmp_path):
    claim_folder(tmp_path / "old" / "images", tmp_path / "old" / "a.parquet", write=True)
    (tmp_path / "old" / "a.parquet").write_bytes(b"")
    (tmp_path / "old").rename(tmp_path / "new")
    claim_folder(tmp_path / "new" / "images", tmp_path / "new" / "a.parquet", write=True)
    with pytest.raises(CurateError, match=r"holds the pixels of .*new/a\.parquet"):
        claim_folder(tmp_path / "new" / "images", tmp_path / "new" / "b.parquet", write=True)


def test_recipes_claim_no_folder(tmp_path):
    claim_folder(tmp_path / "images", tmp_path / "a.parquet", write=False)
    assert not (tmp_path / "images").exists()


def test_a_second_mix_does_not_overwrite_the_first_ones_pixels(image_folder, tmp_path):
    photos = image_folder("p", 3)
    sources = []
    for seed in (1, 2):
        run_distort(photos, tmp_path / f"s{seed}", types=(11, 12), levels=(3,), seed=seed, recipe_only=True)
        sources.append(tmp_path / f"s{seed}" / "manifest.parquet")
    settings = MixSettings(count=3, types=(11, 12), levels=(3,))
    run_mix(sources[0], tmp_path / "mixes" / "a.parquet", settings=settings)
    paths = read_manifest(tmp_path / "mixes" / "a.parquet")["image_path"].to_pylist()
    before = [(tmp_path / "mixes" / "mixes" / path).read_bytes() for path in paths]
    for recipe_only in (False, True):
        with pytest.raises(CurateError, match=r"mixes holds the pixels of .*a\.parquet"):
            run_mix(sources[1], tmp_path / "mixes" / "b.parquet", settings=settings, recipe_only=recipe_only)
    assert [(tmp_path / "mixes" / "mixes" / path).read_bytes() for path in paths] == before
    run_mix(sources[0], tmp_path / "mixes" / "a.parquet", settings=settings)  # the same command again
    run_mix(sources[1], tmp_path / "mixes" / "b.parquet", settings=settings, images_out=tmp_path / "other")


@pytest.mark.parametrize("plant", [os.mkfifo, lambda note: note.symlink_to(note.parent / "victim")])
def test_a_planted_note_is_neither_written_nor_waited_for(plant, tmp_path):
    (tmp_path / "victim").write_text("precious")
    plant(tmp_path / ".images.syndr-curate-owner")
    with pytest.raises(CurateError, match=r"\.images\.syndr-curate-owner is no regular file"):
        claim_folder(tmp_path / "images", tmp_path / "m.parquet", write=True)
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_result_that_is_a_fifo_is_refused(image_folder, tmp_path):
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "out" / "manifest.parquet")
    with pytest.raises(CurateError, match=r"manifest\.parquet is a FIFO"):
        run_distort(image_folder("p", 1), tmp_path / "out", types=(1,), levels=(2,))
