"""`domains fit` and `domains select` as a user runs them, and their settings tables."""

import json

import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.terminal.config_file import read_settings


def test_each_has_help_with_an_example(syndr_curate):
    assert "domains" in syndr_curate("--help").stdout
    for command in ("fit", "select"):
        assert f"Example: syndr-curate domains {command}" in syndr_curate("domains", command, "--help").stdout


def test_a_classifier_fitted_from_the_command_line_gives_a_preset_that_distort_takes(
    syndr_curate, image_folder, tmp_path
):
    photos = image_folder("p", 3, height=96, width=112)
    (tmp_path / "syndr-curate.toml").write_text('[domains.fit]\nper_reference = "one"\nepochs = 2\n')
    flags = ["--references", photos, "--out", "c.safetensors"]
    fitted = json.loads(syndr_curate("domains", "fit", *flags, "--json", "--quiet", cwd=tmp_path).stdout)
    assert fitted["references"] == 3
    facts = json.loads((tmp_path / "c.json").read_text())
    assert facts["config"]["per_reference"] == "one"  # from the settings file
    assert facts["config"]["training"]["epochs"] == 2
    (photos / "torn.png").write_bytes(b"torn")
    flags = ["--target", photos, "--classifier", "c.safetensors", "--out", "mine.json"]
    done = syndr_curate("domains", "select", *flags, cwd=tmp_path)
    assert "selected (*):" in done.stdout
    assert "not counted: torn.png" in done.stderr
    strict = syndr_curate("domains", "select", *flags, "--strict", "--json", cwd=tmp_path, check=False)
    assert strict.returncode == 3
    selected = json.loads(strict.stdout)
    # Of the other rule, and said for every call: no reason to refuse this one.
    (tmp_path / "syndr-curate.toml").write_text('[domains.select]\nexclude = "denoise"\nmax_types = 3\n')
    bare = ["--rule", "published", "--name", "ours", "--scores", tmp_path / "s.parquet", "--json", "--quiet"]
    published = json.loads(syndr_curate("domains", "select", *flags, *bare, cwd=tmp_path).stdout)
    assert (selected["rule"], published["rule"]) == ("excess", "published")
    assert published["types"] == published["published"]["types"] == selected["published"]["types"]
    assert json.loads((tmp_path / "mine.json").read_text())["name"] == "ours"
    assert pq.read_table(tmp_path / "s.parquet").num_rows == 4
    rows = syndr_curate(
        "distort", photos, "--types", "mine.json", "--levels", "3", "--out", "d", "--dry-run", "--json", cwd=tmp_path
    )
    assert json.loads(rows.stdout)["rows"] == 4 * len(published["types"])


def test_what_is_wrong_is_said_in_one_line(syndr_curate, image_folder, tmp_path):
    photos = image_folder("p", 1)
    flags = ["--target", photos, "--classifier", tmp_path / "absent.safetensors", "--out", tmp_path / "m.json"]
    done = syndr_curate("domains", "select", *flags, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot read the classifier's facts")
    assert done.stderr.count("\n") == 1


COMMANDS = {"distort": {"types": False}, "domains fit": {"epochs": False}, "domains select": {"root": True}}


def settings_of(tmp_path, content):
    (tmp_path / "syndr-curate.toml").write_text(content)
    return read_settings(tmp_path, COMMANDS)


def test_a_family_of_commands_has_a_table_for_each(tmp_path):
    content = '[distort]\ntypes = [1, 3]\n[domains.fit]\nepochs = 5\n[domains.select]\nroot = "a=b"\n'
    assert settings_of(tmp_path, content) == {
        "distort": {"types": "1,3"},
        "domains": {"fit": {"epochs": 5}, "select": {"root": ["a=b"]}},
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "[domains]\nepochs = 5\n",
            r"\[domains\] holds the tables \[domains.fit\], \[domains.select\] and nothing else",
        ),
        ("[domains.fot]\n", r"\[domains\] holds the tables"),
        ("domains = 3\n", r"\[domains\] holds the tables"),
        ("[domains.fit]\nepoch = 5\n", r"\[domains.fit\] has no setting 'epoch'; it has epochs"),
        ("[domain]\n", r"\[domain\] is not a command; there are distort, domains.fit, domains.select"),
        ('["domains fit"]\nepochs = 5\n', r"\[domains fit\] is not a command.*\[domains.fit\]"),
    ],
)
def test_a_table_that_does_not_exist_is_refused_with_those_that_do(tmp_path, content, message):
    with pytest.raises(CurateError, match=message):
        settings_of(tmp_path, content)
