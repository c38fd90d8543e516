"""The selection file."""

import pyarrow as pa
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest.provenance import attach, make_provenance
from syndr_curate.curate.manifest.selection import (
    SELECTION_SCHEMA,
    count_statuses,
    kept_rows,
    read_selection,
    write_selection,
)


@pytest.fixture
def selection():
    rows = {
        "candidate_id": ["a", "b", "c", "d"],
        "candidate_path": ["a.png", "x/b.png", "c.png", "d.png"],
        "status": pa.array(["too_close", "kept", "thinned", "kept"]).dictionary_encode(),
        "nearest_reference": ["I01", "I02", "I01", None],
        "nearest_distance": [0.1, 0.4, 0.3, 0.5],
        "farthest_distance": [0.5, 0.6, 0.6, 0.6],
    }
    return attach(pa.table(rows, schema=SELECTION_SCHEMA), make_provenance("select", {}, {}))


def test_a_selection_reads_back_and_its_kept_rows_stay_in_order(selection, tmp_path):
    write_selection(selection, tmp_path / "s.parquet")
    again = read_selection(tmp_path / "s.parquet")
    assert again.equals(selection)
    assert kept_rows(again) == [("b", "x/b.png"), ("d", "d.png")]


def test_statuses_are_counted_the_kept_first(selection):
    assert list(count_statuses(selection).items()) == [("kept", 2), ("too_close", 1), ("thinned", 1)]


def test_what_is_no_selection_is_refused(selection, make_manifest, tmp_path):
    with pytest.raises(CurateError, match=r"no selection at .*absent"):
        read_selection(tmp_path / "absent")
    (tmp_path / "text").write_text("x")
    with pytest.raises(CurateError, match="is not a readable Parquet file"):
        read_selection(tmp_path / "text")
    for table in (make_manifest(), selection.replace_schema_metadata(None)):
        write_selection(table, tmp_path / "s.parquet")
        with pytest.raises(
            CurateError, match="is not a selection, or has lost its metadata: `syndr-curate select` writes one"
        ):
            read_selection(tmp_path / "s.parquet")
