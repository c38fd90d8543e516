"""What an installation holds: every package of the tree, and nothing that a user would not look for."""

import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
MOST_FILES = 16


@pytest.fixture(scope="module")
def setuptools_table():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def test_every_package_of_the_tree_is_named(setuptools_table):
    folders = [file.parent for room in ("curate", "distortions") for file in (ROOT / room).rglob("__init__.py")]
    found = {"syndr_curate", *("syndr_curate." + ".".join(f.relative_to(ROOT).parts) for f in folders)}
    assert found == set(setuptools_table["packages"])


def test_every_file_that_is_no_code_is_package_data(setuptools_table):
    listed = set()
    for package, patterns in setuptools_table["package-data"].items():
        for pattern in patterns:
            files = set(ROOT.joinpath(*package.split(".")[1:]).glob(pattern))
            assert files, f"{package} has no {pattern}"
            listed |= files
    beside_code = {
        file
        for room in ("curate", "distortions")
        for file in (ROOT / room).rglob("*")
        if file.is_file() and file.suffix not in {".py", ".pyc", ".nbi", ".nbc"}
    }
    assert beside_code <= listed


def test_a_room_holds_at_most_16_files():
    rooms = {file.parent for room in ("curate", "distortions") for file in (ROOT / room).rglob("*.py")}
    counts = {room.relative_to(ROOT).as_posix(): len(list(room.glob("*.py"))) for room in rooms}
    assert {room for room, count in counts.items() if count > MOST_FILES} <= {"curate/command"}  # one file per command


def test_the_tests_run_in_a_folder_of_any_name(tmp_path):
    clone = tmp_path / "syndr-curate"
    clone.mkdir()
    for name in ("pyproject.toml", "__init__.py", "cli.py", "curate", "distortions", "tests"):
        (clone / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/manifest/test_ids.py"]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
