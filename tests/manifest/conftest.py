"""What several tests of manifests start from."""

import pytest
from syndr_curate import write_manifest


@pytest.fixture
def manifest(make_manifest, tmp_path):
    """A manifest at runs/m.parquet whose pictures lie in data/images, and one root that nobody knows."""
    path = tmp_path / "runs" / "m.parquet"
    write_manifest(make_manifest(facts={"roots": {"pictures": "../data/images", "elsewhere": None}}), path)
    (tmp_path / "data" / "images").mkdir(parents=True)
    return path
