"""The denoiser's weights in the provenance, and what is said where others are installed."""

import hashlib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate import CurateError, CurateWarning, ManifestDataset, downsample
from syndr_curate.curate.checks.inspect import as_text, inspect
from syndr_curate.curate.checks.verify import verify
from syndr_curate.curate.labeling.label import selected_rows, where_pixels_lie
from syndr_curate.curate.manifest.joining.rows import join
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.pixel_facts import decoding_of
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.mixing.mix import mix
from syndr_curate.curate.mixing.mix_files import run_mix
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import DecodeOptions, decode_image
from syndr_curate.distortions import distort
from syndr_curate.distortions.numerics.denoising.weights import newest_digest

from ..making import recipe_table, training_rows

OTHERS = "0" * 64
FIRST = "fd995cc792aaa06363b694ec175c35642d02803f791c42b9f71e15adfc23fc9f"  # denoiser-1


@pytest.fixture
def photos(image_folder):
    return image_folder("p", 2)


def denoised(photos, types=(10, 15), digest=OTHERS, pixels="recipe"):
    rows = recipe_table(["p0", "p1"], types=types, levels=[2], references="references")
    facts = {"roots": {"references": str(photos), "images": None}, "pixels": pixels, "denoiser": digest}
    return attach(rows, facts)


def test_the_digest_is_that_of_the_packaged_file():
    content = (files("syndr_curate.distortions.numerics.denoising") / "denoiser-2.safetensors").read_bytes()
    assert newest_digest() == hashlib.sha256(content).hexdigest()


def test_distort_names_the_weights_of_new_rows_and_of_rows_rendered_again(photos, tmp_path):
    run_distort(photos, tmp_path / "a", types=(1,), levels=(1,), recipe_only=True)
    made = tmp_path / "a" / "manifest.parquet"
    assert read_provenance(read_manifest(made))["denoiser"] == newest_digest()
    write_manifest(denoised(photos, types=(1,)), tmp_path / "old.parquet")
    run_distort(tmp_path / "old.parquet", tmp_path / "b", types=None)
    assert read_provenance(read_manifest(tmp_path / "b" / "manifest.parquet"))["denoiser"] == newest_digest()


def test_rows_laid_out_for_labels_name_the_weights():
    kept = pa.table({"candidate_id": ["c"], "candidate_path": ["c.png"], "status": ["kept"]})
    rows = selected_rows(kept, (15,), (1,), 123)
    assert read_provenance(rows)["denoiser"] == newest_digest()


def test_stages_that_take_rows_over_take_over_the_weights_they_were_made_with(photos):
    before = denoised(photos, pixels="stored")
    assert read_provenance(mix(before, count=1, types=[10, 15], levels=[2]))["denoiser"] == OTHERS
    assert where_pixels_lie(read_provenance(before))["denoiser"] == OTHERS
    labeled = attach(training_rows(["a", "b"], [1.0, 2.0]), {"denoiser": OTHERS})
    assert read_provenance(downsample(np.ones((2, 3), np.float32), labeled, epoch=0))["denoiser"] == OTHERS


def test_recipes_are_rendered_with_the_installed_weights_and_that_is_said(photos, tmp_path):
    with pytest.warns(CurateWarning, match=r"2 rows of type 15 \(denoise\) were made with other denoiser weights"):
        mixed = mix(denoised(photos), count=1, types=[10, 15], levels=[2])
    assert read_provenance(mixed)["denoiser"] == newest_digest()
    write_manifest(denoised(photos), tmp_path / "m.parquet")
    with pytest.warns(CurateWarning, match="would be rendered otherwise"):
        ManifestDataset(tmp_path / "m.parquet")
    with pytest.warns(CurateWarning, match="would be rendered otherwise"):
        run_distort(tmp_path / "m.parquet", tmp_path / "again", types=None, recipe_only=True)


def test_rows_made_with_older_weights_that_ship_are_rendered_with_these(photos, tmp_path):
    write_manifest(denoised(photos, digest=FIRST), tmp_path / "m.parquet")
    assert verify(tmp_path / "m.parquet").problems == []
    dataset = ManifestDataset(tmp_path / "m.parquet")
    rows = [row for row in read_manifest(tmp_path / "m.parquet").to_pylist() if row["distortion_id"] == 15]
    shown = {dataset.sample_ids[position]: dataset.pixels(position) for position in range(len(dataset))}
    run_distort(tmp_path / "m.parquet", tmp_path / "again", types=None)
    again = read_manifest(tmp_path / "again" / "manifest.parquet")
    assert read_provenance(again)["denoiser"] == FIRST
    assert len(rows) == 2
    for row in rows:
        reference = decode_image(photos / row["reference_path"])
        expected = distort(reference, 15, row["level"], seed=row["seed"], denoiser=FIRST)
        assert np.array_equal(shown[row["sample_id"]], expected)
        assert np.array_equal(decode_image(tmp_path / "again" / "images" / row["image_path"]), expected)


def test_new_rows_of_an_older_manifests_references_have_the_newest_weights_and_say_so(photos, tmp_path):
    write_manifest(denoised(photos, types=(15,), digest=FIRST), tmp_path / "old.parquet")
    run_distort(tmp_path / "old.parquet", tmp_path / "new", types=(15,), levels=(2,))
    made = tmp_path / "new" / "manifest.parquet"
    assert read_provenance(read_manifest(made))["denoiser"] == newest_digest()
    row = read_manifest(made).to_pylist()[0]
    expected = distort(decode_image(photos / row["reference_path"]), 15, 2, seed=row["seed"])
    assert np.array_equal(decode_image(tmp_path / "new" / "images" / row["image_path"]), expected)
    assert verify(made).problems == []


@pytest.mark.parametrize("source", ["folder", "manifest"])
def test_new_rows_with_weights_that_the_request_names_name_them(photos, tmp_path, source):
    write_manifest(denoised(photos), tmp_path / "m.parquet")
    images = photos if source == "folder" else tmp_path / "m.parquet"
    run_distort(images, tmp_path / "new", types=(15,), levels=(2,), decoding=DecodeOptions(denoiser=FIRST))
    made = tmp_path / "new" / "manifest.parquet"
    assert read_provenance(read_manifest(made))["denoiser"] == FIRST
    assert verify(made).problems == []


def test_a_request_for_other_weights_than_the_rows_were_made_with_is_refused(photos, tmp_path):
    write_manifest(denoised(photos, digest=FIRST), tmp_path / "m.parquet")
    with pytest.raises(CurateError, match=f"weights {FIRST}, the request says {newest_digest()}: leave `denoiser`"):
        run_distort(
            tmp_path / "m.parquet", tmp_path / "new", types=None, decoding=DecodeOptions(denoiser=newest_digest())
        )


def test_weights_that_no_release_has_are_refused_before_work_begins():
    with pytest.raises(CurateError, match=f"denoiser '0000.*expected the SHA-256 of weights .* {FIRST}; leave it away"):
        DecodeOptions(denoiser=OTHERS)


@pytest.mark.parametrize("pixels", ["recipe", "stored"])
def test_rows_made_before_weights_were_named_are_rendered_with_the_first(photos, tmp_path, pixels):
    write_manifest(denoised(photos, digest=None, pixels=pixels), tmp_path / "m.parquet")
    dataset = ManifestDataset(tmp_path / "m.parquet")
    for position, row in enumerate(read_manifest(tmp_path / "m.parquet").to_pylist()):
        reference = decode_image(photos / row["reference_path"])
        expected = distort(reference, row["distortion_id"], 2, seed=row["seed"], denoiser=FIRST)
        assert np.array_equal(dataset.pixels(position), expected)
    run_distort(tmp_path / "m.parquet", tmp_path / "again", types=None)
    assert read_provenance(read_manifest(tmp_path / "again" / "manifest.parquet"))["denoiser"] == FIRST
    assert read_provenance(mix(tmp_path / "m.parquet", count=1, types=[10, 15], levels=[2]))["denoiser"] == FIRST


def test_mixes_made_before_weights_were_named_are_rendered_with_the_first_and_say_so(photos, tmp_path):
    mixed = mix(denoised(photos), count=1, types=[10, 15], levels=[2])
    write_manifest(attach(mixed, {**read_provenance(mixed), "denoiser": None}), tmp_path / "mixed.parquet")
    run_mix(tmp_path / "mixed.parquet", tmp_path / "out", None)
    assert read_provenance(read_manifest(tmp_path / "out" / "manifest.parquet"))["denoiser"] == FIRST


def test_rows_made_before_weights_were_named_do_not_join_rows_of_other_weights(photos):
    unnamed = denoised(photos, digest=None)
    newer = attach(recipe_table(["q"], types=[15], levels=[1]), {"denoiser": newest_digest(), "pixels": "recipe"})
    with pytest.raises(CurateError, match="come from different denoiser weights"):
        join([unnamed, newer])
    named = attach(recipe_table(["q"], types=[1], levels=[1]), {"denoiser": newest_digest(), "pixels": "recipe"})
    assert read_provenance(join([unnamed, named]))["denoiser"] == FIRST


def test_rows_with_roots_alone_have_the_newest_weights_and_so_have_rows_made_from_them(photos):
    roots = {"references": str(photos), "images": None}
    alone = attach(recipe_table(["p0"], types=[15], levels=[2], references="references"), {"stage": "relocate"})
    alone = attach(alone, {**read_provenance(alone), "roots": roots})
    assert where_pixels_lie(read_provenance(alone))["denoiser"] == newest_digest()
    with pytest.raises(CurateError, match="come from different denoiser weights"):
        join([denoised(photos, digest=FIRST, pixels="stored"), alone])
    with pytest.warns(CurateWarning, match=r"rows of type 15 \(denoise\) are rendered with the newest weights"):
        assert decoding_of(read_provenance(alone), DecodeOptions(), "m.parquet").denoiser is None  # the newest


def test_mixes_of_such_recipes_name_the_older_weights(photos):
    assert (
        read_provenance(mix(denoised(photos, digest=FIRST), count=1, types=[10, 15], levels=[2]))["denoiser"] == FIRST
    )


def test_weights_matter_only_beside_rows_that_they_made(photos):
    other = attach(recipe_table(["q"], types=[1], levels=[1]), {"denoiser": "1" * 64, "pixels": "recipe"})
    assert read_provenance(join([denoised(photos, types=(15,)), other]))["denoiser"] == OTHERS
    assert read_provenance(join([other, denoised(photos, types=(15,))]))["denoiser"] == OTHERS


def test_joined_manifests_have_one_denoiser(photos):
    named, unnamed = denoised(photos), attach(training_rows(["a"], [1.0]), {"stage": "testset", "pixels": "recipe"})
    assert read_provenance(join([unnamed, named]))["denoiser"] == OTHERS
    other = attach(recipe_table(["q"], types=[15], levels=[1]), {"denoiser": "1" * 64, "pixels": "recipe"})
    with pytest.raises(CurateError, match=r"type 15 \(denoise\) come from different denoiser weights: 0000.*, 1111"):
        join([named, other])


def test_rows_of_other_weights_are_a_problem_of_verify_and_inspect(photos, tmp_path):
    write_manifest(denoised(photos), tmp_path / "m.parquet")
    problem = verify(tmp_path / "m.parquet").problems[0]
    assert problem.startswith(
        "2 rows of type 15 (denoise) were made with other denoiser weights (SHA-256 000000000000)"
    )
    assert newest_digest()[:12] in problem
    facts = inspect(tmp_path / "m.parquet")
    assert facts["problems"] == [problem]
    assert f"problem: {problem}" in as_text(facts)


def test_mixes_of_such_rows_are_counted_too(photos):
    mixed = mix(denoised(photos, pixels="stored"), count=3, types=[10, 15], levels=[2])
    assert inspect(mixed)["problems"][0].startswith("3 rows of type 15")


@pytest.mark.parametrize(
    "change",
    [
        {"digest": newest_digest()},
        {"digest": None},  # a manifest of schema version 1 names none
        {"types": (1, 10)},
    ],
)
def test_the_installed_weights_no_digest_and_other_types_are_no_problem(photos, tmp_path, change):
    write_manifest(denoised(photos, **change), tmp_path / "m.parquet")
    assert verify(tmp_path / "m.parquet").problems == []


def test_images_of_the_type_that_somebody_else_made_are_no_problem():
    theirs = training_rows(["I01_15_01"], [1.0], distortion_id=15, distortion="denoise", level=1)
    assert inspect(attach(theirs, {"denoiser": OTHERS}))["problems"] == []


def test_upsample_names_the_weights(demo):
    folder, _ = demo
    for name in ("train", "epoch0"):
        assert read_provenance(read_manifest(Path(folder) / f"{name}.parquet"))["denoiser"] == newest_digest()
