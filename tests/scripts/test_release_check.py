"""The check of a release: what it refuses, and that a failure is never hidden."""

import importlib.util
import os
import stat
import sys
import zipfile
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
THIS_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def check():
    spec = importlib.util.spec_from_file_location("release_check", SCRIPTS / "release_check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def program(tmp_path):
    """Write a shell script that can be run."""

    def make(name, *lines):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


def wheel_of(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "12345")
    return path


def test_the_content_of_a_wheel_is_listed_by_folder_with_the_files_that_are_no_code(check, tmp_path):
    names = ("syndr_curate/cli.py", "syndr_curate/curate/errors.py", "syndr_curate/py.typed", "s.dist-info/METADATA")
    lines = check.describe_wheel(wheel_of(tmp_path / "s.whl", *names)).splitlines()
    assert "4 files of 20 bytes" in lines[0]
    assert [line.split() for line in lines[1:]] == [
        ["s.dist-info/", "1", "files", "5", "bytes"],
        ["syndr_curate/", "2", "files", "10", "bytes"],
        ["syndr_curate/curate/", "1", "files", "5", "bytes"],
        ["s.dist-info/METADATA", "5", "bytes"],
        ["syndr_curate/py.typed", "5", "bytes"],
    ]


@pytest.mark.parametrize("stray", ["tests/test_a.py", "syndr_curate/tests/test_a.py", "syndr_curate/docs/index.md"])
def test_a_wheel_with_files_that_are_not_for_users_is_refused(stray, check, tmp_path):
    with pytest.raises(check.CheckFailedError, match=stray):
        check.describe_wheel(wheel_of(tmp_path / "s.whl", "syndr_curate/cli.py", stray))


def test_an_interpreter_is_found_by_its_version(check, program, monkeypatch):
    program(f"python{THIS_VERSION}", f'exec {sys.executable} "$@"')
    monkeypatch.setenv("PATH", str(program("uv", "exit 1").parent), prepend=os.pathsep)
    assert check.find_python(THIS_VERSION).endswith(f"bin/python{THIS_VERSION}")
    assert check.find_python(sys.executable) == sys.executable


def test_uv_finds_what_the_path_does_not_have(check, program, monkeypatch):
    monkeypatch.setenv("PATH", str(program("uv", f"echo {sys.executable}").parent))
    assert check.find_python(THIS_VERSION) == sys.executable


def test_a_shim_with_nothing_behind_it_and_an_interpreter_of_another_version_are_not_found(check, program, monkeypatch):
    folder = program("python3.77", "exit 127").parent
    program("python3.78", f'exec {sys.executable} "$@"')
    monkeypatch.setenv("PATH", str(folder))
    assert check.find_python("3.77") is None
    assert check.find_python("3.78") is None
    assert check.find_python("3.79") is None
    assert check.find_python(str(folder / "absent")) is None


@pytest.fixture
def without_a_build(check, tmp_path, monkeypatch):
    """Leave out what takes long: the wheel is there already."""
    wheel = wheel_of(tmp_path / "s.whl", "syndr_curate/cli.py")
    monkeypatch.setattr(check, "build", lambda work: (wheel, wheel))  # noqa: ARG005


@pytest.mark.usefixtures("without_a_build")
def test_a_python_that_was_asked_for_and_is_not_there_is_a_failure(check, capsys):
    assert check.main(["--python", "3.77"]) == 1
    assert "Python 3.77: NOT CHECKED" in capsys.readouterr().out


@pytest.mark.usefixtures("without_a_build")
def test_a_step_that_fails_is_shown_and_the_next_python_is_still_tried(check, program, capsys):
    broken = program("python-broken", 'if [ "$1" = -c ]; then echo 3.77; else echo "no venv here"; exit 9; fi')
    assert check.main(["--python", str(broken), "--python", str(broken.with_name("absent"))]) == 1
    shown = capsys.readouterr().out
    assert "ended with 9\nno venv here" in shown
    assert f"Python {broken}: FAILED: `{broken} -m venv" in shown
    assert "absent: NOT CHECKED" in shown


@pytest.mark.usefixtures("without_a_build")
def test_the_steps_run_in_an_environment_outside_the_clone_and_pass(check, program, capsys, monkeypatch):
    made = 'mkdir -p "$3/bin"; for name in python syndr-curate; do printf "#!/bin/sh\\npwd\\n" > "$3/bin/$name"; chmod +x "$3/bin/$name"; done'  # noqa: E501
    python = program("python-good", f'if [ "$1" = -c ]; then echo 3.77; else {made}; fi')
    monkeypatch.setenv("PYTHONPATH", str(SCRIPTS.parent))
    assert check.main(["--python", str(python)]) == 0
    shown = capsys.readouterr().out
    assert f"Python {python}: passed in" in shown
    places = {line for line in shown.splitlines() if line.endswith("/trial/work")}
    assert len(places) == 1
    assert not Path(places.pop()).is_relative_to(SCRIPTS.parent)


def test_a_build_that_fails_is_a_failure(check, monkeypatch, capsys):
    def fails(work):  # noqa: ARG001
        raise check.CheckFailedError("`build` ended with 1\nno such file")

    monkeypatch.setattr(check, "build", fails)
    assert check.main(["--python", sys.executable]) == 1
    assert "FAILED to build: `build` ended with 1" in capsys.readouterr().out
