"""pyiqa's own loop on an export: its epochs are thinned ones, and the page shows the options that are run."""

import re
from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from logging import getLogger
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from syndr_curate import read_manifest, write_manifest
from syndr_curate.curate.export.export import export
from syndr_curate.curate.rendering.distort import run_distort

yaml = pytest.importorskip("yaml")
pytest.importorskip("pyiqa", reason="pyiqa is not installed (make interop)", exc_type=ImportError)
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "train_with_pyiqa"
ROWS, BATCH = 40, 5


class Networks:
    """Stands for pyiqa's model: its features are all alike, so that all rows are one cluster for each label gap."""

    net = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 1))

    def get_bare_model(self, net):
        return net


@pytest.fixture(scope="module")
def example():
    spec = spec_from_file_location("train_with_pyiqa", EXAMPLE / "train.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def options(image_folder, tmp_path_factory):
    """The example's options for an export of 40 training rows and 10 of a validation split."""
    folder = tmp_path_factory.mktemp("pyiqa")
    run_distort(image_folder("photo", 2, height=72), folder, types=(7, 11, 12, 16, 21), levels=(1, 2, 3, 4, 5))
    table = read_manifest(folder / "manifest.parquet")
    for name, values in (
        ("label", pa.array(np.linspace(4, 4.9, 50, dtype=np.float32))),
        ("label_source", pa.array(["mos"] * 50)),
        ("split", pa.array((["train"] * 4 + ["val"]) * 10)),
    ):
        table = table.set_column(table.column_names.index(name), name, values)
    write_manifest(table, folder / "train.parquet", training=True)
    export(folder / "train.parquet", "pyiqa", folder / "exported")
    found = yaml.safe_load((EXAMPLE / "options.yml").read_text().replace("!!float ", ""))
    for name, dataset in found["datasets"].items():
        place = {"dataroot_target": str(folder / "exported"), "meta_info_file": str(folder / "exported/meta_info.csv")}
        dataset.update(place, phase=name)
    found["datasets"]["train"].update(manifest=str(folder / "train.parquet"), batch_size_per_gpu=BATCH)
    return {**found, "dist": False, "rank": 0, "world_size": 1}


def test_each_epoch_of_pyiqas_loader_has_the_kept_rows_once(example, options, monkeypatch):
    monkeypatch.setitem(example.built, "model", Networks())
    loader, sampler, _, _, _ = example.loaders_with_thinning(options, getLogger())
    kept = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        paths = [path for batch in loader for path in batch["img_path"]]
        assert len(sampler.kept_ids) == ROWS // 2  # one cluster of 40 rows keeps half, and at least 20
        assert Counter(Path(path).stem for path in paths) == Counter(sampler.kept_ids)
        kept.append(sampler.kept_ids)
    assert kept[0] != kept[1]


def test_as_many_thinned_epochs_come_as_the_options_say(example, options, monkeypatch):
    monkeypatch.setitem(example.built, "model", Networks())
    *_, last, steps = example.loaders_with_thinning(options, getLogger())
    assert len(range(last + 1)) == options["train"]["total_epoch"] == 2  # pyiqa's loop: range(start, last + 1)
    assert steps >= 2 * ROWS / BATCH


def test_without_a_manifest_the_loaders_are_pyiqas(example, options):
    train = {name: value for name, value in options["datasets"]["train"].items() if name != "manifest"}
    plain = {**options, "datasets": {**options["datasets"], "train": train}}
    _, sampler, _, epochs, _ = example.loaders_with_thinning(plain, getLogger())
    assert type(sampler).__name__ == "EnlargedSampler"
    assert (len(sampler), epochs) == (ROWS, 2)


def test_the_page_shows_the_datasets_of_the_options_that_are_run():
    page = (ROOT / "docs" / "trainers" / "pyiqa.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    run = yaml.safe_load((EXAMPLE / "options.yml").read_text().replace("!!float ", ""))
    assert yaml.safe_load(shown) == {"datasets": run["datasets"]}
