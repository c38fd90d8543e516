"""Metadata that somebody changed by hand is refused by name of its entry, by every command, in one line."""

import json

import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError, read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach

from ..making import training_rows

BASE = {"stage": "testset", "roots": {"images": "pictures"}, "schema_version": 2}
DAMAGED = {
    "roots a list": ({"roots": [1]}, "'roots' .* expected a name and a folder each"),
    "a root a number": ({"roots": {"images": 3}}, "'roots' .* expected a name and a folder each"),
    "a NUL in a root": ({"roots": {"images": "a\0b"}}, "'roots' .* expected a name and a folder each"),
    "stage a number": ({"stage": 3}, "'stage' .* is 3, expected the name of a command"),
    "scale a text": ({"label_scale": "x"}, "'label_scale' .* expected the ends of the scale"),
    "exif a text": ({"exif_orient": "yes"}, "'exif_orient' .* is 'yes', expected true or false"),
    "denoiser a number": ({"denoiser": 7}, "'denoiser' .* expected a digest"),
    "half a character": ({"stage": "\udcff"}, "is not JSON: it holds half of a character"),
}


@pytest.fixture
def rewritten(tmp_path):
    write_manifest(attach(training_rows(["a"], [1.0]), BASE), tmp_path / "m.parquet")
    table = pq.read_table(tmp_path / "m.parquet")

    def write(content):
        pq.write_table(table.replace_schema_metadata({b"syndr_curate": content}), tmp_path / "x.parquet")
        return tmp_path / "x.parquet"

    return write


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_entry_is_named(case, rewritten, syndr_curate):
    change, said = DAMAGED[case]
    path = rewritten(json.dumps({**BASE, **change}).encode())
    with pytest.raises(CurateError, match=said):
        read_manifest(path)
    for command in ("inspect", "verify"):
        done = syndr_curate(command, path, check=False)
        assert done.returncode == (2 if command == "inspect" else 1)
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") <= 1


def test_roots_that_are_null_are_none(rewritten, syndr_curate):
    path = rewritten(json.dumps({**BASE, "roots": None}).encode())
    assert syndr_curate("inspect", path).returncode == 0


@pytest.mark.parametrize("content", [b"[" * 100_000, b"\xff\xfe", b"3", b""])
def test_what_is_no_json_object_is_said(content, rewritten):
    with pytest.raises(CurateError, match="the metadata under 'syndr_curate' is not"):
        read_manifest(rewritten(content))
