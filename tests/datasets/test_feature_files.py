"""Feature files: matched by id, refused by name."""

import math
import os
import signal
import subprocess
import sys
import warnings
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError, CurateWarning
from syndr_curate.curate.datasets.feature_files import as_features, load_features, save_features, write_feature_table
from syndr_curate.curate.manifest.provenance import attach, make_provenance

IDS = ("a", "b", "c")
ROWS = np.array([[1, 2], [3, 4], [5, 6]], np.float32)


@pytest.fixture(params=[".npy", ".npz", ".parquet", ".arrow"])
def saved(request, tmp_path):
    """The three rows in every format there is."""
    path = tmp_path / f"epoch3{request.param}"
    if request.param == ".arrow":
        column = pa.FixedSizeListArray.from_arrays(pa.array(ROWS.ravel()), 2)
        write_arrow(path, pa.table({"id": IDS, "features": column}))
    else:
        save_features(path, IDS, ROWS)
    return path


def write_arrow(path, table):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def write_parquet(path, ids=IDS, rows=ROWS.tolist(), kind=None, **columns):  # noqa: B008
    kind = kind or pa.list_(pa.float32(), 2)
    pq.write_table(pa.table({"id": ids, "features": pa.array(rows, kind), **columns}), path)
    return path


def test_what_is_saved_is_loaded(saved):
    features = load_features(saved)
    assert features.ids == IDS
    assert features.matrix.dtype == np.float32
    assert np.array_equal(features.matrix, ROWS)
    assert features.source == str(saved)


def test_rows_come_in_the_order_asked_for(saved):
    aligned = load_features(saved).aligned_to(["c", "a", "b"], "the rows")
    assert aligned.tolist() == [[5, 6], [1, 2], [3, 4]]


def test_missing_ids_are_named(saved):
    with pytest.raises(CurateError, match=r"epoch3.* has no features for 2 of the rows: 'x', 'y'"):
        load_features(saved).aligned_to(["x", "a", "b", "c", "y"], "the rows")


def test_superfluous_ids_are_named(saved):
    with pytest.raises(CurateError, match=r"epoch3.* holds 1 ids that are not among the rows: 'b'"):
        load_features(saved).aligned_to(["c", "a"], "the rows")


def test_image_suffixes_do_not_matter_for_a_match(tmp_path):
    np.savez(tmp_path / "f.npz", names=np.array(["a.png", "b.PNG", "c.v1"]), features=ROWS)
    features = load_features(tmp_path / "f.npz")
    assert features.ids == ("a", "b", "c.v1")
    assert features.names == ("a.png", "b.PNG", "c.v1")


def test_an_id_that_itself_ends_like_an_image_still_matches(tmp_path):
    save_features(tmp_path / "f.parquet", ["scan", "b", "c"], ROWS)  # of the files scan.png.jpg, b.png, c.png
    load_features(tmp_path / "f.parquet").aligned_to(["scan", "b", "c"], "the rows")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_the_same_features_are_the_same_bytes(tmp_path, suffix):
    for name in ("one", "two"):
        save_features(tmp_path / f"{name}{suffix}", IDS, ROWS)
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_a_bare_npy_is_mapped_not_read(tmp_path):
    np.save(tmp_path / "f.npy", ROWS)
    features = load_features(tmp_path / "f.npy")
    assert isinstance(features.matrix, np.memmap)
    assert features.ids is None


def test_a_bare_npy_is_held_to_its_count(tmp_path):
    np.save(tmp_path / "f.npy", ROWS)
    features = load_features(tmp_path / "f.npy")
    assert np.array_equal(features.aligned_to(["x", "y", "z"], "the rows"), ROWS)
    with pytest.raises(CurateError, match=r"f\.npy has 3 rows, but the rows are 2; .*or f\.ids\.txt"):
        features.aligned_to(["x", "y"], "the rows")
    with pytest.raises(CurateError, match=r"f\.npy has no ids: .* put f\.ids\.txt beside"):
        features.require_ids()


def test_ids_beside_an_npy_count(tmp_path, write_text):
    np.save(tmp_path / "f.npy", ROWS)
    write_text("f.ids.txt", "a.png", "b")
    with pytest.raises(CurateError, match=r"f\.npy has 2 ids for 3 rows"):
        load_features(tmp_path / "f.npy")


@pytest.mark.parametrize("text", ["a\nb\nc\n", "a\nb\nc", "a\r\nb\r\nc\r\n", "\ufeffa\nb\nc\n"])
def test_an_ids_file_may_come_from_any_editor(tmp_path, text):
    np.save(tmp_path / "f.npy", ROWS)
    (tmp_path / "f.ids.txt").write_bytes(text.encode())
    assert load_features(tmp_path / "f.npy").ids == IDS


def test_an_ids_file_that_is_no_text_is_named(tmp_path):
    np.save(tmp_path / "f.npy", ROWS)
    (tmp_path / "f.ids.txt").write_bytes(b"a\xff\n")
    with pytest.raises(CurateError, match=r"f\.ids\.txt is not UTF-8 text"):
        load_features(tmp_path / "f.npy")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_strange_ids_survive_the_round_trip(tmp_path, suffix):
    ids = ("a b'\"", "ü\x85\u2028é", "x\x0b\x0cy")
    save_features(tmp_path / f"f{suffix}", ids, ROWS)
    assert load_features(tmp_path / f"f{suffix}").ids == ids


def test_an_id_with_a_line_break_cannot_go_beside_an_npy(tmp_path):
    with pytest.raises(CurateError, match="an id with a line break cannot go into an ids file"):
        save_features(tmp_path / "f.npy", ["a\n", "b", "c"], ROWS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_ids_that_repeat_are_refused_on_both_ways(tmp_path, suffix):
    with pytest.raises(CurateError, match="1 ids occur more than once: 'a'"):
        save_features(tmp_path / f"f{suffix}", ["a", "b", "a"], ROWS)
    assert list(tmp_path.iterdir()) == []
    np.savez(tmp_path / "f.npz", ids=np.array(["a.png", "b", "a.png"]), features=ROWS)
    with pytest.raises(CurateError, match=r"f\..*: 1 ids occur more than once: 'a\.png'"):
        load_features(tmp_path / "f.npz")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_ids_that_are_read_without_their_suffix_are_spoken_of(tmp_path, suffix):
    path = tmp_path / f"f{suffix}"
    with pytest.warns(
        CurateWarning, match=r"2 ids end in an image suffix and are read without it.*'a\.png' becomes 'a'"
    ):
        save_features(path, ["a.png", "b.PNG", "c.v1"], ROWS)
    assert load_features(path).ids == ("a", "b", "c.v1")


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_ids_without_suffix_need_no_warning(tmp_path, suffix):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_features(tmp_path / f"f{suffix}", ["a", "v1.2", "c"], ROWS)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_one_text_is_not_taken_for_as_many_ids_as_it_has_letters(tmp_path, suffix):
    with pytest.raises(CurateError, match="'abc' is one text; expected a list of ids"):
        save_features(tmp_path / f"f{suffix}", "abc", ROWS)
    assert list(tmp_path.iterdir()) == []


def test_a_write_killed_between_array_and_ids_is_found_out(tmp_path):
    path = tmp_path / "f.npy"
    save_features(path, IDS, ROWS)
    code = (
        "import sys, numpy as np; from syndr_curate import save_features\n"
        "save_features(sys.argv[1], ['x', 'y', 'z'], np.zeros((3, 2), np.float32))"
    )
    environment = {**os.environ, "SYNDR_CURATE_CRASH_AT": "before-rename:2"}
    done = subprocess.run([sys.executable, "-c", code, path], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "f.ids.txt").read_text().splitlines()[1:] == ["x", "y", "z"]
    with pytest.raises(CurateError, match=r"f\.npy and f\.ids\.txt do not belong together.*Save both again"):
        load_features(path)
    save_features(path, IDS, ROWS)
    assert load_features(path).ids == IDS


def test_an_array_of_another_run_beside_the_ids_is_refused(tmp_path):
    save_features(tmp_path / "f.npy", IDS, ROWS)
    np.save(tmp_path / "f.npy", ROWS[::-1])
    with pytest.raises(CurateError, match=r"f\.npy and f\.ids\.txt do not belong together"):
        load_features(tmp_path / "f.npy")
    ids_file = tmp_path / "f.ids.txt"
    ids_file.write_text("".join(ids_file.read_text().splitlines(keepends=True)[1:]))  # the way out that is named
    assert load_features(tmp_path / "f.npy").ids == IDS


def test_an_ids_file_of_the_old_form_is_read_without_a_digest(tmp_path):
    np.save(tmp_path / "f.npy", ROWS)
    (tmp_path / "f.ids.txt").write_text("# a\nb\nc\n")
    assert load_features(tmp_path / "f.npy").ids == ("# a", "b", "c")


def test_saving_holds_counts_and_shape(tmp_path):
    with pytest.raises(CurateError, match="2 ids for 3 feature rows"):
        save_features(tmp_path / "f.npz", ["a", "b"], ROWS)
    with pytest.raises(CurateError, match=r"features of shape \(3,\), expected \(rows, D\)"):
        save_features(tmp_path / "f.parquet", IDS, ROWS[:, 0])
    with pytest.raises(CurateError, match=r"f\.txt: features are written as \.parquet, \.npz or \.npy"):
        save_features(tmp_path / "f.txt", IDS, ROWS)
    with pytest.raises(CurateError, match=r"encoded features are written as \.parquet"):
        write_feature_table(pa.table({}), tmp_path / "f.npz")


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f2", ">f4", ">f8", np.longdouble])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_every_float_type_is_read_in_native_order(tmp_path, dtype, suffix):
    rows = ROWS.astype(dtype)
    if suffix == ".npy":
        np.save(tmp_path / "f.npy", rows)
    else:
        np.savez(tmp_path / "f.npz", ids=np.array(IDS), features=rows)
    matrix = load_features(tmp_path / f"f{suffix}").matrix
    assert matrix.dtype in (np.float16, np.float32, np.float64)
    assert matrix.dtype.isnative
    assert np.array_equal(matrix, ROWS)


def test_an_array_in_fortran_order_keeps_its_rows(tmp_path):
    np.save(tmp_path / "f.npy", np.asfortranarray(ROWS))
    assert np.array_equal(load_features(tmp_path / "f.npy").matrix, ROWS)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[1, 2], [3, 4]]), r"holds int64 of shape \(2, 2\), expected floating numbers \(rows, D\)"),
        (np.array([1.0, 2.0]), r"holds float64 of shape \(2,\), expected"),
        (np.zeros((2, 2, 2)), r"holds float64 of shape \(2, 2, 2\), expected"),
        (np.array([["1", "2"]]), "holds <U1 of shape"),
        (np.ones((1, 2), complex), "holds complex128 of shape"),
        (np.zeros((0, 4)), r"is empty: its shape is \(0, 4\)"),
        (np.zeros((4, 0)), r"is empty: its shape is \(4, 0\)"),
    ],
)
def test_what_is_no_floating_matrix_is_refused_from_a_file_and_from_memory(tmp_path, array, message):
    np.save(tmp_path / "f.npy", array)
    with pytest.raises(CurateError, match=rf"f\.npy {message}"):
        load_features(tmp_path / "f.npy")
    with pytest.raises(CurateError, match=f"the feature matrix {message}"):
        as_features(array)


def test_features_pass_through_and_a_path_is_read(tmp_path):
    save_features(tmp_path / "f.npz", IDS, ROWS)
    features = as_features(str(tmp_path / "f.npz"))
    assert as_features(features) is features


class Bomb:
    def __reduce__(self):
        return (open, ("exploded", "w"))


def test_a_pickle_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    objects = np.array([Bomb(), 1], dtype=object)
    np.save("object.npy", objects, allow_pickle=True)
    np.savez("object.npz", ids=np.array(["a", "b"]), features=objects)
    np.savez("ids.npz", ids=objects, features=ROWS[:2])
    for name in ("object.npy", "object.npz", "ids.npz"):
        with pytest.raises(CurateError, match=f"{name} holds pickled Python objects, which are never loaded"):
            load_features(name)
    assert not (tmp_path / "exploded").exists()


def test_a_pickle_or_text_by_another_name_is_never_run(tmp_path):
    for content in (b"\x80\x04K\x01.", b"hello", b""):
        for suffix in (".npy", ".npz", ".parquet", ".arrow"):
            (tmp_path / f"f{suffix}").write_bytes(content)
            with pytest.raises(CurateError, match=rf"f{suffix} is not a readable {suffix} file"):
                load_features(tmp_path / f"f{suffix}")


def test_an_archive_named_npy_and_an_array_named_npz_are_distinguished(tmp_path):
    with (tmp_path / "f.npy").open("wb") as file:
        np.savez(file, ids=np.array(IDS), features=ROWS)
    with pytest.raises(CurateError, match=r"f\.npy is an archive of arrays: name it \.npz"):
        load_features(tmp_path / "f.npy")
    with (tmp_path / "f.npz").open("wb") as file:
        np.save(file, ROWS)
    with pytest.raises(CurateError, match=r"f\.npz is not a readable \.npz file: it is no zip archive"):
        load_features(tmp_path / "f.npz")


def test_a_cut_file_is_an_error_at_every_length(saved):
    content = saved.read_bytes()
    for length in range(0, len(content) - 1, max(1, len(content) // 60)):
        saved.write_bytes(content[:length])
        with pytest.raises(CurateError, match="epoch3"):
            load_features(saved)


def test_damage_is_an_error_never_a_crash(saved):
    content = saved.read_bytes()
    for place in range(0, len(content), 1 + len(content) // 150):
        for value in (255, content[place] ^ 1):
            saved.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            try:
                load_features(saved)
            except CurateError as error:
                assert "\n" not in str(error)  # noqa: PT017


def test_a_damaged_compressed_archive_is_an_error(tmp_path):
    np.savez_compressed(tmp_path / "f.npz", ids=np.array(IDS), features=ROWS)
    content = (tmp_path / "f.npz").read_bytes()
    place = content.index(b"features.npy") + 60
    (tmp_path / "f.npz").write_bytes(content[:place] + b"\xff" * 8 + content[place + 8 :])
    with pytest.raises(CurateError, match=r"f\.npz is not a readable \.npz file"):
        load_features(tmp_path / "f.npz")


def test_an_npz_says_what_it_holds_instead(tmp_path):
    np.savez(tmp_path / "f.npz", labels=ROWS, features=ROWS)
    with pytest.raises(CurateError, match=r"holds labels, features; expected 'ids' \(or 'names'\) and 'features'"):
        load_features(tmp_path / "f.npz")
    np.savez(tmp_path / "f.npz", ids=np.arange(3), features=ROWS)
    with pytest.raises(CurateError, match=r"'ids' is int64 of shape \(3,\), expected a list of strings"):
        load_features(tmp_path / "f.npz")
    with zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
        archive.writestr("readme", "x")
    with pytest.raises(CurateError, match=r"holds readme; expected 'ids'"):
        load_features(tmp_path / "f.npz")


def test_ids_as_bytes_are_utf8(tmp_path):
    np.savez(tmp_path / "f.npz", ids=np.array([i.encode() for i in ("ä", "b", "c")]), features=ROWS)
    assert load_features(tmp_path / "f.npz").ids == ("ä", "b", "c")


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), 2)])
def test_list_columns_of_any_kind_are_read(tmp_path, kind):
    assert np.array_equal(load_features(write_parquet(tmp_path / "f.parquet", kind=kind)).matrix, ROWS)


@pytest.mark.parametrize("key", ["id", "sample_id", "reference_id", "ids", "names"])
def test_the_id_column_has_several_names(tmp_path, key):
    write_parquet(tmp_path / "f.parquet")
    table = pq.read_table(tmp_path / "f.parquet").rename_columns([key, "features"])
    pq.write_table(table, tmp_path / "f.parquet")
    assert load_features(tmp_path / "f.parquet").ids == IDS


# A fixed-size list with nulls is not used here: pyarrow (seen up to 24) cannot read it back from Parquet.
@pytest.mark.parametrize(
    ("missing", "kind"), [(None, pa.list_(pa.float32())), ([math.nan] * 2, pa.list_(pa.float32(), 2))]
)
def test_rows_whose_status_is_not_ok_are_left_out(tmp_path, missing, kind):
    rows, status = [[1.0, 2.0], missing, [5.0, 6.0]], ["ok", "unreadable", "ok"]
    features = load_features(write_parquet(tmp_path / "f.parquet", rows=rows, kind=kind, status=status))
    assert features.ids == ("a", "c")
    assert features.matrix.tolist() == [[1, 2], [5, 6]]


@pytest.mark.parametrize(
    ("missing", "kind"), [(None, pa.list_(pa.float32())), ([math.nan] * 2, pa.list_(pa.float32(), 2))]
)
def test_a_file_in_which_nothing_is_ok_is_empty(tmp_path, missing, kind):
    write_parquet(tmp_path / "f.parquet", rows=[missing] * 3, kind=kind, status=["failed"] * 3)
    with pytest.raises(CurateError, match=r"f\.parquet is empty"):
        load_features(tmp_path / "f.parquet")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"rows": [[1.0, 2.0], None, [5.0, 6.0]], "kind": pa.list_(pa.float32())},
            "1 rows have no features though their status is ok",
        ),
        ({"rows": [[1.0], [1.0, 2.0], [2.0]], "kind": pa.list_(pa.float32())}, r"differ in length: \['1', '2'\]"),
        ({"rows": [1.0, 2.0, 3.0], "kind": pa.float32()}, "'features' is float, expected a fixed-size list"),
        ({"ids": ["a", None, "c"]}, "column 'id' has 1 nulls; every row needs an id"),
        ({"rows": [[1, 2], [3, 4], [5, 6]], "kind": pa.list_(pa.int64(), 2)}, "holds int64 of shape"),
    ],
)
def test_a_parquet_of_another_shape_says_which(tmp_path, columns, message):
    with pytest.raises(CurateError, match=message):
        load_features(write_parquet(tmp_path / "f.parquet", **columns))


def test_a_parquet_without_the_columns_lists_its_own(tmp_path):
    pq.write_table(pa.table({"name": ["a"], "vector": [[1.0]]}), tmp_path / "f.parquet")
    with pytest.raises(CurateError, match="has the columns name, vector; expected 'id' and 'features'"):
        load_features(tmp_path / "f.parquet")


def test_other_formats_and_absent_files_are_named(tmp_path):
    with pytest.raises(CurateError, match=r"f\.csv: features are read from \.npy, \.npz, \.parquet, \.arrow"):
        load_features(tmp_path / "f.csv")
    with pytest.raises(CurateError, match=r"no features at .*f\.npz"):
        load_features(tmp_path / "f.npz")


def test_parquet_features_with_a_status_load_in_a_fresh_process(tmp_path):
    write_parquet(tmp_path / "f.parquet", status=["ok"] * 3)
    code = "import sys, syndr_curate; print(syndr_curate.load_features(sys.argv[1]).ids)"
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "f.parquet"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(IDS)


def test_the_reference_features_are_read(reference_data):
    features = load_features(reference_data / "refset" / "train_ref.npz")
    assert features.matrix.shape == (81, 2048)
    assert features.require_ids()[0] == "I01"


@pytest.mark.parametrize("suffix", [".parquet", ".npz", ".npy"])
@pytest.mark.parametrize("identifier", ["a\0", "\ud800", 7])
def test_ids_that_not_every_format_can_hold_are_refused(tmp_path, suffix, identifier):
    with pytest.raises(CurateError, match="the id"):
        save_features(tmp_path / f"f{suffix}", [identifier, "b"], np.ones((2, 2), np.float32))
    assert list(tmp_path.iterdir()) == []


def test_half_a_character_in_an_npz_is_refused(tmp_path):
    np.savez(tmp_path / "f.npz", ids=np.array(["\ud800"]), features=np.ones((1, 2), np.float32))
    with pytest.raises(CurateError, match="half of a character"):
        load_features(tmp_path / "f.npz")


@pytest.mark.parametrize("ids", [pa.array([1.0, 2.0]), pa.array([True, False])])
def test_ids_that_are_no_text_are_refused(tmp_path, ids):
    features = pa.array([[1.0, 2.0], [3.0, 4.0]], pa.list_(pa.float32(), 2))
    pq.write_table(pa.table({"id": ids, "features": features}), tmp_path / "f.parquet")
    with pytest.raises(CurateError, match=r"column 'id' is (double|bool), expected text"):
        load_features(tmp_path / "f.parquet")


@pytest.mark.parametrize("suffix", [".parquet", ".npz", ".npy"])
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (2, 0)])
def test_features_without_a_row_or_a_column_are_not_saved(tmp_path, suffix, shape):
    with pytest.raises(CurateError, match="expected one row and one column at least"):
        save_features(tmp_path / f"f{suffix}", [f"i{row}" for row in range(shape[0])], np.zeros(shape, np.float32))


def test_what_encode_wrote_keeps_ids_that_need_their_suffix(tmp_path):
    """One of two files that differ in their suffix alone could not be read: the other's id is the same."""
    ids, matrix = ["x/a.png", "x/a.jpg", "x/b"], np.ones((3, 2), np.float32)
    table = pa.table({"id": ids, "features": matrix.tolist(), "status": ["ok", "unreadable", "ok"]})
    write_feature_table(attach(table, make_provenance("encode", {}, {})), tmp_path / "f.parquet")
    assert load_features(tmp_path / "f.parquet").require_ids() == ("x/a.png", "x/b")
    write_feature_table(table, tmp_path / "theirs.parquet")
    assert load_features(tmp_path / "theirs.parquet").require_ids() == ("x/a", "x/b")


@pytest.mark.parametrize("name", ["f.npy", "f.npz", "f.parquet"])
def test_names_that_differ_in_their_suffix_alone_keep_it(name, tmp_path):
    with pytest.warns(CurateWarning, match="1 ids end in an image suffix .* 'x/b.png' becomes 'x/b'"):
        save_features(tmp_path / name, ["x/a.png", "x/a.jpg", "x/b.png"], np.ones((3, 2), np.float32))
    assert load_features(tmp_path / name).require_ids() == ("x/a.png", "x/a.jpg", "x/b")
