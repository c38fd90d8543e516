"""Help answers at once: nothing heavy is imported for it."""

import platform
import subprocess
import sys
from importlib import resources
from importlib.metadata import PackageNotFoundError

import pytest

HEAVY = frozenset(
    (
        *("torch", "torchvision", "pandas", "numpy", "pyarrow", "cv2"),
        *("open_clip", "faiss", "sklearn", "scipy", "numba", "plotly", "matplotlib", "umap"),
    )
)
COMMANDS = (
    *("demo", "encode", "select", "distort", "label", "upsample"),
    *("downsample", "mix", "inspect", "verify", "relocate", "export", "report", "testset", "distortions"),
    *("split", "evaluate"),
    *("status", "merge"),
)


def imported_by(*arguments: str) -> set[str]:
    code = f"""
import sys
sys.argv = ["syndr-curate", *{list(arguments)!r}]
from syndr_curate.__main__ import main
try:
    main()
except SystemExit:
    pass
print("IMPORTED", *sorted({{name.partition(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("arguments", [["--help"], ["upsample", "--help"], ["downsample", "--help"], ["distortions"]])
def test_help_and_catalog_import_nothing_heavy(arguments):
    assert not imported_by(*arguments) & HEAVY


def test_the_settings_and_the_command_line_import_nothing_heavy():
    package = resources.files("syndr_curate") / "curate"
    rooms = sorted(room.name for room in package.iterdir() if (room / "settings.py").is_file())
    assert {"labeling", "mixing", "upsampling"} <= set(rooms)
    modules = ["cli", "curate.storage.limits", *(f"curate.{room}.settings" for room in rooms)]
    code = "; ".join(f"import syndr_curate.{module}" for module in modules) + "; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in done.stdout.split()} & HEAVY


def test_every_command_has_help_with_an_example(syndr_curate):
    listed = syndr_curate("--help").stdout
    for command in COMMANDS:
        assert command in listed
        assert f"Example: syndr-curate {command}" in syndr_curate(command, "--help").stdout


def test_downsample_never_imports_torch(tmp_path):
    import numpy as np
    import pyarrow as pa
    from syndr_curate.curate.manifest.manifest import write_manifest
    from syndr_curate.curate.manifest.schema import build_table

    ids = ["a", "b"]
    columns = {"sample_id": ids, "image_path": ids, "label": pa.array([1.0, 2.0], pa.float32()), "split": "train"}
    write_manifest(build_table({**columns, "status": "ok"}, 2), tmp_path / "train.parquet")
    np.save(tmp_path / "epoch0.npy", np.eye(2, dtype=np.float32))
    flags = ["--features", str(tmp_path / "epoch0.npy"), "--manifest", str(tmp_path / "train.parquet")]
    assert "torch" not in imported_by("downsample", *flags)
    assert (tmp_path / "epoch0.parquet").exists()


def test_the_version_is_the_installed_one_with_those_that_decide_on_results(syndr_curate):
    from importlib.metadata import version

    lines = syndr_curate("--version").stdout.splitlines()
    assert lines[0] == f"syndr-curate {version('syndr-curate')}"
    assert f"Python {platform.python_version()} ({platform.platform()})" == lines[1]
    assert f"torch {version('torch')}" in lines
    assert {line.split()[0] for line in lines} >= {"torchvision", "open_clip", "faiss", "numpy", "pyarrow", "OpenCV"}


def test_the_version_imports_nothing_heavy():
    assert not imported_by("--version") & HEAVY


def test_two_packages_that_bring_one_library_are_both_named(monkeypatch):
    from syndr_curate.curate.terminal import versions

    installed = {"opencv-python": "4.9", "opencv-python-headless": "4.11"}

    def version(package):
        if package not in installed:
            raise PackageNotFoundError(package)
        return installed[package]

    monkeypatch.setattr(versions, "version", version)
    lines = versions.version_report("1.0").splitlines()
    assert "OpenCV 4.11 (opencv-python-headless), 4.9 (opencv-python)" in lines
    assert "torch is not installed" in lines
