"""What several test folders share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from syndr_curate.curate.data.images import encode_image

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
    """Make a smooth coloured picture with some texture, different for every seed."""

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


def _stretch(plane: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.interp(rows, range(len(plane)), plane[:, j]) for j in range(plane.shape[1])]).T
