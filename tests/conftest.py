"""What several test folders share."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.datasets.labels import Labels, LabelScale
from syndr_curate.curate.manifest.provenance import attach, make_provenance
from syndr_curate.curate.manifest.schema import build_table
from syndr_curate.curate.storage.images import encode_image

from .making import training_rows

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SCRIPT = Path(sys.executable).with_name("syndr-curate")


@pytest.fixture(scope="session")
def reference_data() -> Path:
    folder = Path(
        os.environ.get("SYNDR_REFERENCE_DATA", Path(__file__).resolve().parents[1] / ".." / "shared" / "data")
    )
    if not folder.is_dir():
        pytest.skip(f"needs the reference data (SYNDR_REFERENCE_DATA); none at {folder}")
    return folder.resolve()


@pytest.fixture(scope="session")
def syndr_curate() -> Command:
    """Run the installed console script, as a user would."""

    def run(*arguments: object, cwd: Path | None = None, check: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [str(SCRIPT), *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False, timeout=300
        )
        if check and done.returncode != 0:
            raise AssertionError(f"exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    return run


@pytest.fixture(scope="session")
def demo(syndr_curate: Command, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """What `syndr-curate demo` leaves, and what it says of it; made once. Tests must not change its files."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = syndr_curate("demo", "--out", folder, "--json")
    return folder, json.loads(done.stdout)


@pytest.fixture(scope="session")
def unprivileged() -> list[str]:
    """What to put before a command so that it may not read and write everything, as root may."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("needs setpriv (util-linux) to give up what root may do")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]


@pytest.fixture
def two_node_cluster() -> Iterator[Any]:
    """A `TwoNodes` of tests/ray_cluster.py: a Ray cluster of two nodes on loopback; takes about ten seconds."""
    spec = spec_from_file_location("ray_cluster", Path(__file__).with_name("ray_cluster.py"))
    assert spec is not None
    assert spec.loader is not None
    ray_cluster = module_from_spec(spec)
    spec.loader.exec_module(ray_cluster)
    with ray_cluster.two_nodes() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def photograph() -> Callable[[int, int, int], NDArray[np.uint8]]:
    """Make a smooth colored picture with some texture, different for every seed."""

    def make(seed: int, height: int = 64, width: int = 80) -> NDArray[np.uint8]:
        rng = np.random.Generator(np.random.PCG64(seed))
        coarse = rng.integers(0, 256, (5, 6, 3)).astype(np.float64)
        rows, columns = np.linspace(0, 4, height), np.linspace(0, 5, width)
        smooth = np.stack(
            [
                np.array([np.interp(columns, range(6), line) for line in _stretch(coarse[..., c], rows)])
                for c in range(3)
            ],
            axis=-1,
        )
        return np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def image_folder(
    tmp_path_factory: pytest.TempPathFactory, photograph: Callable[..., NDArray[np.uint8]]
) -> Callable[..., Path]:
    """Make a folder of small photographs."""

    def make(prefix: str, count: int, *, first_seed: int = 0, height: int = 64, width: int = 80) -> Path:
        folder = tmp_path_factory.mktemp(prefix) / prefix
        folder.mkdir()
        for number in range(count):
            image = photograph(first_seed + number, height, width)
            (folder / f"{prefix}{number}.png").write_bytes(encode_image(image))
        return folder

    return make


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


@pytest.fixture
def features() -> Callable[..., Features]:
    def make(rows: dict[str, Sequence[float]]) -> Features:
        matrix = np.array(list(rows.values()), dtype=np.float32)
        ids = tuple(rows)
        return Features(matrix, ids, tuple(f"{i}.png" for i in ids), "the features", {})

    return make


@pytest.fixture
def at_angles(features: Callable[..., Features]) -> Callable[..., Features]:
    """Unit vectors in the plane, given by their angle in degrees: d(a, b) = 1 - cos(a - b)."""

    def make(**angles: float) -> Features:
        radians = {name: np.radians(angle) for name, angle in angles.items()}
        return features({name: (np.cos(angle), np.sin(angle)) for name, angle in radians.items()})

    return make


@pytest.fixture
def labeled() -> Callable[..., Labels]:
    """A labeled set with one label per (reference, type, level), quality on [0, 10]."""

    def make(cells: dict[tuple[str, int, int], float]) -> Labels:
        ids = tuple(f"{r}_{t:02d}_{level:02d}" for r, t, level in cells)
        return Labels(
            sample_ids=ids,
            image_names=tuple(f"{i}.png" for i in ids),
            reference_ids=tuple(r for r, _, _ in cells),
            reference_names=tuple(f"{r}.png" for r, _, _ in cells),
            distortion_ids=np.array([t for _, t, _ in cells], np.int16),
            levels=np.array([level for _, _, level in cells], np.int8),
            quality=np.array(list(cells.values()), np.float64),
            standard_errors=np.full(len(cells), np.nan),
            scale=LabelScale(0.0, 10.0),
        )

    return make


@pytest.fixture
def training_table() -> Callable[..., pa.Table]:
    return training_rows


def _stretch(plane: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.interp(rows, range(len(plane)), plane[:, j]) for j in range(plane.shape[1])]).T
