"""The camera family is worse from level to level, by a full-reference metric."""

import numpy as np
import pytest
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.distortions import CAMERA

from benchmarks.camera_severity import KODAK, median_deviations

TYPES = pytest.mark.parametrize("kind", [pytest.param(entry.id, id=entry.name) for entry in CAMERA])


@pytest.fixture(scope="module")
def scenes():
    kinds = [(name, number) for name in ("city", "bubbles") for number in range(5)]
    return {f"{name}{number}": paint_scene(name, number, side=96) for name, number in kinds}


@TYPES
def test_painted_scenes_are_worse_at_every_second_level(scenes, kind):
    first, _, third, _, fifth = median_deviations(scenes, kind, seed=123)
    assert 0 < first < third < fifth


@pytest.mark.slow
@TYPES
def test_kodak_pictures_are_worse_at_every_level(kind):
    if not KODAK.is_dir():
        pytest.skip("the Kodak pictures are not here: set SYNDR_REFERENCE_DATA")
    photographs = {path.stem: decode_image(path) for path in sorted(KODAK.glob("*.png"))}
    assert len(photographs) == 24
    assert (np.diff(median_deviations(photographs, kind, seed=123)) > 0).all()
