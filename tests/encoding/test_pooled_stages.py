"""Pooled features of quality: which stages, what of them, and pictures as large as they are."""

import json

import numpy as np
import pytest
import timm
import torch
from syndr_curate import CurateError
from syndr_curate.curate.encoding import timm_encoders
from syndr_curate.curate.encoding.encode import encode
from syndr_curate.curate.encoding.encoders import make_encoder
from syndr_curate.curate.errors import RowError

from ..making import paint_cities

NAME = "timm:test_efficientnet"
BLOCKS = ("blocks.0", "blocks.1", "blocks.2", "blocks.3", "blocks.4")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return timm.create_model("test_efficientnet", pretrained=False).eval()


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "w.pth"
    torch.save(network.state_dict(), file)
    return file


@pytest.fixture
def images():
    rng = np.random.default_rng(1)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((70, 51, 3), (64, 96, 3), (70, 51, 3))]


def stages_of(network, image):
    """The outputs of the stages on the whole picture, (C, H, W) each, by hooks on the modules."""
    seen = {}
    hooks = [
        network.get_submodule(name).register_forward_hook(lambda _m, _i, out, name=name: seen.update({name: out[0]}))
        for name in BLOCKS
    ]
    facts = network.pretrained_cfg
    scaled = (image / 255 - np.array(facts["mean"])) / np.array(facts["std"])
    with torch.no_grad():
        network(torch.from_numpy(scaled.transpose(2, 0, 1)[None].astype(np.float32)))
    for hook in hooks:
        hook.remove()
    return [seen[name].numpy() for name in BLOCKS]


def encoded(encoder, images):
    return encoder.encode([encoder.prepare(image) for image in images])


def test_each_stage_gives_the_means_of_its_channels_then_their_deviations(network, weights, images):
    encoder = make_encoder(NAME, weights=weights, device="cpu", pool=["mean", "std"])
    features = encoded(encoder, images)
    assert features.shape == (3, encoder.dimensions)
    assert features.dtype == np.float32
    for row, image in zip(features, images, strict=True):
        stages = stages_of(network, image)
        expected = [f(stage, axis=(1, 2)) for stage in stages for f in (np.mean, np.std)]
        assert np.allclose(row, np.concatenate(expected), rtol=1e-3, atol=1e-5)


def test_the_order_of_flags_does_not_change_the_order_of_features(weights, images):
    one = make_encoder(NAME, weights=weights, device="cpu", pool=["std", "mean", "std"], layers=[4, 2, 2])
    two = make_encoder(NAME, weights=weights, device="cpu", pool=["mean", "std"], layers=[2, 4])
    assert one.name == two.name == f"{NAME} pool=mean,std layers=2,4"
    assert np.array_equal(encoded(one, images), encoded(two, images))


def test_layers_and_a_single_pool_are_parts_of_the_whole(weights, images):
    whole = encoded(make_encoder(NAME, weights=weights, device="cpu", pool=["mean", "std"]), images)
    part = encoded(make_encoder(NAME, weights=weights, device="cpu", pool=["std"], layers=[1]), images)
    width = part.shape[1]
    assert np.allclose(part, whole[:, width : 2 * width], rtol=1e-5, atol=1e-6)


def test_a_flat_picture_deviates_little_and_a_noisy_one_much(weights):
    encoder = make_encoder(NAME, weights=weights, device="cpu", pool=["std"], layers=[1])
    flat = np.full((128, 128, 3), 90, np.uint8)
    noisy = np.random.default_rng(0).integers(0, 256, flat.shape, dtype=np.uint8)
    of_flat, of_noisy = encoded(encoder, [flat, noisy])
    assert of_flat.mean() < 0.5 * of_noisy.mean()


def test_features_do_not_depend_on_what_is_read_together(weights, images, monkeypatch):
    encoder = make_encoder(NAME, weights=weights, device="cpu", pool=["mean", "std"])
    together = encoded(encoder, images)
    alone = np.concatenate([encoded(encoder, [image]) for image in images])
    assert np.allclose(together, alone, rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(timm_encoders, "_PIXELS_PER_CALL", 1)
    assert np.allclose(encoded(encoder, images), alone, rtol=1e-4, atol=1e-5)


def test_a_network_reads_no_more_pixels_at_once_than_the_bound(weights, monkeypatch):
    encoder = make_encoder(NAME, weights=weights, device="cpu", pool=["mean"], layers=[1])
    monkeypatch.setattr(timm_encoders, "_PIXELS_PER_CALL", 2 * 32 * 32)
    read = []
    whole = encoder._pooled
    monkeypatch.setattr(encoder, "_pooled", lambda batch: read.append(tuple(batch.shape)) or whole(batch))
    encoded(encoder, [np.zeros((32, 32, 3), np.uint8)] * 3 + [np.zeros((64, 64, 3), np.uint8)])
    assert read == [(2, 3, 32, 32), (1, 3, 32, 32), (1, 3, 64, 64)]


def test_a_picture_without_pixels_at_the_coarsest_stage_fails_alone(weights):
    encoder = make_encoder(NAME, weights=weights, device="cpu", pool=["mean"])
    with pytest.raises(RowError, match="100x31 is smaller than the 32 pixels a side that --pool needs"):
        encoder.prepare(np.zeros((31, 100, 3), np.uint8))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (NAME, {"pool": ["max"]}, "--pool 'max': expected mean or std, or both"),
        (NAME, {"pool": "mean"}, "--pool 'mean': expected mean or std, or both"),
        (NAME, {"pool": []}, "--pool is empty: expected mean or std, or both"),
        (NAME, {"pool": ["mean"], "layers": []}, "--layers is empty: expected whole numbers from 1"),
        (NAME, {"pool": ["mean"], "layers": [0]}, "layers is 0; expected a whole number, 1 or more"),
        (NAME, {"pool": ["mean"], "layers": [2, 6]}, "--layers 6: timm:test_efficientnet has the stages 1 blocks.0, 2"),
        (NAME, {"layers": [1]}, "--layers has no effect without --pool"),
        (
            "gist",
            {"pool": ["mean"]},
            "--pool is of efficientnet-lite0 and timm:NAME; gist gives content features alone",
        ),
        ("resnet50", {"pool": ["mean"]}, "resnet50 gives content features alone"),
        ("clip-vit-b-16", {"pool": ["mean"]}, "clip-vit-b-16 gives content features alone"),
    ],
)
def test_what_cannot_be_pooled_is_refused(weights, name, settings, message):
    with pytest.raises(CurateError) as refused:
        make_encoder(name, weights=weights, device="cpu", **settings)
    assert message in str(refused.value)


def test_a_network_for_pictures_of_one_size_is_refused(tmp_path):
    torch.save(timm.create_model("test_vit", pretrained=False).state_dict(), tmp_path / "vit.pth")
    with pytest.raises(CurateError, match="--pool with timm:test_vit, which reads pictures of 160x160 alone"):
        make_encoder("timm:test_vit", weights=tmp_path / "vit.pth", device="cpu", pool=["mean"])


def test_the_command_pools_and_says_so_in_the_feature_file(syndr_curate, weights, tmp_path):
    photos = paint_cities(tmp_path / "photos", 2, side=48)
    arguments = ("encode", photos, "--encoder", NAME, "--weights", weights, "--device", "cpu", "--json")
    out = tmp_path / "f.parquet"
    done = syndr_curate(*arguments, "--pool", "std,mean", "--layers", "5,4", "--out", out)
    summary = json.loads(done.stdout)
    encoder = make_encoder(NAME, weights=weights, device="cpu", pool=["mean", "std"], layers=[4, 5])
    assert (summary["encoded"], summary["dimensions"]) == (2, encoder.dimensions)
    table = encode(photos, encoder)
    assert json.loads(table.schema.metadata[b"syndr_curate"])["encoder"]["name"] == encoder.name
    content = syndr_curate(*arguments, "--out", out, check=False)
    assert content.returncode == 2  # the file is of another request
    wrong = syndr_curate(*arguments, "--pool", "mean", "--layers", "4,x", "--out", tmp_path / "g.parquet", check=False)
    assert wrong.returncode == 2
    assert "--layers '4,x': expected comma-separated whole numbers from 1" in wrong.stderr
