"""Texts that people write are UTF-8; what is not says what it is, at every door."""

import json

import numpy as np
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.datasets.feature_files import load_features
from syndr_curate.curate.datasets.image_folders import open_source
from syndr_curate.curate.datasets.labels import read_labels
from syndr_curate.curate.datasets.type_lists import parse_types
from syndr_curate.curate.manifest.splits import read_splits
from syndr_curate.curate.report.mixes_and_domains import read_domains
from syndr_curate.curate.storage.texts.utf8_text import read_utf8
from syndr_curate.curate.terminal.config_file import FILE_NAME, read_settings


def ids_of(path):
    np.save(path.with_name("f.npy"), np.ones((2, 2), np.float32))
    return load_features(path.with_name("f.npy")).ids


PRESET = json.dumps({"types": [1, 3]})
LABELS = "dist_img,ref_img,dmos\na_01_01.png,a.png,1\nb_01_01.png,b.png,2\n"
DOORS = {
    "labels": ("dmos.csv", LABELS, lambda path: read_labels(path).sample_ids, ("a_01_01", "b_01_01")),
    "splits": ("s.csv", "id,split\na,test\n", lambda path: read_splits(path, {"a_01_01": "a"}), {"a": "test"}),
    "list": ("kadis700k_ref_imgs.csv", "ref_im\nb.png\n", lambda path: open_source(path.parent).entries[0].id, "b"),
    "ids": ("f.ids.txt", "a\nb\n", ids_of, ("a", "b")),
    "preset": ("p.json", PRESET, lambda path: parse_types(str(path)), (1, 3)),
    "domains": ("p.json", PRESET, lambda path: read_domains(path)["types"], [1, 3]),
    "settings": (FILE_NAME, "[mix]\nquiet = true\n", lambda path: read_settings(path.parent, {"mix": {"quiet": False}}),
                 {"mix": {"quiet": True}}),
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_utf8_is_read_with_and_without_a_mark(tmp_path, door, line_break, encoding):
    name, text, read, expected = DOORS[door]
    (tmp_path / name).write_bytes(text.replace("\n", line_break).encode(encoding))
    assert read(tmp_path / name) == expected


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_is_named(tmp_path, door, encoding):
    name, text, read, _ = DOORS[door]
    (tmp_path / name).write_bytes(text.encode(encoding))
    with pytest.raises(CurateError, match=rf"{name} is text in UTF-16.*expected UTF-8: save it again"):
        read(tmp_path / name)


@pytest.mark.parametrize("door", DOORS)
def test_a_zero_byte_is_named_however_far_down(tmp_path, door):
    name, text, read, _ = DOORS[door]
    (tmp_path / name).write_bytes(text.encode() + b"x" * 10_000 + b"\0")
    with pytest.raises(CurateError, match=rf"{name} has a zero byte at 10,0[0-9]+; expected text in UTF-8"):
        read(tmp_path / name)


def test_another_encoding_is_named_with_the_byte(tmp_path):
    (tmp_path / "t.txt").write_bytes("café".encode("latin-1"))
    with pytest.raises(CurateError, match=r"t\.txt is not UTF-8 text \(unexpected end of data at byte 3\)"):
        read_utf8(tmp_path / "t.txt")


def test_line_breaks_inside_a_cell_stay(tmp_path):
    (tmp_path / "t.txt").write_bytes(b"a\r\nb\rc\n")
    assert read_utf8(tmp_path / "t.txt") == "a\nb\nc\n"
    assert read_utf8(tmp_path / "t.txt", keep_line_breaks=True) == "a\r\nb\rc\n"
