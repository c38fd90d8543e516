"""Models of timm as encoders: their own preprocessing, weights from files, and what does not fit."""

import re
import subprocess
import sys

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file
from syndr_curate import CurateError
from syndr_curate.curate.encoding.encoders import make_encoder
from syndr_curate.curate.encoding.timm_encoders import _fit
from syndr_curate.curate.encoding.weights import load_state
from timm.data import create_transform, resolve_model_data_config
from torchvision.models import vgg16

# Small models that timm keeps for its own tests.
SMALL = ("test_vit", "test_efficientnet", "test_convnext", "test_resnet")
NAMED = ("vit_base_patch16_224", "swin_tiny_patch4_window7_224", "vgg16")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((300, 251, 3), (224, 224, 3), (90, 400, 3))]


def random_model(name, classes=1000):
    torch.manual_seed(0)
    return timm.create_model(name, pretrained=False, num_classes=classes).eval()


def expected_features(model, image):
    """What a reader of timm's documentation would write: the model's transform, and no classifier."""
    model.reset_classifier(0)
    transform = create_transform(**resolve_model_data_config(model), is_training=False)
    with torch.no_grad():
        return model(transform(Image.fromarray(image))[None])[0].numpy()


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in NAMED)])
def test_a_model_of_timm_gives_what_it_has_before_its_classifier(name, images, tmp_path):
    model = random_model(name)
    torch.save(model.state_dict(), tmp_path / "w.pth")
    encoder = make_encoder(f"timm:{name}", weights=tmp_path / "w.pth", device="cpu")
    features = encoder.encode([encoder.prepare(image) for image in images])
    assert (encoder.name, encoder.dimensions) == (f"timm:{name}", features.shape[1])
    assert features.dtype == np.float32
    for row, image in zip(features, images, strict=True):
        assert np.allclose(row, expected_features(model, image), rtol=1e-4, atol=1e-5)


def test_a_name_may_have_a_tag_that_timm_knows(images, tmp_path):
    torch.save(random_model("vit_tiny_patch16_224").state_dict(), tmp_path / "w.pth")
    plain = make_encoder("timm:vit_tiny_patch16_224", weights=tmp_path / "w.pth", device="cpu")
    tagged = make_encoder("timm:vit_tiny_patch16_224.augreg_in21k", weights=tmp_path / "w.pth", device="cpu")
    assert tagged.name == "timm:vit_tiny_patch16_224.augreg_in21k"
    assert np.array_equal(plain.prepare(images[0]), tagged.prepare(images[0]))
    with pytest.raises(CurateError, match=r"timm cannot build timm:vit_tiny_patch16_224\.nothing: .*nothing"):
        make_encoder("timm:vit_tiny_patch16_224.nothing", weights=tmp_path / "w.pth", device="cpu")


@pytest.mark.parametrize("classes", [0, 7])
def test_weights_with_another_classifier_or_none_are_taken(images, tmp_path, classes):
    model = random_model("test_efficientnet", classes)
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    encoder = make_encoder("timm:test_efficientnet", weights=tmp_path / "w.safetensors", device="cpu")
    (row,) = encoder.encode([encoder.prepare(images[0])])
    assert np.allclose(row, expected_features(model, images[0]), rtol=1e-4, atol=1e-5)


def authors_name(key):
    """ConvNeXt's names of weights, as its authors' own checkpoints have them."""
    key = re.sub(r"^stem\.", "downsample_layers.0.", key)
    key = re.sub(r"^stages\.(\d+)\.downsample\.", r"downsample_layers.\1.", key)
    key = re.sub(r"^stages\.(\d+)\.blocks\.", r"stages.\1.", key)
    for ours, theirs in (("conv_dw", "dwconv"), ("mlp.fc1", "pwconv1"), ("mlp.fc2", "pwconv2")):
        key = key.replace(ours, theirs)
    return key.replace("head.norm", "norm").replace("head.fc", "head")


def test_an_authors_checkpoint_is_taken_under_its_own_names(images, tmp_path):
    model = random_model("test_convnext")
    state = {authors_name(key): value for key, value in model.state_dict().items()}
    torch.save({"model": state}, tmp_path / "authors.pth")
    encoder = make_encoder("timm:test_convnext", weights=tmp_path / "authors.pth", device="cpu")
    (row,) = encoder.encode([encoder.prepare(images[0])])
    assert np.allclose(row, expected_features(model, images[0]), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_torchvisions_vgg16_is_taken_under_its_own_names(images, tmp_path):
    torch.manual_seed(0)
    network = vgg16(weights=None).eval()
    torch.save(network.state_dict(), tmp_path / "vgg16.pth")
    encoder = make_encoder("timm:vgg16", weights=tmp_path / "vgg16.pth", device="cpu")
    prepared = encoder.prepare(images[0])
    (row,) = encoder.encode([prepared])
    with torch.no_grad():
        pooled = torch.flatten(network.features(torch.from_numpy(prepared[None])), 1)
        assert np.allclose(row, network.classifier[:5](pooled)[0].numpy(), rtol=1e-4, atol=1e-5)


def refused(name, file):
    with pytest.raises(CurateError) as error:
        make_encoder(name, weights=file, device="cpu")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600
    return str(error.value)


@pytest.mark.parametrize("name", SMALL)
def test_weights_of_another_model_are_refused_by_name(name, tmp_path):
    other = "test_byobnet"
    torch.save(random_model(other).state_dict(), tmp_path / "other.pth")
    assert f"other.pth does not fit timm:{name}: " in refused(f"timm:{name}", tmp_path / "other.pth")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_weights_of_another_well_known_model_are_refused_by_name(name, tmp_path):
    torch.save(random_model("test_byobnet").state_dict(), tmp_path / "other.pth")
    assert f"other.pth does not fit timm:{name}: " in refused(f"timm:{name}", tmp_path / "other.pth")


def test_weights_without_a_layer_are_refused_by_name(tmp_path):
    state = random_model("test_vit").state_dict()
    del state["blocks.2.mlp.fc1.weight"]
    torch.save(state, tmp_path / "part.pth")
    message = refused("timm:test_vit", tmp_path / "part.pth")
    assert "part.pth does not fit timm:test_vit: " in message
    assert "blocks.2.mlp.fc1.weight" in message


def test_weights_for_pictures_of_another_size_are_refused_not_resampled(tmp_path):
    larger = timm.create_model("test_vit", pretrained=False, img_size=192)
    torch.save(larger.state_dict(), tmp_path / "larger.pth")
    message = refused("timm:test_vit", tmp_path / "larger.pth")
    assert "larger.pth does not fit timm:test_vit: " in message
    assert "pos_embed" in message


def test_an_authors_checkpoint_for_another_size_is_refused_not_resampled(tmp_path):
    larger = timm.create_model("test_vit", pretrained=False, img_size=192).state_dict()
    torch.save({**larger, "mask_token": torch.zeros(1, 1, 64)}, tmp_path / "larger.pth")
    message = refused("timm:test_vit", tmp_path / "larger.pth")
    assert "larger.pth does not fit timm:test_vit: " in message
    assert "'pos_embed' would have to be resampled" in message


def swin_authors_name(key):
    """Swin's authors count a downsampling to the stage before it."""
    return re.sub(r"layers\.(\d+)\.downsample", lambda found: f"layers.{int(found[1]) - 1}.downsample", key)


@pytest.mark.slow
@pytest.mark.parametrize(("window", "fits"), [(7, True), (12, False)])
def test_an_authors_checkpoint_for_another_window_is_refused_not_resampled(tmp_path, window, fits):
    name = "swin_tiny_patch4_window7_224"
    network = timm.create_model(name, pretrained=False, num_classes=0, img_size=32 * window, window_size=window)
    state = {swin_authors_name(key): value for key, value in network.state_dict().items()}
    torch.save({"model": state}, tmp_path / "swin.pth")
    if fits:
        assert make_encoder(f"timm:{name}", weights=tmp_path / "swin.pth", device="cpu").dimensions == 768
    else:
        assert "relative_position_bias_table" in refused(f"timm:{name}", tmp_path / "swin.pth")


def test_a_checkpoint_whose_conversion_cuts_something_off_is_taken(tmp_path):
    """DINOv2 with registers has a position of the class token, which timm adds to the token."""
    model = timm.create_model("test_vit", pretrained=False, num_classes=0, reg_tokens=1, no_embed_class=True)
    state = dict(model.state_dict())
    state["register_tokens"] = state.pop("reg_token")
    state["pos_embed"] = torch.cat([torch.zeros(1, 1, state["pos_embed"].shape[2]), state["pos_embed"]], dim=1)
    state["mask_token"] = torch.zeros(1, 1, state["pos_embed"].shape[2])
    torch.save(state, tmp_path / "registers.pth")
    name = "timm:test_vit"
    network = timm.create_model("test_vit", pretrained=False, num_classes=0, reg_tokens=1, no_embed_class=True)
    _fit(network, load_state(tmp_path / "registers.pth"), tmp_path / "registers.pth", name)
    assert torch.equal(network.pos_embed, model.pos_embed)


def test_an_unknown_model_is_refused_with_names_that_are_near():
    with pytest.raises(CurateError, match=r"no encoder 'timm:resnet5': timm has no model 'resnet5'; .*resnet50"):
        make_encoder("timm:resnet5", device="cpu")
    with pytest.raises(CurateError, match=r"timm has no model '@@@'; timm\.list_models\(\) names them"):
        make_encoder("timm:@@@", device="cpu")


@pytest.mark.parametrize("name", ["", "hf-hub:timm/resnet18.a1_in1k", "local-dir:/somewhere", "hf_hub:resnet50"])
def test_a_name_that_timm_would_look_for_elsewhere_is_no_model(name):
    with pytest.raises(CurateError, match=f"timm has no model '{name}'"):
        make_encoder(f"timm:{name}", device="cpu")


def test_a_model_without_published_weights_needs_a_file():
    with pytest.raises(CurateError, match="timm publishes no weights for timm:test_vit4: pass a file with --weights"):
        make_encoder("timm:test_vit4", device="cpu")


def test_published_weights_come_from_the_hubs_cache(images, tmp_path, monkeypatch):
    model = random_model("test_resnet")
    save_file(model.state_dict(), tmp_path / "model.safetensors")
    asked = []

    def cached(repository, name):
        asked.append((repository, name))
        return str(tmp_path / name)

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", cached)
    encoder = make_encoder("timm:test_resnet", device="cpu")
    assert asked == [("timm/test_resnet.r160_in1k", "model.safetensors")]
    (row,) = encoder.encode([encoder.prepare(images[0])])
    assert np.allclose(row, expected_features(model, images[0]), rtol=1e-4, atol=1e-5)


def test_weights_that_timm_publishes_elsewhere_come_from_torchs_cache(images, tmp_path, monkeypatch):
    name = "legacy_seresnet18"
    assert timm.get_pretrained_cfg(name).hf_hub_id is None
    model = random_model(name)
    (tmp_path / "checkpoints").mkdir()
    file = tmp_path / "checkpoints" / timm.get_pretrained_cfg(name).url.rsplit("/", 1)[-1]
    torch.save(model.state_dict(), file)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    encoder = make_encoder(f"timm:{name}", device="cpu")
    (row,) = encoder.encode([encoder.prepare(images[0])])
    assert np.allclose(row, expected_features(model, images[0]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "where"),
    [("test_resnet", r"the model hub's cache \(timm/test_resnet"), ("legacy_seresnet18", "checkpoints/seresnet18-")],
)
def test_without_network_the_cache_and_the_ways_out_are_named(name, where, tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", unreachable)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", unreachable)
    with pytest.raises(CurateError, match=rf"the weights of timm:{name} .* are not at .*{where}.*--weights FILE"):
        make_encoder(f"timm:{name}", device="cpu")


def test_the_package_imports_no_timm_until_a_model_is_asked_for():
    code = (
        "import sys, syndr_curate.curate.encoding.timm_encoders; print('timm' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"
