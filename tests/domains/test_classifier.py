"""Classifiers as files, and the five patches they look at."""

import json

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.domains.classifier import LightClassifier, light_patch
from syndr_curate.curate.domains.classifier_files import load_classifier, save_classifier
from syndr_curate.curate.domains.features import FEATURE_VERSION, domain_features, feature_count
from syndr_curate.curate.domains.mlp_ensemble import Ensemble
from syndr_curate.curate.domains.patches import five_patches, patch_corners
from syndr_curate.curate.errors import RowError


@pytest.fixture(scope="module")
def classifier():
    rng = np.random.Generator(np.random.PCG64(1))
    count = feature_count()
    member = (
        (rng.normal(0, 0.1, (count, 8)).astype(np.float32), np.zeros(8, np.float32)),
        (rng.normal(0, 1, (8, 26)).astype(np.float32), np.zeros(26, np.float32)),
    )
    return LightClassifier(Ensemble(np.zeros(count, np.float32), np.ones(count, np.float32), (member, member)))


def test_the_five_patches_are_the_middle_and_the_corners():
    assert patch_corners(10, 20, (4, 6)) == ((3, 7), (0, 0), (0, 14), (6, 0), (6, 14))
    image = np.arange(10 * 20 * 3, dtype=np.uint8).reshape(10, 20, 3)
    patches = five_patches(image, (4, 6))
    assert [patch.shape for patch in patches] == [(4, 6, 3)] * 5
    assert np.array_equal(patches[4], image[6:, 14:])
    # A picture of one patch is five times the same.
    assert patch_corners(4, 6, (4, 6)) == ((0, 0),) * 5


@pytest.mark.parametrize(
    ("size", "patch"),
    [((64, 64), (64, 64)), ((241, 481), (224, 256)), ((2000, 90), (256, 64)), ((400, 400), (256, 256))],
)
def test_patches_are_as_large_as_the_picture_allows(size, patch):
    assert light_patch(np.zeros((*size, 3), np.uint8)) == patch


def test_too_small_a_picture_is_refused(classifier):
    with pytest.raises(RowError, match="100x63 is smaller than 64x64"):
        classifier.prepare(np.zeros((63, 100, 3), np.uint8))


def test_scores_are_the_mean_over_the_patches(classifier, photograph):
    image = photograph(1, 96, 160)
    prepared = classifier.prepare(image)
    assert prepared.shape == (5, feature_count())
    assert np.array_equal(prepared[1], domain_features(image[:96, :160]))
    scores = classifier.scores([prepared, prepared[:1]])
    each = [classifier.scores([row[None]])[0] for row in prepared]
    assert scores[0] == pytest.approx(np.mean(each, axis=0))
    assert scores[1] == pytest.approx(each[0])


def test_what_was_saved_scores_the_same(classifier, photograph, tmp_path):
    path = tmp_path / "c.safetensors"
    facts = save_classifier(classifier, {"references": 3}, path)
    loaded, read = load_classifier(path)
    assert read == facts
    assert read["kind"] == "light"
    prepared = [classifier.prepare(photograph(1))]
    assert np.array_equal(loaded.scores(prepared), classifier.scores(prepared))
    before = path.read_bytes(), path.with_suffix(".json").read_bytes()
    save_classifier(classifier, {"references": 3}, path)
    assert before == (path.read_bytes(), path.with_suffix(".json").read_bytes())


def test_damaged_and_foreign_files_are_refused_with_what_to_do(classifier, tmp_path):
    path = tmp_path / "c.safetensors"
    facts = save_classifier(classifier, {}, path)
    beside = path.with_suffix(".json")

    def refused(message):
        with pytest.raises(CurateError, match=message):
            load_classifier(path)

    beside.write_text(json.dumps({**facts, "weights_digest": "0"}))
    refused("do not belong together")
    beside.write_text("[1]")
    refused("does not describe a domain classifier")
    beside.write_text("{")
    refused("is not JSON")
    beside.unlink()
    refused("cannot read the classifier's facts")
    with pytest.raises(CurateError, match=r"is no classifier.*\.safetensors"):
        load_classifier(tmp_path / "c.pkl")


def test_a_classifier_of_other_features_is_refused(tmp_path):
    few = Ensemble(
        np.zeros(3, np.float32), np.ones(3, np.float32), (((np.zeros((3, 26), np.float32), np.zeros(26, np.float32)),),)
    )
    save_classifier(LightClassifier(few), {}, tmp_path / "c.safetensors")
    with pytest.raises(CurateError, match="another release"):
        load_classifier(tmp_path / "c.safetensors")


def test_a_classifier_of_another_version_of_the_features_is_refused(classifier, tmp_path):
    path = tmp_path / "c.safetensors"
    save_classifier(classifier, {"config": {"feature_version": FEATURE_VERSION}}, path)
    load_classifier(path)
    save_classifier(classifier, {"config": {"feature_version": FEATURE_VERSION - 1}}, path)
    with pytest.raises(CurateError, match="another release, on other features: fit the classifier again"):
        load_classifier(path)
