"""Small hand-made manifests, images and label files."""

import numpy as np
import pytest
from PIL import Image
from syndr_curate.curate.data.provenance import attach, make_provenance
from syndr_curate.curate.data.schema import build_table


@pytest.fixture
def make_manifest():
    """Build a small training manifest; keywords replace columns, `facts` go into the provenance."""

    def make(ids=("a_01_01", "a_01_03", "b_01_01"), facts=None, **columns):
        count = len(ids)
        defaults = {
            "sample_id": list(ids),
            "image_path": [f"{i}.png" for i in ids],
            "image_root": "pictures",
            "reference_id": [i.rsplit("_", 2)[0] for i in ids],
            "distortion_id": [1] * count,
            "distortion": "gaussian_blur",
            "level": [1 + k % 5 for k in range(count)],
            "label": [float(k % 10) for k in range(count)],
            "label_source": "mos",
            "dataset": "ours",
            "split": "train",
            "status": "ok",
        }
        provenance = make_provenance("test", {"seed": 1}, {}, **(facts or {}))
        return attach(build_table({**defaults, **columns}, count), provenance)

    return make


@pytest.fixture
def picture():
    """A 12 x 10 RGB picture in which every pixel differs."""
    return np.arange(12 * 10 * 3, dtype=np.uint16).astype(np.uint8).reshape(12, 10, 3)


@pytest.fixture
def save_image(tmp_path):
    """Save a Pillow image or an array below tmp_path."""

    def save(name, image, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
        return path

    return save


@pytest.fixture
def write_text(tmp_path):
    """Write lines to a file below tmp_path."""

    def write(name, *lines, encoding="utf-8"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding=encoding)
        return path

    return write
