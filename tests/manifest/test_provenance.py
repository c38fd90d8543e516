"""Provenance: what was read and set, and nothing about when or where."""

import hashlib
import json
import os
import socket
import time

import numpy as np
import pyarrow as pa
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import (
    attach,
    digest_array,
    digest_file,
    digest_json,
    digest_listing,
    digest_table,
    library_versions,
    make_provenance,
    read_provenance,
)


def test_provenance_holds_no_clock_no_host_and_no_absolute_path(monkeypatch, tmp_path):
    first = make_provenance("select", {"seed": 1}, {"labels": "00"}, roots={"images": "../images"})
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    monkeypatch.chdir(tmp_path)
    assert make_provenance("select", {"seed": 1}, {"labels": "00"}, roots={"images": "../images"}) == first
    text = json.dumps(first)
    assert os.sep + "home" not in text
    assert str(tmp_path) not in text
    assert set(first) == {"schema_version", "stage", "config", "config_digest", "inputs", "versions", "roots"}


def test_facts_that_are_none_are_left_out():
    assert "encoder" not in make_provenance("x", {}, {}, encoder=None)


def test_the_config_digest_does_not_depend_on_the_order_of_keys():
    assert digest_json({"a": 1, "b": [1, 2]}) == digest_json({"b": [1, 2], "a": 1})
    assert digest_json({"a": 1}) != digest_json({"a": 2})
    assert digest_json({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


def test_attach_and_read_are_inverse(make_manifest):
    facts = {"stage": "größer", "numbers": [1, 2.5, None, True]}
    assert read_provenance(attach(make_manifest(), facts)) == facts
    assert read_provenance(attach(make_manifest(), facts).schema) == facts


def test_a_file_digest_is_sha256(tmp_path):
    content = os.urandom(100) * 30_000
    (tmp_path / "f").write_bytes(content)
    assert digest_file(tmp_path / "f") == hashlib.sha256(content).hexdigest()
    with pytest.raises(CurateError, match=r"cannot read .*absent: No such file"):
        digest_file(tmp_path / "absent")


def test_a_listing_has_one_digest_in_any_order():
    assert digest_listing([("a", 1), ("b", 2)]) == digest_listing([("b", 2), ("a", 1)])
    assert digest_listing([("a", 1)]) != digest_listing([("a", 2)])


def test_an_array_digest_sees_values_shape_type_and_ids():
    matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
    known = digest_array(matrix, ["a", "b"])
    assert digest_array(np.asfortranarray(matrix), ["a", "b"]) == known
    assert digest_array(matrix.reshape(3, 2), ["a", "b"]) != known
    assert digest_array(matrix.astype(np.float64), ["a", "b"]) != known
    assert digest_array(matrix, ["b", "a"]) != known


def test_a_table_has_one_digest_in_memory_in_pieces_and_from_its_file(make_manifest, tmp_path):
    table = make_manifest(label=pa.array(np.array([1.0, 7.0, 3.0], np.float32), mask=np.array([False, True, False])))
    known = digest_table(table)
    pieces = pa.concat_tables([table.slice(0, 1), table.slice(1)])
    write_manifest(table, tmp_path / "m.parquet")
    assert digest_table(pieces) == known
    assert digest_table(read_manifest(tmp_path / "m.parquet")) == known
    alone = make_manifest(("a_01_03",), level=[2], label=[None])
    assert digest_table(table.slice(1).slice(0, 1)) == digest_table(alone)


def test_a_table_digest_sees_values_nulls_names_and_order(make_manifest):
    neighbors = [[{"reference_id": "r", "distance": 0.5, "weight": 1.0}], None, []]
    table = make_manifest(neighbors=neighbors)
    others = [
        make_manifest(neighbors=[neighbors[0], [], None]),
        make_manifest(neighbors=[[{**neighbors[0][0], "weight": 0.5}], None, []]),
        make_manifest(neighbors=neighbors, dataset=["ours", "ours", None]),
        table.take([1, 0, 2]),
        table.rename_columns([name.upper() for name in table.column_names]),
        table.append_column("own", pa.array(["ab", "c", ""])),
        table.append_column("own", pa.array(["a", "bc", ""])),
        table.append_column("own", pa.array([b"a", b"bc", b""])),
    ]
    digests = {digest_table(other) for other in [table, *others]}
    assert len(digests) == 1 + len(others)


def test_versions_name_what_is_installed_and_skip_what_is_not():
    versions = library_versions(["numpy", "no-such-library-here"])
    assert versions == {"numpy": np.__version__}
