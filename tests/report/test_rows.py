"""Before and after: what became of each row, and how many there are of each kind."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.manifest.schema import LABEL_SOURCES, build_table
from syndr_curate.curate.report.payload import sample_columns
from syndr_curate.curate.report.rows import (
    STATES,
    count_cells,
    count_states,
    describe_manifest,
    joined_rows,
    source_names,
    type_names,
)


def manifest(ids, **columns):
    n = len(ids)
    defaults = {
        "sample_id": list(ids),
        "image_path": [f"{i}.png" for i in ids],
        "distortion_id": pa.array([1] * n, pa.int16()),
        "level": pa.array([3] * n, pa.int8()),
        "label": pa.array([5.0] * n, pa.float32()),
        "label_source": "mos",
        "dataset": "kadid10k",
        "split": "train",
        "status": "ok",
    }
    return build_table({**defaults, **columns}, n)


def test_types_have_their_names_those_of_cameras_too():
    frame = joined_rows(manifest("abc", distortion_id=pa.array([1, 102, 999], pa.int16())))
    assert type_names(frame) == {1: "gaussian_blur", 102: "hand_shake", 999: "type 999"}


def test_each_row_stays_leaves_comes_is_held_out_or_cannot_be_used():
    before = manifest("abcd", split=["train", "train", "val", "train"], status=["ok", "ok", "ok", "failed"])
    after = manifest("ae")
    frame = joined_rows(before, after)
    assert dict(zip(frame.sample_id, frame.state, strict=True)) == {
        "a": "stayed",
        "b": "left",
        "c": "held_out",
        "d": "unusable",
        "e": "came",
    }
    assert frame.origin.tolist() == [0, 0, 0, 0, 1]
    assert frame.position.tolist() == [0, 1, 2, 3, 1]
    assert count_states(frame) == {"stayed": 1, "left": 1, "came": 1, "held_out": 1, "unusable": 1}


def test_a_row_that_failed_later_is_not_said_to_have_stayed():
    frame = joined_rows(manifest("ab"), manifest("ab", status=["ok", "failed"]))
    assert frame.state.tolist() == ["stayed", "left"]


def test_one_manifest_alone_has_rows_that_are_there():
    assert joined_rows(manifest("ab", status=["ok", "unreadable"])).state.tolist() == ["stayed", "unusable"]


def test_labels_fall_into_quarters_and_ten_into_the_last():
    labels = pa.array([0.0, 0.24, 0.25, 9.99, 10.0, None], pa.float32())
    assert joined_rows(manifest("abcdef", label=labels)).bin.tolist() == [0, 0, 1, 39, 39, -1]


def test_cells_are_counted_by_source_type_level_bin_and_state():
    kinds = pa.array([1, 1, 9, None], pa.int16())
    frame = joined_rows(manifest("abcd", distortion_id=kinds), manifest("ac"))
    sources = source_names(frame)
    assert sources == ["kadid10k, labeled by people"]
    cells = count_cells(frame, sources)
    rows = list(zip(*(cells[name] for name in ("type", "level", "bin", "state", "count")), strict=True))
    assert rows == [(-1, 3, 20, 1, 1), (1, 3, 20, 0, 1), (1, 3, 20, 1, 1), (9, 3, 20, 0, 1)]


def test_every_source_of_labels_is_told_from_no_label():
    frame = joined_rows(manifest("abcdef", label_source=[*LABEL_SOURCES, None]))
    assert frame.source.nunique() == len(LABEL_SOURCES) + 1
    assert frame.source.str.endswith("no label").tolist() == [False] * len(LABEL_SOURCES) + [True]


def test_a_manifest_is_described_by_its_usable_rows():
    table = manifest("abc", label=pa.array([2.0, 3.0, 9.0], pa.float32()), status=["ok", "ok", "failed"])
    described = describe_manifest(table, "x.parquet", "upsample")
    assert (described["rows"], described["usable"], described["mean_label"]) == (3, 2, 2.5)


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.integers(0, 30), unique=True), st.lists(st.integers(0, 30), unique=True))
def test_nothing_is_lost_between_before_and_after(before, after):
    frame = joined_rows(manifest([f"s{i}" for i in before]), manifest([f"s{i}" for i in after]))
    states = count_states(frame)
    assert states["stayed"] + states["left"] == len(before)
    assert states["stayed"] + states["came"] == len(after)
    cells = count_cells(frame, source_names(frame))
    by_state = np.bincount(cells["state"], weights=cells["count"], minlength=len(STATES))
    assert by_state.tolist() == [states[state] for state in STATES]


def test_a_chain_is_a_type_of_its_own_and_says_its_steps():
    steps = [{"distortion_id": 1, "level": 2.0, "seed": 7}, {"distortion_id": 10, "level": 3.0, "seed": 8}]
    before = manifest("ab", distortion_id=pa.array([1, None], pa.int16()), level=pa.array([3, None], pa.int8()))
    chains = pa.array([None, steps], before.schema.field("chain").type)
    before = before.set_column(before.column_names.index("chain"), before.schema.field("chain"), chains)
    frame = joined_rows(before, manifest("ac"))
    assert frame.distortion_id.tolist() == [1, -2, 1]
    assert frame.level.tolist() == [3, -1, 3]
    assert frame.steps.tolist() == [None, "gaussian_blur:2+jpeg:3", None]
    assert type_names(frame) == {-2: "chain", 1: "gaussian_blur"}
    columns = sample_columns(frame, source_names(frame), None, {})
    assert columns["steps"] == {"1": "gaussian_blur:2+jpeg:3"}
    assert columns["ids"]["1"] == "b"
