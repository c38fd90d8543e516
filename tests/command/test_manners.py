"""At the edges of a terminal's life: one line and an exit code, never a traceback."""

import os
import subprocess
import sys

import pytest
from syndr_curate import write_manifest
from syndr_curate.__main__ import main

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


def test_a_reader_that_has_seen_enough_ends_it_quietly():
    done = shell('"$PYTHON" -m syndr_curate distortions | head -1', PYTHON=sys.executable)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_an_interrupt_while_it_loads_is_no_traceback(monkeypatch, capsys):
    class Interrupted:
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "syndr_curate.cli", Interrupted())
    with pytest.raises(SystemExit) as ended:
        main()
    assert (ended.value.code, capsys.readouterr().err) == (130, "interrupted\n")


def test_json_that_is_nested_deeply_is_no_preset(tmp_path, syndr_curate):
    (tmp_path / "deep.json").write_text('{"types":' + "[" * 100_000 + "]" * 100_000 + "}")
    (tmp_path / "p.png").write_bytes(b"")
    said = syndr_curate("distort", "p.png", "--types", "deep.json", "--out", "d", cwd=tmp_path, check=False)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "it is nested too deeply" in said.stderr
