"""A typed program that uses every public name passes `mypy --strict`, against the package as it is installed."""

import ast
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import syndr_curate

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "tests" / "typed_program.py"
FOLDERS = ("curate", "distortions", "manifests/presets")
FILES = ("__init__.py", "cli.py", "py.typed", "manifests/README.md", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the package into a folder, without what it requires and without a network."""
    if importlib.util.find_spec("pip") is None:
        pytest.skip("needs pip")
    # Asked, not imported: setuptools puts its own distutils before one that is loaded already, and fails.
    if tuple(map(int, importlib.metadata.version("setuptools").split(".")[:2])) < (70, 1):
        pytest.skip("needs setuptools 70.1: older ones need wheel too")
    folder = tmp_path_factory.mktemp("installed")
    copy = folder / "source"  # pip builds beside the sources
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target"]
    subprocess.run([*pip, folder / "typed", copy], check=True)
    return folder / "typed"


def test_the_program_names_everything_that_is_public():
    imports = [part for part in ast.parse(PROGRAM.read_text("utf-8")).body if isinstance(part, ast.ImportFrom)]
    (names,) = ([alias.name for alias in part.names] for part in imports if part.module == "syndr_curate")
    assert set(names) == set(syndr_curate.__all__)


@pytest.mark.slow
def test_mypy_takes_the_program_and_finds_its_mistakes(installed, tmp_path):
    pytest.importorskip("mypy")
    assert (installed / "syndr_curate" / "py.typed").is_file()
    program = shutil.copy(PROGRAM, tmp_path / "program.py")
    # Errors inside the package are `make types`' to find. An unused `type: ignore` is an error of strict mode.
    flags = ["--strict", "--follow-imports", "silent", "--config-file", os.devnull, "--cache-dir", tmp_path / "cache"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, program],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
