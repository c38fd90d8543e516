"""Encoders: the preprocessing of each, weights from files, and what is said when there are none."""

import os
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.encoding.encoders import make_encoder
from syndr_curate.curate.encoding.gist import gist_features
from syndr_curate.curate.encoding.settings import ENCODERS
from syndr_curate.curate.errors import RowError

NOWHERE = "http://127.0.0.1:9"  # a proxy that refuses: no network, wherever this runs


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((300, 251, 3), (224, 224, 3), (225, 400, 3))]


@pytest.fixture(scope="module")
def random_resnet():
    import torch
    from torchvision.models import resnet50

    torch.manual_seed(0)
    network = resnet50(weights=None).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # statistics that a forgotten eval() would change
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network


@pytest.fixture(scope="module")
def checkpoints(random_resnet, tmp_path_factory):
    """The random weights in every form a checkpoint comes in."""
    import torch
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("weights")
    state = random_resnet.state_dict()
    torch.save(state, folder / "plain.pth")
    save_file(state, folder / "plain.safetensors")
    trained = {f"module.{key}": value for key, value in state.items() if not key.startswith("fc.")}
    torch.save({"state_dict": trained, "epoch": 3}, folder / "parallel.pth.tar")
    return folder


def pooled_features(network, image):
    """The center crop, ImageNet's mean and deviation, the network up to its pooling: nothing else."""
    import torch
    from torchvision.transforms import functional

    crop = functional.center_crop(functional.to_tensor(image), [224, 224])
    batch = functional.normalize(crop, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])[None]
    body = torch.nn.Sequential(*list(network.children())[:-1])
    with torch.no_grad():
        return body(batch).flatten().numpy()


@pytest.mark.parametrize("name", ["plain.pth", "plain.safetensors", "parallel.pth.tar"])
def test_resnet50_is_torchvisions_on_the_center_crop(random_resnet, checkpoints, images, name):
    encoder = make_encoder("resnet50", weights=checkpoints / name, device="cpu")
    features = encoder.encode([encoder.prepare(image) for image in images])
    assert (features.shape, features.dtype) == ((3, 2048), np.float32)
    assert encoder.dimensions == 2048
    for row, image in zip(features, images, strict=True):
        assert np.allclose(row, pooled_features(random_resnet, image), rtol=1e-4, atol=1e-5)


def test_the_digest_is_that_of_the_weights_file(checkpoints):
    digests = {
        make_encoder("resnet50", weights=checkpoints / name, device="cpu").weights_digest
        for name in ("plain.pth", "plain.safetensors")
    }
    assert len(digests) == 2
    assert all(len(digest) == 64 for digest in digests)


def test_features_do_not_depend_on_the_batch(checkpoints, images):
    encoder = make_encoder("resnet50", weights=checkpoints / "plain.safetensors", device="cpu")
    prepared = [encoder.prepare(image) for image in images]
    together = encoder.encode(prepared)
    alone = np.concatenate([encoder.encode([one]) for one in prepared])
    assert np.allclose(together, alone, rtol=1e-4, atol=1e-5)


def test_a_picture_smaller_than_the_crop_is_refused_not_padded(checkpoints):
    encoder = make_encoder("resnet50", weights=checkpoints / "plain.safetensors", device="cpu")
    with pytest.raises(RowError, match="640x223 is smaller than the 224x224 crop of resnet50"):
        encoder.prepare(np.zeros((223, 640, 3), np.uint8))


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_checkpoint_of_another_network_is_refused_in_one_line(tmp_path):
    import torch

    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CurateError, match=r"other\.pth does not fit resnet50: .*Missing key") as refused:
        make_encoder("resnet50", weights=tmp_path / "other.pth", device="cpu")
    assert len(one_line(refused)) < 600


def test_a_layer_of_another_shape_is_refused_in_one_line(random_resnet, tmp_path):
    import torch

    state = {**random_resnet.state_dict(), "conv1.weight": torch.zeros(64, 1, 7, 7)}
    torch.save(state, tmp_path / "gray.pth")
    with pytest.raises(CurateError, match=r"gray\.pth does not fit resnet50: .*conv1\.weight") as refused:
        make_encoder("resnet50", weights=tmp_path / "gray.pth", device="cpu")
    one_line(refused)


class Bomb:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path):
    import torch

    torch.save({"conv1.weight": Bomb(tmp_path / "exploded")}, tmp_path / "zip.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Bomb(tmp_path / "exploded"), protocol=2))
    for name in ("zip.pth", "bare.pth"):
        with pytest.raises(CurateError, match=rf"{name} cannot be loaded as plain weights") as refused:
            make_encoder("resnet50", weights=tmp_path / name, device="cpu")
        one_line(refused)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 100])
def test_a_file_that_holds_no_weights_is_refused_in_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CurateError, match=rf"{name} cannot be loaded as plain weights") as refused:
        make_encoder("resnet50", weights=tmp_path / name, device="cpu")
    one_line(refused)


def test_what_is_no_state_dict_is_refused(tmp_path):
    import torch

    for content in (torch.zeros(3), [torch.zeros(3)], {"a": 1}, {1: torch.zeros(3)}):
        torch.save(content, tmp_path / "w.pth")
        with pytest.raises(CurateError, match=r"w\.pth does not hold a state dict of tensors"):
            make_encoder("resnet50", weights=tmp_path / "w.pth", device="cpu")


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(CurateError, match=r"no weights at .*absent\.pth"):
        make_encoder("resnet50", weights=tmp_path / "absent.pth", device="cpu")


def test_an_encoder_that_does_not_exist_is_refused_with_those_that_do():
    assert ENCODERS == ("resnet50", "clip-vit-b-16", "efficientnet-lite0", "gist")
    there = "resnet50, clip-vit-b-16, efficientnet-lite0, gist and timm:NAME, for example timm:vgg16"
    with pytest.raises(CurateError, match=f"no encoder 'vgg'; there are {there}"):
        make_encoder("vgg")


def test_cuda_where_there_is_none_is_refused(checkpoints):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(CurateError, match="--device cuda: no CUDA device is available to torch; use --device cpu"):
        make_encoder("resnet50", weights=checkpoints / "plain.safetensors", device="cuda")


def offline(tmp_path, name):
    """Ask for an encoder's published weights where there is no network and nothing in any cache."""
    code = (
        "import sys\n"
        "from syndr_curate import CurateError\n"
        "from syndr_curate.curate.encoding.encoders import make_encoder\n"
        "try:\n    make_encoder(sys.argv[1], device='cpu')\n"
        "except CurateError as error:\n    print(error)\n"
    )
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
    caches = {"TORCH_HOME": str(tmp_path / "torch"), "HF_HOME": str(tmp_path / "hub"), "HOME": str(tmp_path)}
    environment = {**os.environ, **proxies, **caches, "no_proxy": "", "NO_PROXY": ""}
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, name], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    assert time.monotonic() - started < 60
    assert done.stdout.count("\n") == 1, done.stdout
    return done.stdout


def test_resnet50_without_network_names_the_file_and_the_ways_out(tmp_path):
    message = offline(tmp_path, "resnet50")
    assert f"are not at {tmp_path}/torch/hub/checkpoints/resnet50-" in message
    assert "IMAGENET1K_V1" in message
    for way_out in ("run once with a network", "--weights FILE", "--encoder efficientnet-lite0", "--encoder gist"):
        assert way_out in message


@pytest.mark.slow
def test_clip_without_network_names_the_file_and_the_ways_out(tmp_path):
    message = offline(tmp_path, "clip-vit-b-16")
    assert "open_clip_model.safetensors" in message
    assert "'openai'" in message
    for way_out in ("run once with a network", "--weights FILE", "--encoder efficientnet-lite0", "--encoder gist"):
        assert way_out in message


@pytest.mark.slow
def test_clip_is_open_clips_with_its_own_preprocessing(images, tmp_path):
    import open_clip
    import torch
    from safetensors.torch import save_file
    from torchvision.transforms import InterpolationMode, functional

    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-16", pretrained=None, force_quick_gelu=True).eval()
    state = {key: value for key, value in model.state_dict().items() if key.startswith("visual.")}
    torch.save(state, tmp_path / "clip.pth")
    save_file(state, tmp_path / "clip.safetensors")
    for name in ("clip.pth", "clip.safetensors"):
        encoder = make_encoder("clip-vit-b-16", weights=tmp_path / name, device="cpu")
        features = encoder.encode([encoder.prepare(image) for image in images])
        assert (features.shape, encoder.dimensions) == ((3, 512), 512)
        for row, image in zip(features, images, strict=True):
            resized = functional.resize(functional.to_pil_image(image), 224, InterpolationMode.BICUBIC)
            crop = functional.to_tensor(functional.center_crop(resized, [224, 224]))
            mean, deviation = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
            with torch.no_grad():
                expected = model.encode_image(functional.normalize(crop, mean, deviation)[None])[0].numpy()
            assert np.allclose(row, expected, rtol=1e-3, atol=1e-4)
        with pytest.raises(CurateError, match=rf"{name} does not fit resnet50") as refused:
            make_encoder("resnet50", weights=tmp_path / name, device="cpu")
        one_line(refused)


def test_gist_needs_no_weights_and_takes_none(tmp_path):
    encoder = make_encoder("gist")
    assert (encoder.name, encoder.dimensions, encoder.weights_digest) == ("gist", 480, None)
    pictures = [paint_scene("city", 0, side=64), paint_scene("sky", 0, side=90)]
    features = encoder.encode([encoder.prepare(picture) for picture in pictures])
    assert features.shape == (2, 480)
    assert np.array_equal(features[1], gist_features(pictures[1]))
    with pytest.raises(CurateError, match="the encoder gist has no weights: leave out --weights"):
        make_encoder("gist", weights=tmp_path / "w.pth")


def test_gist_imports_no_torch():
    code = (
        "import sys; from syndr_curate.curate.encoding.encoders import make_encoder; make_encoder('gist'); "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
