"""Features of a manifest say which of its rows are held out, and those are no candidates for training."""

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate import CurateError, encode, load_features, select
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.encoding.encode import run_encode
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.rendering.distort import run_distort


@pytest.fixture
def manifest(image_folder, tmp_path):
    run_distort(image_folder("p", 3), tmp_path / "out", types=(1,), levels=(3,), recipe_only=True)
    return tmp_path / "out" / "manifest.parquet"


def hold_out(manifest, splits):
    table = read_manifest(manifest)
    column = pa.array(splits).dictionary_encode()
    write_manifest(
        table.set_column(table.schema.get_field_index("split"), table.schema.field("split"), column), manifest
    )


def test_features_of_held_out_rows_are_refused_as_candidates(manifest, tmp_path):
    hold_out(manifest, ["train", "test", "val"])
    run_encode(manifest, tmp_path / "new.parquet", encoder="gist")
    for found in (load_features(tmp_path / "new.parquet"), encode(manifest, "gist")):
        if isinstance(found, Features):
            assert found.held_out == {"p1_01_03", "p2_01_03"}
        with pytest.raises(CurateError, match="2 candidates are held out in the manifest that they come from"):
            select(_references(), found)


def test_features_of_training_rows_have_no_further_column(manifest):
    assert encode(manifest, "gist").column_names == ["id", "image_path", "features", "status", "error"]


def _references():
    matrix = np.random.default_rng(0).random((3, 480)).astype(np.float32)
    return Features(matrix, ("a", "b", "c"), None, "references", {})
