"""The example trainer on a few small images with random weights, as its own script would import it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from safetensors.torch import load_file
from syndr_curate import read_manifest, write_manifest
from syndr_curate.curate.manifest.schema import LABEL_MAXIMUM
from syndr_curate.curate.rendering.distort import run_distort

from ..running import modules_of

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "train_baseline"
MODULES = (
    "train",
    "run",
    "rows",
    "evaluate",
    "order",
    "patches",
    "parallel",
    "model",
    "checkpoint",
    "backbones",
    "settings",
)


@pytest.fixture(scope="module")
def trainer():
    """Import the example's modules."""
    with modules_of(EXAMPLE, MODULES[::-1]) as found:
        yield found


@pytest.fixture(scope="module")
def manifests(image_folder, tmp_path_factory):
    """Recipe rows of four pictures (two labeled by people, two not), all candidates, and a test set."""
    folder = tmp_path_factory.mktemp("manifests")
    pictures = image_folder("scene", 4, height=80, width=96)
    run_distort(pictures, folder, types=(1, 21), levels=(1, 2, 3, 4, 5), seed=1, recipe_only=True)
    table = read_manifest(folder / "manifest.parquet")
    levels = np.array(table["level"].to_pylist(), np.float32)
    human = [reference < "scene2" for reference in table["reference_id"].to_pylist()]
    named = {
        "label": pa.array(LABEL_MAXIMUM - 1.5 * levels),
        "label_source": pa.array(["mos" if h else "pseudo" for h in human]),
        "split": pa.array(["val" if name == "scene0_21_05" else "train" for name in table["sample_id"].to_pylist()]),
    }
    for name, values in named.items():
        table = table.set_column(table.column_names.index(name), name, values)
    write_manifest(table, folder / "train.parquet", training=True)
    last = table.filter(pc.equal(table["reference_id"], "scene3"))
    write_manifest(last, folder / "all.parquet", training=True)
    test = last.set_column(last.column_names.index("split"), "split", pa.array(["test"] * len(last)))
    write_manifest(test, folder / "photos.parquet")
    return folder


@pytest.fixture(scope="module")
def flags(manifests, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")

    def make(*extra, out="run"):
        base = ["--train", manifests / "train.parquet", "--test", manifests / "photos.parquet", "--weights", "none"]
        small = ["--backbone", "resnet18", "--crop", "64", "--epochs", "2", "--workers", "0", "--device", "cpu"]
        return [str(a) for a in (*base, *small, "--lr", "1e-3", "--batch-size", "8", "--out", folder / out, *extra)]

    return make


@pytest.fixture(scope="module")
def epochs(trainer):
    """Carry out a run; return its epochs' figures and its checkpoint."""

    def carry_out(arguments):
        settings = trainer["train"].parse_arguments(arguments)
        return list(trainer["run"].Run(settings).epochs()), load_file(settings.out / "checkpoint.safetensors")

    return carry_out


@pytest.fixture
def tiny_network(trainer, monkeypatch):
    """Let every backbone be a small network with running means and dropout: a step of it takes no time."""

    def make(*_):
        layers = [torch.nn.Conv2d(3, 8, 7, stride=4), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.Dropout(0.2)]
        network = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten())
        return trainer["backbones"].Backbone(network, 32)

    monkeypatch.setattr(trainer["model"], "make_backbone", make)
