"""Manifests: the values of the file in the manifest's types, or an error; and no command ends in a traceback."""

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st
from syndr_curate import append_manifest, read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, make_provenance
from syndr_curate.curate.manifest.schema import SCHEMA

from ..making import recipe_table, training_rows
from .driving import EFFORTS, JSON, ODD_TEXTS, damaged, drive, run_command, value_or_error

FACTS = make_provenance(
    "distort", {"seed": 1}, {"references": "00"}, roots={"images": "images", "photos": "photos"}, pixels="recipe"
)
RECIPES = attach(recipe_table(["a", "b"], types=[1, 15], levels=[1, 5]), FACTS)
LABELED = attach(training_rows(["a", "b", "c"], [1.0, 2.0, 3.0]), {**FACTS, "stage": "label", "pixels": "stored"})
SMALL_INTEGERS = st.integers(-(2**15), 2**15 - 1)
VALUES = {
    "text": (pa.string(), ODD_TEXTS),
    "category": (
        pa.dictionary(pa.int32(), pa.string()),
        st.sampled_from(["ok", "train", "images", "photos", "mos", ""]),
    ),
    "integer": (pa.int64(), st.one_of(SMALL_INTEGERS, st.integers(-(2**63), 2**63 - 1))),
    "small": (pa.int16(), st.integers(-2, 30)),
    "float": (pa.float64(), st.one_of(st.floats(), SMALL_INTEGERS.map(float))),
    "bool": (pa.bool_(), st.booleans()),
    "list": (pa.list_(pa.int64()), st.lists(st.integers(0, 3), max_size=2)),
}
# Entries of the provenance, those of this toolkit more often than others.
ENTRIES = st.dictionaries(
    st.one_of(st.sampled_from([*FACTS, "exif_orient", "icc", "label_scale", "denoiser", "encoder"]), ODD_TEXTS),
    JSON,
    max_size=3,
)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """A good manifest of which a few columns hold something else, are missing, or are new."""
    table = draw(st.sampled_from([RECIPES, LABELED]))
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from([*SCHEMA.names, "cluster_id", "soft_labels", "source_a", "other"]))
        if draw(st.integers(0, 9)) == 0 and name in table.column_names:
            table = table.drop_columns([name])
            continue
        kind, values = VALUES[draw(st.sampled_from(sorted(VALUES)))]
        cells = draw(st.lists(st.one_of(st.none(), values), min_size=len(table), max_size=len(table)))
        try:
            column = pa.array(cells, kind)
        except UnicodeEncodeError:
            continue
        place = table.column_names.index(name) if name in table.column_names else None
        table = table.append_column(name, column) if place is None else table.set_column(place, name, column)
    return table


def alike(found, given):
    """Whether a value is the one that was written, or the float32 next to it."""
    if isinstance(found, str) or found is None:
        return found == given or (found is None and isinstance(given, float) and math.isnan(given))
    if isinstance(given, str):  # a number that a tool wrote as text
        given = float(given)
    if isinstance(found, float) and isinstance(given, int | float):
        with np.errstate(over="ignore"):
            rounded = math.isfinite(found) and found == float(np.float32(given))
        return found == given or rounded or (math.isnan(found) and math.isnan(given))
    return found == given


def check_file(path, given=None):
    table = value_or_error(lambda: read_manifest(path))
    if table is None:
        return
    copy = path.with_name("copy.parquet")
    write_manifest(table, copy)
    assert read_manifest(copy).equals(table, check_metadata=True)
    if given is not None:
        assert len(table) == len(given)
        for name in given.column_names:
            pairs = list(zip(table[name].to_pylist(), given[name].to_pylist(), strict=True))
            assert [(name, *pair) for pair in pairs if not alike(*pair)] == []


@pytest.mark.filterwarnings("ignore::syndr_curate.CurateWarning")
@EFFORTS
def test_columns_that_hold_something_else(inputs, tmp_path):
    path = tmp_path / "m.parquet"

    def check(table):
        pq.write_table(table, path)
        check_file(path, table)

    drive(inputs, check, table=tables())


@pytest.mark.filterwarnings("ignore::syndr_curate.CurateWarning")
@EFFORTS
def test_bytes_that_were_changed(inputs, tmp_path):
    write_manifest(LABELED, tmp_path / "whole.parquet")
    whole, path = (tmp_path / "whole.parquet").read_bytes(), tmp_path / "m.parquet"

    def check(content):
        path.write_bytes(content)
        check_file(path)

    drive(inputs, check, content=damaged(st.just(whole)))


@pytest.mark.filterwarnings("ignore::syndr_curate.CurateWarning")
@EFFORTS
def test_a_damaged_manifest_ends_no_command_in_a_traceback(inputs, tmp_path):
    path, other = tmp_path / "m.parquet", tmp_path / "other.parquet"
    write_manifest(LABELED, other)
    photos = tmp_path / "photos"
    photos.mkdir()
    commands = [
        ("inspect", path),
        ("inspect", path, "--json"),
        ("verify", path, "--workers", 1),
        ("relocate", path, "--root", f"photos={photos}"),
        ("export", path, "--to", "ids", "--out", tmp_path / "ids.txt"),
        ("export", path, "--to", "pyiqa", "--render", "--dry-run", "--out", tmp_path / "pyiqa"),
        ("distort", path, "--out", tmp_path / "d", "--dry-run"),
        ("distort", path, "--types", "1", "--out", tmp_path / "d", "--dry-run"),
        ("mix", "--manifest", path, "--count", 2, "--out", tmp_path / "x", "--dry-run"),
        ("encode", path, "--encoder", "gist", "--out", tmp_path / "f.parquet", "--dry-run"),
    ]

    def check(table, entries, raw, command):
        facts = {**FACTS, **entries}
        text = json.dumps(facts).encode() if raw is None else raw
        pq.write_table(table.replace_schema_metadata({b"syndr_curate": text}), path)
        run_command(*command)
        value_or_error(lambda: append_manifest(other, pq.read_table(path)))

    drive(
        inputs,
        check,
        table=st.one_of(st.sampled_from([RECIPES, LABELED]), tables()),
        entries=ENTRIES,
        raw=st.one_of(st.none(), st.none(), st.none(), damaged(st.just(json.dumps(FACTS).encode()))),
        command=st.sampled_from(commands),
    )
