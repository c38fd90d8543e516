"""Two photographs and a place for their renderings."""

import pytest
from syndr_curate.curate.manifest.roots import Roots

from ..making import paint_cities


@pytest.fixture
def roots(tmp_path):
    paint_cities(tmp_path / "photos", ("a", "b"), side=64)
    return Roots({"photos": tmp_path / "photos", "images": tmp_path / "images"})
