"""At the edges of a terminal's life: one line and an exit code, never a traceback."""

import os
import subprocess
import sys

import pytest
from syndr_curate import write_manifest

from ..making import training_rows


@pytest.fixture
def manifest(tmp_path):
    write_manifest(training_rows(["a", "b"], [1.0, 2.0]), tmp_path / "m.parquet")
    return tmp_path / "m.parquet"


def shell(line, **names):
    done = subprocess.run(
        ["sh", "-c", line],
        env={**os.environ, **{name: str(value) for name, value in names.items()}},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ('"$PYTHON" -m syndr_curate inspect "$FILE" 2>&-', 0, ""),
        ('"$PYTHON" -m syndr_curate inspect "$FILE" >&-', 0, None),
        ('"$PYTHON" -m syndr_curate inspect absent.parquet 2>&-', 2, ""),
        ('"$PYTHON" -m syndr_curate inspect "$FILE" >/dev/full', 2, "error: the result cannot be printed: No space"),
        (
            '"$PYTHON" -m syndr_curate inspect "$FILE" --json >/dev/full',
            2,
            "error: the result cannot be printed: No spa",
        ),
        ('"$PYTHON" -m syndr_curate --help >/dev/full', 2, "error: the result cannot be printed: No space"),
        (
            'mkdir "$FILE.d" && cd "$FILE.d" && rmdir "$FILE.d" && "$PYTHON" -m syndr_curate inspect x',
            2,
            "error: the cur",
        ),
        ('"$PYTHON" -m syndr_curate mix --manifest "$FILE" --count 9e30 --out m', 2, None),
        ('"$PYTHON" -m syndr_curate encode "$FILE" --encoder gist --out f --batch-size 9999999999999999999', 2, None),
        ('"$PYTHON" -m syndr_curate domains fit --references . --out c.safetensors --seed -1', 2, None),
    ],
)
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_streams_that_are_closed_or_full_and_folders_that_are_gone(line, code, said, manifest):
    done = shell(line, PYTHON=sys.executable, FILE=manifest)
    assert done.returncode == code
    if said is not None:
        assert done.stderr.startswith(said)
        assert done.stderr.count("\n") <= 1


@pytest.mark.parametrize("arguments", [["distortions", "--json"], ["--help"]])
def test_a_reader_that_has_seen_enough_ends_it_quietly(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "syndr_curate", *arguments]
    with os.fdopen(writer, "wb") as stdout:
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_usage_error_with_stderr_closed_stays_out_of_the_result():
    done = shell('"$PYTHON" -m syndr_curate no-such-command 2>&-', PYTHON=sys.executable)
    assert (done.returncode, done.stdout) == (2, "")


def test_what_stderr_does_not_take_changes_no_exit_code():
    assert shell('"$PYTHON" -m syndr_curate distortions 2>/dev/full', PYTHON=sys.executable).returncode == 0
    assert shell('"$PYTHON" -m syndr_curate inspect absent 2>/dev/full', PYTHON=sys.executable).returncode == 2


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("typer", "interrupted"),
        ("syndr_curate.curate.command.select", "interrupted"),
        ("syndr_curate.curate.upsampling.select", "interrupted; the same command goes on where it stopped"),
    ],
)
def test_an_interrupt_while_it_loads_is_one_line(module, line):
    code = f"""
import os, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["syndr-curate", "select", "--reference-features", "a.npz", "--candidate-features", "b.npz"]
from syndr_curate.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"{line}\n")


def test_json_that_is_nested_deeply_is_no_preset(tmp_path, syndr_curate):
    (tmp_path / "deep.json").write_text('{"types":' + "[" * 100_000 + "]" * 100_000 + "}")
    (tmp_path / "p.png").write_bytes(b"")
    said = syndr_curate("distort", "p.png", "--types", "deep.json", "--out", "d", cwd=tmp_path, check=False)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "it is nested too deeply" in said.stderr
