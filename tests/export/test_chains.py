"""What an export says of rows that several distortions were applied to."""

import csv
import json
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syndr_curate.curate.export.export import export
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.distortions.chains import parse_chain

TEXT = "gaussian_blur:2+stretch+jpeg:3"


@pytest.fixture(scope="module")
def manifest(image_folder, tmp_path_factory):
    """A row of one type and a chain for each of two photographs."""
    out = tmp_path_factory.mktemp("chains")
    chains = ChainSettings(named=(parse_chain(TEXT),))
    run_distort(image_folder("photo", 2), out, types=(1,), levels=(3,), chains=chains, recipe_only=True)
    table = read_manifest(out / "manifest.parquet")
    labels = pa.array([1.0, 2.0, 3.0, 4.0], pa.float32())  # of people: pyiqa takes no row without
    place = table.column_names.index("label")
    write_manifest(table.set_column(place, table.schema.field(place), labels), out / "manifest.parquet")
    return out / "manifest.parquet"


def csv_rows(file):
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_table_has_a_readable_column(manifest, tmp_path):
    for target in ("hf", "fiftyone", "webdataset", "pyiqa"):
        export(manifest, target=target, out=tmp_path / target, render=True)
    assert pq.read_table(tmp_path / "hf/train/metadata.parquet")["chain"].to_pylist() == [None, TEXT] * 2
    assert "| `chain` |" in (tmp_path / "hf/README.md").read_text(encoding="utf-8")
    assert [row["chain"] for row in csv_rows(tmp_path / "fiftyone/labels.csv")] == ["", TEXT] * 2
    assert [row["chain"] for row in csv_rows(tmp_path / "pyiqa/meta_info.csv")] == ["", TEXT] * 2
    with tarfile.open(tmp_path / "webdataset/train/00000.tar") as tar:
        facts = [json.load(tar.extractfile(name)) for name in tar.getnames() if name.endswith(".json")]
    assert [fact.get("chain") for fact in facts] == [None, TEXT] * 2
    assert [fact["distortion"] for fact in facts] == ["gaussian_blur", "chain"] * 2


def test_an_export_without_chains_has_no_such_column(image_folder, tmp_path):
    run_distort(image_folder("photo", 2), tmp_path / "plain", types=(1,), levels=(3,), recipe_only=True)
    export(tmp_path / "plain/manifest.parquet", target="hf", out=tmp_path / "hf", render=True)
    assert "chain" not in pq.read_table(tmp_path / "hf/train/metadata.parquet").column_names
    assert "`chain`" not in (tmp_path / "hf/README.md").read_text(encoding="utf-8")
