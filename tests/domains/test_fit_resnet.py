"""The ResNet-50 kind: batches, files, and one real run of a few steps from weights that the test makes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.image_folders import open_source
from syndr_curate.curate.domains.classifier_files import load_classifier
from syndr_curate.curate.domains.fitting.fit_files import run_domains_fit, write_fitted
from syndr_curate.curate.domains.fitting.fit_resnet import (
    PictureFile,
    ResNetSettings,
    fit_resnet_domains,
    planned,
    training_batches,
)
from syndr_curate.curate.domains.resnet import ResNetClassifier, normalized
from syndr_curate.curate.domains.settings import DomainsFitSettings
from syndr_curate.curate.errors import RowError
from syndr_curate.curate.storage.images import encode_image


@pytest.mark.parametrize(("pictures", "sizes"), [(8, [4, 4]), (9, [4, 5]), (10, [4, 4, 2]), (5, [5]), (3, [3])])
def test_no_batch_is_a_single_patch(tmp_path, pictures, sizes):
    made = []
    for number in range(pictures):
        file = tmp_path / f"{number}.png"
        file.write_bytes(encode_image(np.full((230, 240, 3), number, np.uint8)))
        made.append(PictureFile(file, number, False, "r"))
    batches = list(training_batches(made, 0, ResNetSettings(batch=4)))
    assert [len(classes) for _, classes in batches] == sizes
    assert np.concatenate([classes for _, classes in batches]).tolist() == list(range(pictures))
    patches = np.concatenate([patches for patches, _ in batches])
    assert patches.shape == (pictures, 3, 224, 224)
    # Every patch still goes with its class: picture n has the code n everywhere.
    assert np.allclose(patches[:, 0, 0, 0] * 0.229 + 0.485, np.arange(pictures) / 255, atol=1e-6)


def test_a_dry_run_says_how_much_it_would_make(image_folder):
    source = open_source(image_folder("p", 4))
    # One type each at 4 or 5 levels, and 2 pristine pictures.
    assert 4 * 6 <= planned(source, ResNetSettings())["pictures"] <= 4 * 7


def test_arrays_of_another_network_are_refused():
    with pytest.raises(ValueError, match=r"Missing key.*conv1\.weight"):
        ResNetClassifier.from_arrays({"fc.weight": np.zeros((26, 2048), np.float32)}, device="cpu")


def test_cuda_is_refused_where_there_is_none(image_folder, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(CurateError, match="no CUDA device is available"):
        run_domains_fit(
            image_folder("p", 2), tmp_path / "c.safetensors", DomainsFitSettings(kind="resnet50", device="cuda")
        )


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights, laid out as the published one."""
    import torch
    from safetensors.torch import save_file
    from torchvision.models import resnet50

    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("weights") / "resnet50.safetensors"
    save_file(resnet50(weights=None).state_dict(), file)
    return file


@pytest.mark.slow
def test_a_run_of_few_steps_trains_tests_and_writes_a_classifier(
    weights: Path, image_folder: Callable[..., Path], tmp_path: Path
):
    folder = image_folder("p", 3, height=240, width=256)
    settings = ResNetSettings(weights=weights, device="cpu", epochs=2, batch=8, pristine_variants=1)
    (folder / "tiny.png").write_bytes(encode_image(np.zeros((100, 100, 3), np.uint8)))
    fitted = fit_resnet_domains(open_source(folder), settings)
    assert set(fitted.facts["references_unusable"]) == {"tiny.png"}
    # One of the three references is held out: its type at 4 or 5 levels and a pristine picture.
    assert fitted.together.samples in (5, 6)
    write_fitted(fitted, tmp_path / "c.safetensors")
    loaded, facts = load_classifier(tmp_path / "c.safetensors", device="cpu")
    assert facts["kind"] == "resnet50"
    assert len(facts["config"]["weights"]) == 64  # a digest, not a path
    # Of one pristine picture held out, the mean is the limit.
    assert fitted.classifier.pristine is not None
    assert loaded.pristine is not None
    assert np.array_equal(loaded.pristine.means, loaded.pristine.limits)
    assert np.array_equal(loaded.pristine.means, fitted.classifier.pristine.means)
    image = np.random.Generator(np.random.PCG64(1)).integers(0, 256, (240, 300, 3), dtype=np.uint8)
    prepared = loaded.prepare(image)
    assert prepared.shape == (5, 3, 224, 224)
    assert np.array_equal(prepared[1], normalized(image[:224, :224]))
    scores = loaded.scores([prepared])
    assert scores == pytest.approx(fitted.classifier.scores([prepared]), abs=1e-6)
    assert scores.sum() == pytest.approx(1)
    # Two references to learn from, of one type each.
    unseen = [facts["classes"].index(name) for name in facts["classes_unseen"]]
    assert len(unseen) == 23
    assert scores[0, unseen].max() < 1e-15
    with pytest.raises(RowError, match="smaller than 224x224"):
        loaded.prepare(image[:200])
