"""Preset files: the types that stand in them, or an error; also where a report shows them."""

import json

import pytest
from hypothesis import strategies as st
from syndr_curate import CurateError
from syndr_curate.curate.datasets.type_lists import parse_types
from syndr_curate.curate.report.mixes_and_domains import read_domains
from syndr_curate.distortions.catalog import CATALOG, get

from .driving import EFFORTS, JSON, ODD_TEXTS, damaged, drive, value_or_error

GOOD = {
    "name": "mine",
    "types": [1, "jpeg"],
    "shares": {"1": 0.5, "pristine": 0.5},
    "top1_shares": {"10": 1.0},
    "images": 4,
}
KINDS = st.one_of(st.integers(-1, 30), st.sampled_from([entry.name for entry in CATALOG]), JSON)
PRESETS = st.fixed_dictionaries(
    {"types": st.one_of(st.lists(KINDS, max_size=4), JSON)},
    optional={
        "name": JSON,
        "images": JSON,
        "note": JSON,
        "shares": st.one_of(JSON, st.dictionaries(st.sampled_from(["1", "jpeg", "pristine", "99"]), JSON)),
        "top1_shares": JSON,
    },
)


def check_preset(path, content):
    path.write_bytes(content)
    types = value_or_error(lambda: parse_types(str(path)))
    if types is not None:
        listed = json.loads(content)["types"]
        assert types == tuple(sorted({get(kind).id for kind in listed}))
    shown = value_or_error(lambda: read_domains(path))
    if shown is not None:
        assert types in (None, tuple(shown["types"])) or not types
        json.dumps(shown, allow_nan=False, ensure_ascii=False).encode()


@EFFORTS
def test_any_json_under_the_names_of_a_preset(inputs, tmp_path):
    def check(value):
        check_preset(tmp_path / "p.json", json.dumps(value).encode())

    drive(inputs, check, value=st.one_of(PRESETS, JSON))


@EFFORTS
def test_bytes_that_were_changed(inputs, tmp_path):
    whole = json.dumps(GOOD).encode()
    drive(inputs, lambda content: check_preset(tmp_path / "p.json", content), content=damaged(st.just(whole)))


@pytest.mark.parametrize(
    "text", ['{"types": ' + "[" * 100_000, '{"types": [1], "types": [3]}', '{"types": [NaN]}', '{"types": [1e999]}']
)
def test_what_python_reads_as_something_else_is_refused(text, tmp_path):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(CurateError, match="is not a preset"):
        parse_types(str(tmp_path / "p.json"))


@EFFORTS
def test_any_text_as_a_list_of_types(inputs):
    def check(parts):
        types = value_or_error(lambda: parse_types(",".join(parts)))
        assert types is None or set(types) <= {entry.id for entry in CATALOG}

    parts = st.one_of(ODD_TEXTS, st.sampled_from(["1", "25", "bid", "all", "jpeg", "a\0.json", ".json", "..json"]))
    drive(inputs, check, parts=st.lists(parts, max_size=4))
