"""Names that would move a cursor, change colors or start a line of their own are shown, not obeyed."""

import io
import json
import sys
import warnings

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate import read_manifest, write_manifest
from syndr_curate.curate.domains.fitting.fit_files import describe_fit
from syndr_curate.curate.errors import CurateError, CurateWarning
from syndr_curate.curate.manifest.provenance import attach
from syndr_curate.curate.manifest.recipes import distortion_name
from syndr_curate.curate.printable import printable, printable_json
from syndr_curate.curate.terminal.console import BarReporter, describe, make_reporter, print_result, table
from syndr_curate.curate.terminal.exit_codes import reporting_errors

from ..making import paint_cities, recipe_table

HOSTILE = "\x1b]0;owned\x07\x1b[2Jfake\nproblem: none\r\x9b31m\u202egnp.\u2028x\udcff"
SHOWN = r"\x1b]0;owned\x07\x1b[2Jfake\nproblem: none\r\x9b31m\u202egnp.\u2028x\udcff"


def is_harmless(text: str) -> bool:
    return all(char == "\n" or char.isprintable() for char in text)


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text):
    assert is_harmless(printable(text))
    assert "\n" not in printable(text)


@given(st.text().filter(str.isprintable))
def test_what_is_plain_stays_as_it_is(text):
    assert printable(text) == text


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_means_the_same(value):
    written = printable_json(json.dumps(value, ensure_ascii=False))
    assert is_harmless(written)
    assert json.loads(written) == value


def test_notes_are_one_line(capsys):
    make_reporter(quiet=False).note(HOSTILE)
    assert capsys.readouterr().err == f"{SHOWN}\n"


def test_results_errors_and_tables_are_escaped(capsys):
    print_result({"name": HOSTILE}, describe({"name": HOSTILE}), as_json=False)
    assert capsys.readouterr().out == f"name  {SHOWN}\n"
    print_result({"name": HOSTILE}, "", as_json=True)
    written = capsys.readouterr().out
    assert is_harmless(written)
    assert json.loads(written) == {"name": HOSTILE}
    assert is_harmless(table(("name",), [(HOSTILE,)]))
    assert len(table(("name",), [(HOSTILE,)]).split("\n")) == 3


@pytest.mark.parametrize("error", [CurateError(HOSTILE), FileNotFoundError(2, "No such file", HOSTILE)])
def test_an_error_is_one_harmless_line(error, capsys):
    @reporting_errors
    def command():
        raise error

    with pytest.raises(typer.Exit):
        command()
    said = capsys.readouterr().err
    assert is_harmless(said)
    assert SHOWN in said
    assert said.count("\n") == 1


def test_an_error_names_a_file_as_it_is_called(capsys):
    @reporting_errors
    def command():
        raise CurateError("no file at a  b\tc.png")

    with pytest.raises(typer.Exit):
        command()
    assert capsys.readouterr().err == "error: no file at a  b\\tc.png\n"


@pytest.mark.parametrize("kind", [CurateWarning, UserWarning])
def test_warnings_are_escaped(kind, capsys):
    @reporting_errors
    def command():
        warnings.warn(HOSTILE, kind, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = shown_as_python_does
        command()
    said = capsys.readouterr().err
    assert is_harmless(said)
    assert SHOWN in said


def shown_as_python_does(message, category, filename, lineno, *_):
    sys.stderr.write(warnings.formatwarning(message, category, filename, lineno))


@pytest.mark.parametrize("name", ["[/nothing]", "[red]photos", "a\x1b[2Jb\nc"])
def test_a_bar_shows_the_name_of_its_task_as_it_is(name, capsys):
    with BarReporter().task(f"encode {name}", 1) as task:
        task.advance()
    said = capsys.readouterr().err
    assert f"encode {printable(name)}" in said
    assert "\x1b[2J" not in said


def test_a_fit_is_described_in_separate_lines():
    recalls = {distortion_name(kind): None for kind in range(26)}
    summary = {
        **{"kind": "mlp", "references": 3, "recall": recalls},
        **{f"held_out_{score}": 0.5 for score in ("top1", "top4", "top1_recompressed", "top4_recompressed")},
        **{"confusion": [[0] * 26] * 26, "confusion_matrix": None, "classes_unseen": [], "references_unusable": 0},
        **{"facts": HOSTILE, "out": HOSTILE},
    }
    lines = describe_fit(summary).split("\n")
    assert lines[-2:] == [f"facts: {SHOWN}", f"out: {SHOWN}"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_results_are_printed_whatever_the_encoding(encoding, monkeypatch):
    for as_json in (True, False):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")  # as guard_streams makes it
        monkeypatch.setattr(sys, "stdout", out)
        print_result({"name": "caf\xe9 \u6f22"}, "caf\xe9 \u6f22", as_json=as_json)
        said = out.buffer.getvalue().decode(encoding)
        if as_json:
            assert json.loads(said) == {"name": "caf\xe9 \u6f22"}
        else:
            shown = {"ascii": "caf\\xe9 \\u6f22\n", "latin-1": "caf\xe9 \\u6f22\n", "utf-8": "caf\xe9 \u6f22\n"}
            assert said == shown[encoding]


def test_commands_show_names_of_files_data_sets_and_roots(tmp_path, syndr_curate):
    name = "a\x1b[31m\nb"
    paint_cities(tmp_path / "photos", [name], side=64)
    rows = recipe_table([name], types=(1,), levels=(1,), dataset=f"set{name}")
    rows = attach(rows, {"stage": f"made{name}", "roots": {"photos": "photos", "images": f"gone{name}"}})
    write_manifest(rows, tmp_path / "m.parquet")
    assert read_manifest(tmp_path / "m.parquet")["dataset"].to_pylist() == [f"set{name}"]
    for command in (["inspect"], ["verify"]):
        said = syndr_curate(*command, str(tmp_path / "m.parquet"), check=False)
        assert is_harmless(said.stdout + said.stderr), command
        assert r"a\x1b[31m\nb" in said.stdout or command == ["verify"]
    (tmp_path / "photos" / f"{name}.png").write_bytes(b"torn")
    said = syndr_curate(
        "encode", str(tmp_path / "photos"), "--encoder", "gist", "--out", tmp_path / "f.parquet", check=False
    )
    assert is_harmless(said.stdout + said.stderr)
    assert r"\x1b[31m" in said.stderr
