"""Damaged files of predictions and of splits: scores that are numbers, or one clear error."""

import io
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st
from syndr_curate import evaluate, split

from ..making import training_rows
from .driving import EFFORTS, ODD_TEXTS, damaged, drive, value_or_error

ROWS = training_rows([f"p{n}" for n in range(8)], [float(n) for n in range(8)], split="test")
LINES = ["id,score", *(f"p{n},{n % 5}.25" for n in range(8))]
CELLS = st.one_of(ODD_TEXTS, st.floats().map(str), st.sampled_from([f"p{n}" for n in range(8)]))


def check_scores(path):
    found = value_or_error(lambda: evaluate(path, ROWS, by=["label"]))
    if found is not None:
        assert found.overall.rows() == (8, 8)
        json.dumps(found.as_json(), allow_nan=False)


@EFFORTS
def test_damaged_csv_files_of_predictions(inputs, tmp_path):
    path = tmp_path / "run.csv"

    def check(content):
        path.write_bytes(content)
        check_scores(path)

    drive(inputs, check, content=damaged(st.just("\n".join(LINES).encode())))


@EFFORTS
def test_damaged_parquet_files_of_predictions(inputs, tmp_path):
    path, content = tmp_path / "run.parquet", io.BytesIO()
    pq.write_table(pa.table({"id": ROWS["sample_id"], "score": [n * 0.5 for n in range(8)]}), content)

    def check(content):
        path.write_bytes(content)
        check_scores(path)

    drive(inputs, check, content=damaged(st.just(content.getvalue())))


@EFFORTS
def test_scores_of_any_size_make_numbers_or_nothing(inputs):
    def check(scores):
        table = pa.table({"id": ROWS["sample_id"], "score": scores})
        found = value_or_error(lambda: evaluate(table, ROWS, baseline=table, bootstrap=3))
        assert (found is None) == (not all(math.isfinite(score) and abs(score) < 1e100 for score in scores))
        if found is not None:
            json.dumps(found.as_json(), allow_nan=False)

    drive(inputs, check, scores=st.lists(st.floats(), min_size=8, max_size=8))


@EFFORTS
@pytest.mark.parametrize("columns", [("dist_img",), ("dist_img", "ref_img"), ("dist_img", "ref_img", "split")])
def test_odd_label_files_are_split_whole_or_not_at_all(inputs, tmp_path, columns):
    path = tmp_path / "labels.csv"

    def check(rows):
        path.write_bytes("\n".join([",".join(columns), *map(",".join, rows)]).encode(errors="surrogatepass"))
        found = value_or_error(lambda: split(path, seeds=1, fractions=(0.5, 0.5)))
        if found is not None:
            (parts,) = found.values()
            assert set(parts.values()) <= {"train", "val", "test"}

    drive(inputs, check, rows=st.lists(st.tuples(*[CELLS] * len(columns)), max_size=6))
