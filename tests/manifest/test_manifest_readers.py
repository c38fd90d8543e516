"""The manifest in the hands of the libraries that trainers use."""

import datasets
import duckdb
import numpy as np
import pandas as pd
import pyarrow.dataset
import pytest
from syndr_curate.curate.manifest.manifest import write_manifest

LABELS = [9.5, 0.25, 7.0]


@pytest.fixture
def manifest(make_manifest, tmp_path):
    neighbors = [[{"reference_id": "I01", "distance": 0.25, "weight": 1.0}], None, []]
    table = make_manifest(label=LABELS, neighbors=neighbors, dataset=["x", "y", "x"], seed=[2**63 - 1, None, 0])
    write_manifest(table, tmp_path / "m.parquet", training=True)
    return tmp_path / "m.parquet"


def test_pandas_reads_it(manifest):
    frame = pd.read_parquet(manifest)
    assert frame["label"].dtype == np.float32
    assert frame["label"].tolist() == LABELS
    assert frame["dataset"].tolist() == ["x", "y", "x"]
    assert frame["neighbors"][0][0]["reference_id"] == "I01"


def test_pyarrow_dataset_reads_it_with_a_filter(manifest):
    dataset = pyarrow.dataset.dataset(manifest)
    table = dataset.to_table(filter=pyarrow.dataset.field("label") > 1)
    assert table["sample_id"].to_pylist() == ["a_01_01", "b_01_01"]
    assert table["seed"].to_pylist() == [2**63 - 1, 0]


def test_duckdb_reads_it(manifest):
    with duckdb.connect() as connection:
        rows = connection.execute(f"select dataset, sum(label) from '{manifest}' group by all order by all").fetchall()
        weights = connection.execute(f"select neighbors[1].weight from '{manifest}' limit 1").fetchall()
    assert rows == [("x", 16.5), ("y", 0.25)]
    assert weights == [(1.0,)]


def test_polars_reads_it(manifest):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    assert polars.read_parquet(manifest)["label"].to_list() == LABELS


def test_hugging_face_datasets_read_it(manifest, tmp_path):
    loaded = datasets.load_dataset("parquet", data_files=str(manifest), cache_dir=str(tmp_path / "cache"))["train"]
    assert loaded["label"][:] == LABELS
    assert loaded["sample_id"][:] == ["a_01_01", "a_01_03", "b_01_01"]
    assert loaded[0]["dataset"] in ("x", 0)  # a dictionary column is a string or a class label
    assert loaded[0]["neighbors"][0]["reference_id"] == "I01"
