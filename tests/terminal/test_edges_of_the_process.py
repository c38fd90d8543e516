"""Streams that are closed or full, a folder that is gone, and an interrupt: one line, and an exit code of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from syndr_curate.curate.terminal.exit_codes import reporting_errors

SCRIPT = Path(sys.executable).with_name("syndr-curate")
needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")


def shell(line: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a line of bash in which $S is the console script."""
    return subprocess.run(
        ["bash", "-c", line], cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, "S": str(SCRIPT)}
    )


def test_an_error_with_stderr_closed_keeps_its_exit_code_and_stays_out_of_the_result():
    done = shell('"$S" inspect nothing.parquet 2>&-')
    assert (done.returncode, done.stdout) == (2, "")


def test_a_result_with_stderr_closed_is_whole():
    done = shell('"$S" distortions --json 2>&-')
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["distortions"]) == 25


@needs_full_device
def test_notes_that_stderr_does_not_take_change_no_exit_code():
    assert shell('"$S" inspect nothing.parquet 2>/dev/full').returncode == 2
    assert shell('"$S" distortions 2>/dev/full').returncode == 0


@needs_full_device
@pytest.mark.parametrize("arguments", ["distortions", "distortions --json", "--help", "--version"])
def test_a_full_stdout_is_an_error_in_one_line(arguments):
    done = shell(f'"$S" {arguments} >/dev/full')
    assert done.returncode == 2
    assert done.stderr == "error: the result cannot be written to stdout: No space left on device\n"


def test_a_closed_stdout_is_a_result_that_nobody_asked_for():
    done = shell('"$S" distortions >&-')
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", ["distortions --json", "--help"])
def test_a_reader_that_left_ends_it_quietly(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        done = subprocess.run([SCRIPT, *arguments.split()], stdout=stdout, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_working_folder_that_was_removed_is_named_in_one_line(tmp_path):
    done = shell('mkdir gone && cd gone && rmdir ../gone && "$S" distortions', tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: the current folder cannot be used")


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("typer", "interrupted"),
        ("syndr_curate.curate.command.select", "interrupted"),
        ("syndr_curate.curate.upsampling.select", "interrupted; the same command goes on where it stopped"),
    ],
)
def test_an_interrupt_during_an_import_is_one_line_and_130(module, line):
    code = f"""
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["syndr-curate", "select", "--reference-features", "a.npz", "--candidate-features", "b.npz"]
from syndr_curate.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"{line}\n")


def test_an_ignored_interrupt_stays_ignored():
    code = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.argv = ["syndr-curate", "distortions"]
from syndr_curate.cli import main
os.kill(os.getpid(), signal.SIGINT)
try:
    main()
finally:
    print("still ignored:", signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("still ignored: True\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device"), "error: No space left on device"),
        (OSError(13, "Permission denied", "a.png"), "error: a.png: Permission denied"),
        (MemoryError(), "error: there is not enough memory for this"),
        (
            MemoryError("no room for 8 EiB"),
            "error: there is not enough memory for this: no room for 8 EiB",
        ),
    ],
)
def test_what_the_system_cannot_do_is_one_line_and_2(error, line, capsys):
    @reporting_errors
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == f"{line}\n"
