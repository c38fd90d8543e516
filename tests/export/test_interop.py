"""What the tools themselves make of our exports: the real libraries read what we write."""

import os
import random

import numpy as np
import pyarrow as pa
import pytest
import torch
from syndr_curate import read_manifest
from syndr_curate.curate.export.export import export
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import decode_image

SPLITS = ["train"] * 24 + ["val"] * 4 + ["test"] * 4


@pytest.fixture(scope="module")
def manifest(image_folder, tmp_path_factory):
    """Four photographs, four types at two levels; 32 rows with labels in three splits."""
    folder = tmp_path_factory.mktemp("interop")
    run_distort(image_folder("photo", 4), folder, types=(1, 10, 11, 18), levels=(1, 5))
    table = read_manifest(folder / "manifest.parquet")
    columns = {
        "label": pa.array(np.random.Generator(np.random.PCG64(0)).uniform(0, 10, 32).astype(np.float32)),
        "label_source": pa.array(["mos"] * 32).dictionary_encode(),
        "split": pa.array(SPLITS).dictionary_encode(),
    }
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), table.schema.field(name), values)
    write_manifest(table, folder / "manifest.parquet")
    return folder / "manifest.parquet"


@pytest.fixture(scope="module")
def truth(manifest):
    """Sample id to pixels, label and split."""
    return {
        row["sample_id"]: (decode_image(manifest.parent / "images" / row["image_path"]), row["label"], row["split"])
        for row in read_manifest(manifest).to_pylist()
    }


@pytest.fixture(scope="module")
def exported(manifest, tmp_path_factory):
    def make(target: str, **choice):
        out = tmp_path_factory.mktemp(target) / "out"
        export(manifest, target, out, **choice)
        return out

    return make


@pytest.mark.parametrize("how", ["as an imagefolder", "by its card"])
def test_datasets_yields_pil_images_with_the_right_labels(exported, truth, tmp_path, monkeypatch, how):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    out = exported("hf")
    source = ("imagefolder", {"data_dir": str(out)}) if how == "as an imagefolder" else (str(out), {})
    loaded = datasets.load_dataset(source[0], cache_dir=str(tmp_path), **source[1])
    assert {name: len(part) for name, part in loaded.items()} == {"train": 24, "validation": 4, "test": 4}
    seen = set()
    for name, part in loaded.items():
        for row in part:
            pixels, label, split = truth[row["sample_id"]]
            assert {"validation": "val"}.get(name, name) == split
            assert row["label"] == label
            assert np.array_equal(np.asarray(row["image"].convert("RGB")), pixels)
            seen.add(row["sample_id"])
    assert seen == set(truth)


def test_pyiqas_own_dataset_gives_the_image_and_the_score_for_ten_random_rows(exported, truth):
    pytest.importorskip("pyiqa", reason="pyiqa is not installed (make interop)", exc_type=ImportError)
    from pyiqa.data import build_dataset

    out = exported("pyiqa")
    ids = {name: i for i in truth for name in [f"{i}.png"]}
    for phase, count in (("train", 24), ("val", 4), ("test", 4)):
        options = {
            **{"name": "ours", "type": "GeneralNRDataset", "phase": phase, "split_index": "split"},
            **{"dataroot_target": str(out), "meta_info_file": str(out / "meta_info.csv")},
        }
        dataset = build_dataset(options)
        assert len(dataset) == count
        for place in random.Random(0).sample(range(count), min(count, 10)):
            item = dataset[place]
            pixels, label, split = truth[ids[os.path.basename(item["img_path"])]]
            assert split == phase
            assert item["mos_label"].item() == pytest.approx(label, abs=0, rel=1e-7)
            assert torch.equal((item["img"] * 255).round().to(torch.uint8), torch.from_numpy(pixels).permute(2, 0, 1))


# webdataset leaves its files to the garbage collector to close
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_streams_the_tars(exported, truth):
    webdataset = pytest.importorskip("webdataset", reason="webdataset is not installed (make interop)")
    out = exported("webdataset", rows_per_shard=10)
    for split, shards in (("train", "{00000..00002}"), ("val", "00000"), ("test", "00000")):
        stream = webdataset.WebDataset(str(out / split / f"{shards}.tar"), shardshuffle=False)
        seen = set()
        for image, row in stream.decode("rgb8").to_tuple("png", "json"):
            pixels, label, own = truth[row["sample_id"]]
            assert own == split
            assert row["label"] == pytest.approx(label, rel=1e-7)
            assert np.array_equal(image, pixels)
            seen.add(row["sample_id"])
        assert seen == {i for i, (_, _, own) in truth.items() if own == split}


def test_duckdb_and_polars_query_the_manifest(manifest, truth):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    polars = pytest.importorskip("polars", reason="polars is not installed (make interop)")
    expected = {}
    for _, label, split in truth.values():
        expected.setdefault(split, []).append(label)
    query = f"select split, avg(label) from '{manifest}' group by split"
    with duckdb.connect() as connection:
        by_duckdb = dict(connection.execute(query).fetchall())
    frame = polars.scan_parquet(manifest).group_by("split").agg(polars.col("label").mean()).collect()
    by_polars = dict(frame.iter_rows())
    for split, labels in expected.items():
        assert by_duckdb[split] == pytest.approx(np.mean(labels), rel=1e-6)
        assert by_polars[split] == pytest.approx(np.mean(labels), rel=1e-6)
