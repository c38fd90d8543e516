"""The larger mode of the benchmark on real photographs, with a network of one layer."""

import numpy as np
import pytest
import torch
from syndr_curate import CurateError
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.manifest.provenance import attach
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.distortions import distort
from syndr_curate.distortions.numerics.denoising.weights import shipped_digests
from torch import nn

from benchmarks.real_photos.finetuning import pixels
from benchmarks.real_photos.finetuning.crops import crop
from benchmarks.real_photos.finetuning.networks import Rater, make_network
from benchmarks.real_photos.finetuning.training import Training, answer, features_of, train
from benchmarks.real_photos.thinning.epochs import AllRows, ThinnedRows
from benchmarks.real_photos.thinning.variants import variant_of

from ..making import recipe_table

LABELS = np.arange(6) * 2.0
PICTURES = [np.full((20, 24, 3), 40 * row, np.uint8) for row in range(6)]  # of one gray each
CENTERS = np.stack([picture[:16, :16] for picture in PICTURES])


class MeanColor(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, pictures):
        return self.layer(pictures).mean((2, 3))


def brightness():
    torch.manual_seed(0)
    return Rater(MeanColor(), 3, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def trained(steps, seed=0, chooser=None):
    network = brightness()
    training = Training(steps=steps, batch=4, crop=16, feature_crop=16)
    return train(network, PICTURES, LABELS, chooser or AllRows(6), training, seed, CENTERS)[-1]


def test_two_steps_train_the_same_network_twice_and_another_with_another_seed():
    assert np.array_equal(trained(2), trained(2))
    assert not np.array_equal(trained(2), trained(2, seed=1))
    assert not np.array_equal(trained(2), trained(1))


def test_training_brings_answers_nearer_to_labels():
    before = answer(brightness(), CENTERS, "cpu")
    assert np.abs(trained(300) - LABELS).mean() < np.abs(before - LABELS).mean() - 0.5


def test_a_training_is_asked_after_half_three_quarters_and_all_of_its_steps():
    training = Training(steps=8, batch=4, crop=16)
    found = train(brightness(), PICTURES, LABELS, AllRows(6), training, 0, CENTERS)
    assert training.asked == (4, 6, 8)
    assert found.shape == (3, 6)
    assert np.array_equal(found[-1], trained(8))


def test_thinning_sees_the_features_of_the_network_and_changes_what_it_learns():
    features = features_of(brightness(), PICTURES, 16, "cpu")
    assert features.shape == (6, 3)
    ids, is_new = list("abcdef"), np.zeros(6, bool)
    chooser = ThinnedRows(ids, np.full(6, 5, np.float32), is_new, variant_of("published"), 0, keep_min=1)
    thinned = trained(6, chooser=chooser)
    assert min(chooser.counts) < 6
    assert not np.array_equal(thinned, trained(6))


def test_a_crop_is_cut_where_it_is_wanted_and_never_smaller():
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert np.array_equal(crop(picture, 2, 0.0, 1.0), picture[:2, 4:])
    assert np.array_equal(crop(picture, 2, 0.5, 0.5), picture[1:3, 2:4])
    with pytest.raises(ValueError, match="6 x 4 is smaller than a crop of 5"):
        crop(picture, 5, 0.5, 0.5)


def test_networks_without_weights_or_with_others_are_refused_by_name(tmp_path):
    with pytest.raises(CurateError, match="--network resnet18 needs --weights FILE"):
        make_network("resnet18", None)
    with pytest.raises(CurateError, match="there is no such file"):
        make_network("resnet18", tmp_path / "none.pth")
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(CurateError, match="the weights do not fit resnet18"):
        make_network("resnet18", tmp_path / "other.pth")


def test_resnet18_takes_the_weights_that_torchvision_saves(tmp_path):
    from torchvision.models import resnet18

    torch.manual_seed(1)
    saved = resnet18(weights=None)
    torch.save(saved.state_dict(), tmp_path / "resnet18.pth")
    network = make_network("resnet18", tmp_path / "resnet18.pth").eval()
    pictures = torch.rand(2, 3, 64, 64)
    saved.fc = nn.Identity()
    with torch.no_grad():
        assert torch.allclose(network.body(pictures), saved.eval()(pictures), atol=1e-5)


def test_training_pixels_are_rendered_with_the_weights_that_their_manifest_names(image_folder, tmp_path, monkeypatch):
    photos, first = image_folder("p", 1), shipped_digests()[-1]
    table = recipe_table(["p0"], types=[15], levels=[2], references="references")
    facts = {"roots": {"references": str(photos), "images": None}, "pixels": "recipe", "denoiser": first}
    write_manifest(attach(table, facts), tmp_path / "m.parquet")
    monkeypatch.setattr(pixels, "manifest_path", lambda _run, _pool: tmp_path / "m.parquet")
    monkeypatch.setattr(pixels, "_pixel_path", lambda *_: tmp_path / "p.npy")
    pixels._render(None, "pool", "p0", [15])
    expected = distort(decode_image(photos / "p0.png"), 15, 2, seed=table["seed"][0].as_py(), denoiser=first)
    assert np.array_equal(np.load(tmp_path / "p.npy"), expected[None])
