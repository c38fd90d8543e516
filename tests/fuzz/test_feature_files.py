"""Feature files: what is read is what was put into the file, or the file is refused."""

import io
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from syndr_curate import load_features, save_features
from syndr_curate.curate.manifest.ids import path_ids

from .driving import EFFORTS, ODD_TEXTS, damaged, drive, value_or_error

KINDS = st.sampled_from(["f2", "f4", "f8", ">f4", "i4", "u1", "?", "c8", "U3", "M8[s]", "f4,f4"])
SHAPES = st.one_of(st.just((3, 4)), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
IDS = st.lists(st.one_of(ODD_TEXTS, st.sampled_from(["a", "b", "c", "a.png"])), min_size=0, max_size=4)
MATRICES = st.tuples(KINDS, SHAPES).flatmap(lambda pair: arrays.arrays(np.dtype(pair[0]), pair[1]))
MATRIX = np.arange(12, dtype=np.float32).reshape(3, 4)


def as_npz(**entries: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, **entries)
    return file.getvalue()


def as_npy(matrix: object) -> bytes:
    file = io.BytesIO()
    np.save(file, matrix)
    return file.getvalue()


def as_arrow(table: pa.Table, suffix: str) -> bytes:
    file = pa.BufferOutputStream()
    if suffix == ".parquet":
        pq.write_table(table, file)
    else:
        with pyarrow.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    return file.getvalue().to_pybytes()


def same_numbers(found, given):
    assert found.shape == given.shape
    np.testing.assert_array_equal(found, given.astype(found.dtype))


@EFFORTS
def test_any_matrix_with_any_ids_in_an_npz(inputs, tmp_path):
    path = tmp_path / "f.npz"

    def check(matrix, ids):
        # numpy drops the NULs at the end of a text: of a file that it wrote, nobody can tell that they were there.
        named = np.array(ids, np.str_)
        path.write_bytes(as_npz(features=matrix, ids=named))
        features = value_or_error(lambda: load_features(path))
        if features is not None:
            same_numbers(features.matrix, matrix)
            assert list(features.ids) == path_ids(named.tolist())
            assert len(set(features.ids)) == len(matrix)

    drive(inputs, check, matrix=MATRICES, ids=IDS)


@EFFORTS
def test_any_matrix_with_any_lines_beside_it_in_an_npy(inputs, tmp_path):
    path = tmp_path / "f.npy"

    def check(matrix, lines):
        path.write_bytes(as_npy(matrix))
        (tmp_path / "f.ids.txt").write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))
        features = value_or_error(lambda: load_features(path))
        if features is not None:
            same_numbers(features.matrix, matrix)
            assert len(set(features.ids)) == len(matrix)

    drive(inputs, check, matrix=MATRICES, lines=IDS)


COLUMN_TYPES = st.sampled_from(
    [
        pa.list_(pa.float32()),
        pa.list_(pa.float32(), 2),
        pa.large_list(pa.float64()),
        pa.list_(pa.float16(), 2),
        pa.list_(pa.int32()),
        pa.list_(pa.string(), 2),
        pa.list_(pa.list_(pa.float32())),
        pa.float32(),
    ]
)
ID_TYPES = st.sampled_from(
    [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.int64(), pa.float64(), pa.binary()]
)


@EFFORTS
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_columns_of_any_type(inputs, suffix, tmp_path):
    path = tmp_path / f"f{suffix}"

    def check(kind, id_kind, rows, statuses):
        try:
            ids = pa.array([row[0] for row in rows], pa.string()).cast(id_kind)
            values = pa.array([row[1] for row in rows], kind)
        except (pa.ArrowException, UnicodeEncodeError, TypeError, OverflowError):
            return  # no such table can be made
        columns = {"id": ids, "features": values}
        if statuses:
            columns["status"] = pa.array((statuses * len(rows))[: len(rows)], pa.string())
        table = pa.table(columns)
        path.write_bytes(as_arrow(table, suffix))
        features = value_or_error(lambda: load_features(path))
        if features is not None:
            kept = [row for row in table.to_pylist() if row.get("status", "ok") == "ok"]
            assert list(features.ids) == path_ids([str(row["id"]) for row in kept])
            same_numbers(features.matrix, np.array([row["features"] for row in kept]))

    numbers = st.one_of(st.none(), st.floats(width=16), st.integers(-3, 3))
    lists = st.one_of(st.none(), st.lists(numbers, min_size=2, max_size=2), st.lists(numbers, max_size=3))
    rows = st.lists(st.tuples(st.one_of(st.none(), ODD_TEXTS, st.sampled_from("12345")), lists), max_size=4)
    statuses = st.lists(st.sampled_from(["ok", "failed", "unreadable", None, "OK"]), max_size=2)
    drive(inputs, check, kind=COLUMN_TYPES, id_kind=ID_TYPES, rows=rows, statuses=statuses)


@EFFORTS
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet", ".arrow"])
def test_bytes_that_were_changed(inputs, suffix, tmp_path):
    table = pa.table({"id": ["a", "b", "c"], "features": pa.array(MATRIX.tolist(), pa.list_(pa.float32(), 4))})
    whole = {
        ".npy": lambda: as_npy(MATRIX),
        ".npz": lambda: as_npz(features=MATRIX, ids=np.array(["a", "b", "c"])),
        ".parquet": lambda: as_arrow(table, ".parquet"),
        ".arrow": lambda: as_arrow(table, ".arrow"),
    }[suffix]()
    path = tmp_path / f"f{suffix}"

    def check(content):
        path.unlink(missing_ok=True)  # an earlier one may still be mapped
        path.write_bytes(content)
        features = value_or_error(lambda: load_features(path))
        if features is not None:
            assert features.matrix.ndim == 2
            assert features.matrix.size
            assert features.ids is None or len(set(features.ids)) == len(features.matrix)

    drive(inputs, check, content=damaged(st.just(whole)))


@EFFORTS
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_what_is_saved_is_what_is_read(inputs, suffix, tmp_path):
    path = tmp_path / f"f{suffix}"

    def check(ids, side):
        matrix = np.arange(len(ids) * side, dtype=np.float32).reshape(len(ids), side)

        def saved():
            save_features(path, ids, matrix)
            return load_features(path)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ids that end in an image suffix
            features = value_or_error(saved)
        if features is not None:
            same_numbers(features.matrix, matrix)
            assert list(features.ids) == path_ids(ids)

    drive(inputs, check, ids=IDS, side=st.integers(0, 3))
