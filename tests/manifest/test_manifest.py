"""What a manifest may hold, what is refused, and that the same rows are the same bytes."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from syndr_curate import CurateError
from syndr_curate.curate.manifest import manifest as module
from syndr_curate.curate.manifest.joining.rows import append_manifest, join
from syndr_curate.curate.manifest.manifest import ok_rows, read_manifest, validate, write_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance
from syndr_curate.curate.manifest.roots import home_of, with_home
from syndr_curate.curate.manifest.schema import CLUSTER_FIELDS, SCHEMA, build_table


def replaced(table, name, values):
    return table.set_column(table.column_names.index(name), name, values)


def test_a_written_manifest_reads_back_equal(make_manifest, tmp_path):
    table = make_manifest()
    write_manifest(table, tmp_path / "m.parquet", training=True)
    again = read_manifest(tmp_path / "m.parquet", training=True)
    assert with_home(again, None).equals(table, check_metadata=True)
    assert home_of(again) == tmp_path


def test_columns_not_given_are_null_and_have_their_exact_type():
    table = build_table({"sample_id": ["a"], "image_path": ["a.png"]}, 1)
    assert table.schema.equals(SCHEMA)
    assert table["neighbors"].to_pylist() == [None]


def test_a_column_that_no_manifest_has_is_refused():
    with pytest.raises(CurateError, match=r"not manifest columns: color, size; the columns are sample_id, image_path"):
        build_table({"size": [1], "color": ["red"]}, 1)


def test_a_manifest_without_rows_is_a_manifest(make_manifest, tmp_path):
    write_manifest(make_manifest(ids=()), tmp_path / "m.parquet")
    assert len(read_manifest(tmp_path / "m.parquet", training=True)) == 0


def test_missing_columns_are_named(make_manifest):
    with pytest.raises(CurateError, match="columns missing from the manifest: label, seed"):
        validate(make_manifest().drop_columns(["seed", "label"]))


def test_a_column_that_occurs_twice_is_named(make_manifest):
    table = make_manifest()
    with pytest.raises(CurateError, match="columns that occur twice in the manifest: label"):
        validate(table.append_column("label", table["label"]))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("label", pa.array(["good", "bad", "bad"]), "column 'label' is string, expected float: .*(good|bad)"),
        ("level", pa.array([1.5, 2.0, 3.0]), "column 'level' is double, expected int8: .*1.5"),
        ("distortion_id", pa.array([1, 2, 70_300]), "column 'distortion_id' is int64, expected int16: .*300"),
        ("seed", pa.array([2**63, 1, 2], pa.uint64()), "column 'seed' is uint64, expected int64"),
        ("neighbors", pa.array([1, 2, 3]), "column 'neighbors' is int64, expected list"),
        ("status", pa.array([[1], [2], [3]]), "column 'status' is list"),
    ],
)
def test_a_column_of_the_wrong_type_is_named_with_both_types(make_manifest, name, values, message):
    with pytest.raises(CurateError, match=message):
        validate(replaced(make_manifest(), name, values))


def test_wider_types_that_lose_nothing_are_taken(make_manifest):
    table = make_manifest()
    wide = replaced(table, "label", table["label"].cast(pa.float64()))
    wide = replaced(wide, "level", table["level"].cast(pa.int64()))
    wide = replaced(wide, "sample_id", table["sample_id"].cast(pa.large_string()))
    wide = replaced(wide, "status", table["status"].cast(pa.string()))
    assert validate(wide).equals(table)


def test_columns_in_another_order_are_put_in_order(make_manifest):
    table = make_manifest()
    assert validate(table.select(table.column_names[::-1])).column_names == SCHEMA.names


def test_unknown_columns_stay_and_come_last(make_manifest, tmp_path):
    table = make_manifest().add_column(0, "photographer", pa.array(["x", "y", "z"]))
    write_manifest(table, tmp_path / "m.parquet")
    again = read_manifest(tmp_path / "m.parquet")
    assert again.column_names == [*SCHEMA.names, "photographer"]
    assert again["photographer"].to_pylist() == ["x", "y", "z"]


def test_sample_ids_that_repeat_are_named(make_manifest):
    with pytest.raises(CurateError, match="2 sample ids occur more than once: 'a_01_01', 'b_01_01'"):
        validate(make_manifest(ids=("a_01_01", "b_01_01", "c_01_01", "a_01_01", "b_01_01")))


def test_of_many_repeated_ids_five_are_named():
    ids = [f"r{k}" for k in range(7)] * 2
    table = build_table({"sample_id": ids, "image_path": ids, "status": "ok", "split": "train"}, 14)
    with pytest.raises(CurateError, match=r"7 sample .*: 'r0', 'r1', 'r2', 'r3', 'r4' and 2 more; expected each once$"):
        validate(table)


@pytest.mark.parametrize("name", ["sample_id", "image_path"])
def test_a_row_without_id_or_path_is_refused(make_manifest, name):
    with pytest.raises(CurateError, match=f"column '{name}' has 1 nulls; every row needs one"):
        validate(replaced(make_manifest(), name, pa.array(["x", None, "y"])))


def test_a_nan_label_is_refused_by_id(make_manifest):
    with pytest.raises(CurateError, match=r"1 rows have NaN as their label \(an unknown label is null\): 'a_01_03'"):
        validate(make_manifest(label=[1.0, float("nan"), 2.0]))


@pytest.mark.parametrize("value", [-0.001, 10.001, float("inf"), float("-inf")])
def test_a_label_outside_0_to_10_is_refused_by_id(make_manifest, value):
    with pytest.raises(CurateError, match="1 rows have a label outside 0 to 10: 'b_01_01'"):
        validate(make_manifest(label=[0.0, 10.0, value]))


def test_a_training_manifest_needs_a_label_where_status_is_ok(make_manifest):
    table = make_manifest(label=[1.0, None, None], status=["ok", "unreadable", "ok"])
    validate(table)
    with pytest.raises(CurateError, match=r"1 rows with status ok have no label, .*: 'b_01_01'"):
        validate(table, training=True)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("status", "ok, unreadable, failed"), ("split", "train, val, test"), ("label_source", "mos, pseudo, proxy")],
)
def test_an_unknown_word_is_refused_with_the_words_there_are(make_manifest, name, allowed):
    with pytest.raises(CurateError, match=f"column '{name}' holds 'fine'; it may hold {allowed}"):
        validate(make_manifest(**{name: "fine"}))


@pytest.mark.parametrize("name", ["status", "split"])
def test_a_row_without_status_or_split_is_refused(make_manifest, name):
    with pytest.raises(CurateError, match=f"column '{name}' holds None"):
        validate(make_manifest(**{name: None}))


@pytest.mark.parametrize("path", ["/etc/passwd", "../up.png", "a/../../up.png", "a\\b.png", "", "nul\0.png"], ids=repr)
def test_a_path_that_leaves_its_root_is_refused(make_manifest, path):
    with pytest.raises(CurateError, match="column 'image_path' has paths that are not relative to their root"):
        validate(make_manifest(image_path=["a.png", path, "b.png"]))
    with pytest.raises(CurateError, match="column 'reference_path' has paths"):
        validate(make_manifest(reference_path=["a.png", path, None]))


def test_a_newer_schema_version_says_upgrade(make_manifest, tmp_path):
    table = make_manifest()
    pq.write_table(attach(table, {**read_provenance(table), "schema_version": 3}), tmp_path / "m.parquet")
    with pytest.raises(CurateError, match=r"m.parquet: schema_version is 3, this release reads up to 2: upgrade"):
        read_manifest(tmp_path / "m.parquet")


@pytest.mark.parametrize("version", ["2", None, 1.5, [1]])
def test_a_schema_version_that_is_no_number_is_refused(make_manifest, version):
    with pytest.raises(CurateError, match=r"schema_version is .*, expected a whole number"):
        validate(attach(make_manifest(), {"schema_version": version}))


@pytest.mark.parametrize(("raw", "message"), [(b"{not", "is not JSON"), (b"[1]", "is not a JSON object")])
def test_metadata_that_is_no_json_object_is_refused(make_manifest, raw, message):
    table = make_manifest().replace_schema_metadata({b"syndr_curate": raw})
    with pytest.raises(CurateError, match=message):
        validate(table)


def test_a_table_that_somebody_else_made_needs_no_provenance(make_manifest):
    assert read_provenance(validate(make_manifest().replace_schema_metadata(None))) == {}


def test_what_is_no_manifest_file_is_said_so(tmp_path):
    (tmp_path / "text.parquet").write_text("hello")
    (tmp_path / "empty.parquet").write_bytes(b"")
    with pytest.raises(CurateError, match=r"no manifest at .*absent\.parquet"):
        read_manifest(tmp_path / "absent.parquet")
    with pytest.raises(CurateError, match=r"text\.parquet is not a readable Parquet file"):
        read_manifest(tmp_path / "text.parquet")
    with pytest.raises(CurateError, match=r"empty\.parquet is not a readable Parquet file"):
        read_manifest(tmp_path / "empty.parquet")


def test_a_folder_of_manifests_is_not_read_as_one(make_manifest, tmp_path):
    write_manifest(make_manifest(ids=("a_01_01",)), tmp_path / "runs" / "one.parquet")
    write_manifest(make_manifest(ids=("b_01_01",)), tmp_path / "runs" / "two.parquet")
    with pytest.raises(CurateError, match="runs is a folder, expected a manifest file"):
        read_manifest(tmp_path / "runs")


def test_folder_names_with_an_equals_sign_add_no_columns(make_manifest, tmp_path):
    path = tmp_path / "split=val" / "run=3" / "m.parquet"
    write_manifest(make_manifest(), path)
    table = read_manifest(path)
    assert table.column_names == SCHEMA.names
    assert set(table["split"].to_pylist()) == {"train"}


@pytest.fixture
def manifest_bytes(make_manifest, tmp_path):
    write_manifest(make_manifest(), tmp_path / "m.parquet")
    return (tmp_path / "m.parquet").read_bytes()


def test_a_file_cut_short_anywhere_is_one_error(manifest_bytes, tmp_path):
    for length in range(0, len(manifest_bytes), 37):
        (tmp_path / "cut.parquet").write_bytes(manifest_bytes[:length])
        with pytest.raises(CurateError, match=r"cut\.parquet"):
            read_manifest(tmp_path / "cut.parquet")


def test_damaged_bytes_are_one_error_or_a_table_that_keeps_the_rules(manifest_bytes, tmp_path):
    refusals, places = [], range(0, len(manifest_bytes), 37)
    for place in places:
        (tmp_path / "m.parquet").write_bytes(manifest_bytes[:place] + b"\xff\x00\xff" + manifest_bytes[place + 3 :])
        try:
            table = read_manifest(tmp_path / "m.parquet")
        except CurateError as error:
            refusals.append(str(error))
        else:  # the format has no checksum over values: other values may come out, another table may not
            assert validate(table).schema.equals(table.schema)
            assert table.column_names[: len(SCHEMA)] == SCHEMA.names
            assert len(table) == 3
    assert len(refusals) > len(places) / 2
    assert all("m.parquet" in message for message in refusals)


def test_ok_rows_keeps_the_order_and_drops_the_rest(make_manifest):
    assert ok_rows(make_manifest(status=["ok", "failed", "ok"]))["sample_id"].to_pylist() == ["a_01_01", "b_01_01"]


def test_the_same_table_gives_the_same_bytes(make_manifest, tmp_path):
    for name in ("one", "two"):
        write_manifest(make_manifest(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_chunks_and_dictionary_order_do_not_show_in_the_bytes(make_manifest, tmp_path):
    whole = make_manifest(dataset=["x", "y", "x"], label=[1.0, None, 3.0])
    pieces = pa.concat_tables([whole.slice(2, 1), whole.slice(0, 1), whole.slice(1, 1)]).take([1, 2, 0])
    other_order = pa.DictionaryArray.from_arrays(pa.array([2, 1, 2]), ["unused", "y", "x"])
    mixed = replaced(pieces, "dataset", other_order)
    sliced = pa.concat_tables([whole.slice(0, 2), whole.slice(2)])
    for name, table in (("whole", whole), ("mixed", mixed), ("sliced", sliced)):
        write_manifest(table, tmp_path / name)
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "mixed").read_bytes()
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "sliced").read_bytes()


def test_reading_and_writing_again_gives_the_same_bytes(make_manifest, tmp_path):
    write_manifest(make_manifest(dataset=["x", "y", "x"]), tmp_path / "one")
    write_manifest(read_manifest(tmp_path / "one"), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_several_row_groups_read_back_in_order(make_manifest, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROW_GROUP_ROWS", 2)
    table = make_manifest(ids=tuple(f"r{k}_01_01" for k in range(5)), dataset=["a", "b", "c", "b", "a"])
    write_manifest(table, tmp_path / "m.parquet")
    assert pq.ParquetFile(tmp_path / "m.parquet").num_row_groups == 3
    assert read_manifest(tmp_path / "m.parquet").equals(table)


def test_a_table_that_is_refused_leaves_the_old_file(make_manifest, tmp_path):
    path = tmp_path / "m.parquet"
    write_manifest(make_manifest(), path)
    before = path.read_bytes()
    with pytest.raises(CurateError):
        write_manifest(make_manifest(label=[11.0, 1.0, 1.0]), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.parquet"]


def test_append_adds_rows_below(make_manifest, tmp_path):
    path = tmp_path / "m.parquet"
    write_manifest(make_manifest(ids=("a_01_01",)), path)
    append_manifest(path, make_manifest(ids=("b_01_01", "c_01_01")))
    assert read_manifest(path)["sample_id"].to_pylist() == ["a_01_01", "b_01_01", "c_01_01"]


def test_append_refuses_ids_it_has(make_manifest, tmp_path):
    path = tmp_path / "m.parquet"
    write_manifest(make_manifest(), path)
    before = path.read_bytes()
    with pytest.raises(CurateError, match="1 sample ids occur more than once: 'b_01_01'"):
        append_manifest(path, make_manifest(ids=("b_01_01", "z_01_01")))
    assert path.read_bytes() == before


@pytest.mark.parametrize("order", [1, -1])
def test_labels_whose_scale_is_not_known_are_not_put_beside_others(make_manifest, order):
    scale = {"min": 1.0, "max": 5.0, "higher_is_better": True}
    facts = [{"label_scale": scale, "roots": {}}, {"roots": {}}]
    tables = [make_manifest((f"{k}_01_01",), fact) for k, fact in enumerate(facts)]
    assert tables[1]["label"].null_count == 0
    with pytest.raises(CurateError, match=r"the labels of manifest \d have no scale in its metadata"):
        join(tables[::order])
    unlabeled = tables[1].set_column(
        tables[1].schema.get_field_index("label"), tables[1].schema.field("label"), pa.nulls(1, pa.float32())
    )
    assert len(join([tables[0], unlabeled][::order])) == 2


def test_append_refuses_labels_of_another_scale(make_manifest):
    scales = [{"min": 1.0, "max": high, "higher_is_better": True} for high in (4.93, 5.0)]
    tables = [make_manifest((f"{k}_01_01",), {"label_scale": scale}) for k, scale in enumerate(scales)]
    with pytest.raises(CurateError, match=r"labels come from different scales: .*4\.93.*5\.0"):
        join(tables)


def test_append_keeps_the_only_label_scale_there_is(make_manifest):
    scale = {"min": 1.0, "max": 5.0, "higher_is_better": True}
    joined = join([make_manifest(("a_01_01",), label=[None]), make_manifest(("b_01_01",), {"label_scale": scale})])
    assert read_provenance(joined)["label_scale"] == scale


def test_a_root_name_may_not_mean_two_folders(make_manifest):
    tables = [make_manifest((f"{k}_01_01",), {"roots": {"images": folder}}) for k, folder in enumerate(("a", "b"))]
    with pytest.raises(CurateError, match="the root 'images' is 'a' in one manifest and 'b' in another"):
        join(tables)


@pytest.mark.parametrize("folder", ["a", None])
def test_a_root_of_one_folder_stays(make_manifest, folder):
    tables = [make_manifest((f"{k}_01_01",), {"roots": {"images": folder}}) for k in range(2)]
    assert read_provenance(join(tables))["roots"] == {"images": folder}


@pytest.mark.parametrize("folders", [("a", None), (None, "a"), ("a", "a", None)])
def test_a_root_whose_folder_one_manifest_does_not_know_may_be_another(make_manifest, folders):
    tables = [make_manifest((f"{k}_01_01",), {"roots": {"images": folder}}) for k, folder in enumerate(folders)]
    with pytest.raises(CurateError, match=r"the root 'images' is .*not known.*: say where both are \(relocate --root"):
        join(tables)


def test_joining_keeps_peoples_own_columns_and_leaves_clusters_out(make_manifest):
    first, second = make_manifest(("a_01_01",)), make_manifest(("b_01_01",))
    first = first.append_column("photographer", pa.array(["x"]))
    for field in CLUSTER_FIELDS:
        first = first.append_column(field, pa.array([1], field.type))
    joined = join([first, second])
    assert joined.column_names == [*SCHEMA.names, "photographer"]
    assert joined["photographer"].to_pylist() == ["x", None]


def test_a_column_of_two_types_cannot_be_joined(make_manifest):
    first = make_manifest(("a_01_01",)).append_column("own", pa.array(["x"]))
    second = make_manifest(("b_01_01",)).append_column("own", pa.array([1]))
    with pytest.raises(CurateError, match="columns do not fit each other"):
        join([first, second])


def test_provenance_is_canonical_json(make_manifest):
    raw = make_manifest(facts={"label_scale": {"min": 0, "max": 1}}).schema.metadata[b"syndr_curate"]
    assert raw.decode() == json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":"))
