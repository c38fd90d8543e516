"""Pre-training on mixes and the probe after it, on a few small images with random weights."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file, save_file
from syndr_curate import CurateError, read_manifest, write_manifest
from syndr_curate.curate.mixing.mix_files import run_mix
from syndr_curate.curate.mixing.settings import MixSettings
from syndr_curate.curate.rendering.distort import run_distort

from ..running import modules_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "pretrain_dsmix"
SMALL = "mobilenet_v3_small"
MODULES = ("network", "pictures", "losses", "pretrain", "probe")


@pytest.fixture(scope="module")
def example():
    """Import the example's modules."""
    with modules_of(EXAMPLE, MODULES) as found:
        yield found


@pytest.fixture(scope="module")
def folder(image_folder, tmp_path_factory):
    """Distorted photographs with labels that fall with the level, and eight mixes of them."""
    folder = tmp_path_factory.mktemp("dsmix")
    pictures = image_folder("photo", 3, height=48, width=56)
    run_distort(pictures, folder, types=(1, 11), levels=(1, 3, 5), recipe_only=True)
    table = read_manifest(folder / "manifest.parquet")
    labels = {
        "label": pa.array([10 - 1.5 * level for level in table["level"].to_pylist()], pa.float32()),
        "label_source": pa.array(["mos"] * len(table)),
    }
    for name, values in labels.items():
        table = table.set_column(table.column_names.index(name), name, values)
    write_manifest(table, folder / "labeled.parquet", training=True)
    run_mix(folder / "manifest.parquet", folder / "mixes.parquet", MixSettings(count=8), recipe_only=True)
    return folder


@pytest.fixture(scope="module")
def flags(folder):
    def make(*extra, out="backbone"):
        small = ["--backbone", SMALL, "--teacher", SMALL, "--crop", "48", "--workers", "0"]
        start = ["--weights", "none", "--teacher-weights", "none", "--device", "cpu", "--epochs", "2", "--lr", "1e-3"]
        files = ["--mixes", folder / "mixes.parquet", "--out", folder / f"{out}.safetensors"]
        return [str(flag) for flag in (*files, *small, *start, "--batch-size", "4", *extra)]

    return make


@pytest.fixture(scope="module")
def pretrained(example, flags, folder):
    settings = example["pretrain"].parse_arguments(flags())
    return example["pretrain"].pretrain(settings), folder / "backbone.safetensors"


def test_both_losses_are_finite_and_the_distillation_falls(pretrained):
    history, _ = pretrained
    assert [line["epoch"] for line in history] == [0, 1]
    assert all(np.isfinite([line["soft_label_loss"], line["distillation_loss"]]).all() for line in history)
    assert history[1]["distillation_loss"] < history[0]["distillation_loss"]
    assert 0 < history[0]["soft_label_loss"] < 10  # log 25 = 3.2 where nothing is known


def test_the_backbone_alone_is_written(pretrained, example):
    _, file = pretrained
    names = example["network"].Backbone(SMALL).state_dict().keys()
    assert load_file(file).keys() == names


def test_the_probe_scores_the_rows_and_writes_predictions(pretrained, example, folder, capsys):
    files = ["--backbone", pretrained[1], "--train", folder / "labeled.parquet", "--test", folder / "labeled.parquet"]
    small = ["--crop", "48", "--workers", "0", "--device", "cpu", "--ridge", "0.001", "--out", folder / "scores.csv"]
    example["probe"].main([str(flag) for flag in (*files, *small)])
    srcc = float(capsys.readouterr().out.split()[-1])
    assert srcc > 0.5  # 18 rows that were fitted
    assert len((folder / "scores.csv").read_text().splitlines()) == 19


def test_a_probe_without_its_backbone_is_one_line_and_status_2(example, tmp_path, capsys):
    files = [str(f) for f in ("--backbone", tmp_path / "no", "--train", "t", "--test", "t", "--out", tmp_path / "o")]
    with pytest.raises(SystemExit, match="2"):
        example["probe"].main(files)
    assert capsys.readouterr().err.startswith("error: no backbone at ")


def test_without_its_weight_the_teacher_changes_nothing(example, flags):
    pretrain, states = example["pretrain"], []
    for kind in ("cosine", "mse"):
        settings = pretrain.parse_arguments(
            flags("--distill-weight", "0", "--distill", kind, "--epochs", "1", out=f"without-{kind}")
        )
        pretrain.pretrain(settings)
        states.append(load_file(settings.out))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_soft_labels_are_a_cross_entropy_and_the_temperature_divides_logits(example):
    loss = example["losses"].soft_label_loss
    logits, targets = torch.tensor([[0.0, np.log(3.0)]]), torch.tensor([[0.25, 0.75]])
    # probabilities 1/4 and 3/4: the entropy of the target
    assert loss(logits, targets, temperature=1.0).item() == pytest.approx(0.5623, abs=1e-4)
    assert loss(2 * logits, targets, temperature=2.0).item() == pytest.approx(0.5623, abs=1e-4)


@pytest.mark.parametrize(("kind", "opposite"), [("cosine", 2.0), ("mse", 4.0)])
def test_distillation_looks_at_directions_alone(example, kind, opposite):
    loss = example["losses"].distillation_loss
    features = torch.tensor([[1.0, 2.0, 2.0]])
    assert loss(3 * features, features, kind=kind).item() == pytest.approx(0.0, abs=1e-6)
    assert loss(-features, features, kind=kind).item() == pytest.approx(opposite)


def test_the_teacher_is_frozen_and_takes_a_checkpoint_without_its_classifier(example, tmp_path):
    from torchvision.models import resnet18

    torch.save(resnet18(weights=None).state_dict(), tmp_path / "w.pth")
    teacher = example["network"].new_teacher("resnet18", str(tmp_path / "w.pth"))
    assert not teacher.training
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert teacher(torch.rand(2, 3, 32, 32)).shape == (2, teacher.dimensions) == (2, 512)
    with pytest.raises(CurateError, match="does not fit the backbone"):
        example["network"].new_teacher("resnet50", str(tmp_path / "w.pth"))


def test_clips_features_are_a_teachers_too(example, tmp_path):
    network = example["network"]
    teacher = network.new_teacher("clip-vit-b-16", "none")
    images = torch.rand(1, 3, 32, 48)
    expected = teacher(images)
    assert expected.shape == (1, teacher.dimensions) == (1, 512)
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    state = {f"visual.{name}": tensor.contiguous() for name, tensor in teacher.network.state_dict().items()}
    save_file({**state, "text_projection": torch.zeros(2)}, tmp_path / "clip.safetensors")
    again = network.new_teacher("clip-vit-b-16", str(tmp_path / "clip.safetensors"))
    assert torch.equal(again(images), expected)


def test_weights_that_are_not_there_or_are_none_are_one_line_and_status_2(example, flags, tmp_path, capsys):
    (tmp_path / "text.pth").write_text("no weights")
    for file, message in (("absent.pth", "no weights at "), ("text.pth", "cannot be loaded as plain weights")):
        with pytest.raises(SystemExit, match="2"):
            example["pretrain"].main(flags("--weights", str(tmp_path / file)))
        line = capsys.readouterr().err
        assert line.startswith("error: ")
        assert message in line


def test_pictures_smaller_than_a_crop_are_refused(example, flags, folder, pretrained, capsys):
    files = ["--backbone", pretrained[1], "--train", folder / "labeled.parquet", "--test", folder / "labeled.parquet"]
    probe = [str(f) for f in (*files, "--crop", "52", "--workers", "0", "--device", "cpu", "--out", folder / "s.csv")]
    for main, arguments in ((example["probe"].main, probe), (example["pretrain"].main, flags("--crop", "52"))):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        line = "error: a picture of 56x48 is smaller than --crop 52; give a smaller --crop\n"
        assert capsys.readouterr().err == line


def test_flags_that_mean_nothing_are_refused(example, flags):
    for wrong in (("--temperature", "0"), ("--distill-weight", "-1")):
        with pytest.raises(SystemExit, match="2"):
            example["pretrain"].parse_arguments(flags(*wrong))


def test_the_example_uses_the_public_names_alone():
    for file in EXAMPLE.glob("*.py"):
        assert "syndr_curate.curate" not in file.read_text()
