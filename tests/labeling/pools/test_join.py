"""Manifests of unlike label sources become one only as somebody asks for it."""

import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syndr_curate import (
    CurateError,
    CurateWarning,
    ManifestDataset,
    append_manifest,
    downsample,
    join,
    read_manifest,
    write_manifest,
)
from syndr_curate.curate.labeling.pools.alignment import aligned
from syndr_curate.curate.labeling.pools.sources import label_sources
from syndr_curate.curate.manifest.provenance import attach, read_provenance

from ...making import training_rows

SCALE = {"min": 1.0, "max": 4.93, "higher_is_better": True}


def pool(name, cells, *, source="mos", split="train"):
    """Rows of types and levels with labels: {(1, 3): [5.0, 6.0], ...}."""
    flat = [(kind, level, label) for (kind, level), labels in cells.items() for label in labels]
    return training_rows(
        [f"{name}{number}" for number in range(len(flat))],
        [label for _, _, label in flat],
        distortion_id=pa.array([kind for kind, _, _ in flat], pa.int16()),
        level=pa.array([level for _, level, _ in flat], pa.int8()),
        label_source=source,
        split=split,
    )


def written(folder, name, table, **facts):
    folder.mkdir(exist_ok=True)
    write_manifest(attach(table, {"stage": "label", "roots": {}, **facts}), folder / f"{name}.parquet")
    return folder / f"{name}.parquet"


CELLS = {(1, 1): [8.0, 9.0], (1, 3): [5.0], (10, 3): [4.0, 3.0]}


def test_two_pools_that_differ_by_a_constant_come_back_to_one_scale(tmp_path):
    low = {cell: [label - 1.5 for label in labels] for cell, labels in CELLS.items()}
    files = [
        written(tmp_path, "a", pool("a", CELLS), label_scale=SCALE),
        written(tmp_path, "b", pool("b", low, source="proxy")),
    ]
    with pytest.raises(CurateError, match=r"unlike sources \(.*a.parquet: mos; .*b.parquet: proxy\).*--labels align"):
        join(files, tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()
    summary = join(files, tmp_path / "out.parquet", labels="align")
    assert summary["shifts"] == {str(files[1]): {"proxy": {"gaussian_blur": 1.5, "jpeg": 1.5}}}
    table = read_manifest(tmp_path / "out.parquet")
    assert table["label"].to_pylist() == [8.0, 9.0, 5.0, 4.0, 3.0] * 2
    assert table["label_source"].to_pylist() == ["mos"] * 5 + ["proxy"] * 5
    found = read_provenance(table)
    assert found["joined_labels"] == {"labels": "align", "shifts": [{"proxy": {"gaussian_blur": 1.5, "jpeg": 1.5}}]}
    assert (found["stage"], found["config"]) == ("join", {"labels": "align"})


def test_as_is_changes_no_label_and_says_which_sources_there_are(tmp_path):
    files = [written(tmp_path, name, pool(name, CELLS, source=name)) for name in ("proxy", "mos")]
    summary = join(files, tmp_path / "out.parquet", labels="as-is")
    assert summary == {"rows": 10, "label_sources": ["mos", "proxy"], "out": str(tmp_path / "out.parquet")}
    assert read_manifest(tmp_path / "out.parquet")["label"].to_pylist() == [8.0, 9.0, 5.0, 4.0, 3.0] * 2


def test_a_shift_is_over_the_levels_that_both_have_each_counting_alike():
    first = pool("a", {(1, 1): [8.0], (1, 2): [6.0, 6.0, 6.0], (1, 5): [0.0]})
    found = aligned(pool("b", {(1, 1): [7.0], (1, 2): [4.0], (1, 3): [1.0]}, source="proxy"), first)
    assert found.shifts == {"proxy": {1: 1.5}}
    assert found.rows["label"].to_pylist() == [8.5, 5.5, 2.5]


def test_a_chain_that_names_a_type_is_neither_counted_nor_shifted_with_it():
    steps = [{"distortion_id": kind, "level": 1.0, "seed": 1} for kind in (1, 11)]
    later = pool("b", {(1, 1): [7.0, 2.0]}, source="proxy")
    place = later.schema.get_field_index("chain")
    later = later.set_column(place, "chain", pa.array([None, steps], later.schema.field("chain").type))
    found = aligned(later, pool("a", {(1, 1): [8.0]}))
    assert found.shifts == {"proxy": {1: 1.0}}
    assert found.rows["label"].to_pylist() == [8.0, 2.0]
    assert found.rows_without_shift == 1


def test_types_that_the_first_pool_lacks_keep_their_labels_and_are_counted():
    found = aligned(pool("b", {(1, 3): [4.0], (2, 3): [4.0]}, source="proxy"), pool("a", CELLS))
    assert found.rows["label"].to_pylist() == [5.0, 4.0]
    assert (found.rows_without_shift, found.rows_clipped) == (1, 0)


def test_shifted_labels_stay_on_the_scale_and_are_counted():
    found = aligned(pool("b", {(1, 1): [8.0, 5.0, 9.5]}, source="proxy"), pool("a", {(1, 1): [9.5]}))
    assert found.shifts == {"proxy": {1: 2.0}}
    assert found.rows["label"].to_pylist() == [10.0, 7.0, 10.0]
    assert found.rows_clipped == 1


@given(st.lists(st.floats(0, 10, width=32), min_size=4, max_size=4))
def test_labels_of_held_out_rows_move_no_shift(held_out):
    train = pool("b", {(1, 1): [7.0, 6.0]}, source="proxy")
    shifts = []
    for labels in ([5.0] * 4, held_out):
        test = pool("t", {(1, 1): labels[:2], (10, 3): labels[2:]}, source="proxy", split="test")
        shifts.append(aligned(pa.concat_tables([train, test]), pool("a", CELLS)).shifts)
    assert shifts[0] == shifts[1] == {"proxy": {1: 2.0}}


def test_each_source_of_a_pool_has_its_own_shift():
    mixed = [pool("b", {(1, 1): [8.0]}, source="mos"), pool("c", {(1, 1): [4.0], (2, 1): [1.0]}, source="proxy")]
    found = aligned(pa.concat_tables(mixed), pool("a", {(1, 1): [9.0]}))
    assert found.shifts == {"mos": {1: 1.0}, "proxy": {1: 5.0}}
    assert found.rows["label"].to_pylist() == [9.0, 9.0, 1.0]
    assert found.rows_without_shift == 1


def test_pseudo_labels_are_shifted_with_the_labels_that_they_are_made_of():
    parts = [pool("b", {(1, 1): [5.0]}, source="proxy"), pool("c", {(1, 1): [7.0]}, source="pseudo")]
    found = aligned(pa.concat_tables(parts), pool("a", {(1, 1): [8.0]}))
    assert found.shifts == {"proxy": {1: 2.0}}
    assert found.rows["label"].to_pylist() == [7.0, 9.0]


def test_a_first_manifest_of_unlike_sources_is_no_scale_to_align_to(tmp_path):
    parts = {"a": "mos", "b": "proxy", "c": "condition"}
    files = [written(tmp_path, name, pool(name, CELLS, source=source)) for name, source in parts.items()]
    join(files[:2], tmp_path / "mixed.parquet", labels="as-is")
    with pytest.raises(CurateError, match=r"mixed.parquet has itself labels of unlike sources \(mos, proxy\).*first"):
        join([tmp_path / "mixed.parquet", files[2]], tmp_path / "out.parquet", labels="align")
    join(files[:2], tmp_path / "one-scale.parquet", labels="align")
    summary = join([tmp_path / "one-scale.parquet", files[2]], tmp_path / "out.parquet", labels="align")
    assert summary["label_sources"] == ["condition", "mos", "proxy"]


def test_a_pool_without_labels_has_nothing_to_align(tmp_path):
    bare = pool("b", CELLS)
    bare = bare.set_column(bare.schema.get_field_index("label"), bare.schema.field("label"), pa.nulls(5, pa.float32()))
    files = [written(tmp_path, "a", pool("a", CELLS)), written(tmp_path, "b", bare)]
    summary = join(files, tmp_path / "out.parquet", labels="align")
    assert summary["shifts"] == {str(files[1]): {}}
    assert (summary["rows_without_shift"], summary["rows_clipped"]) == (0, 0)


def test_pools_without_a_common_type_cannot_be_aligned(tmp_path):
    files = [
        written(tmp_path, "a", pool("a", CELLS)),
        written(tmp_path, "b", pool("b", {(2, 3): [1.0]}, source="proxy")),
    ]
    with pytest.raises(CurateError, match=r"b.parquet cannot be aligned: no type and level .*--labels as-is"):
        join(files, tmp_path / "out.parquet", labels="align")


def test_other_scales_are_unlike_too(tmp_path):
    other = {**SCALE, "max": 5.0}
    files = [
        written(tmp_path, name, pool(name, CELLS), label_scale=scale) for name, scale in (("a", SCALE), ("b", other))
    ]
    with pytest.raises(CurateError, match=r"unlike scales \(.*4\.93.*5\.0.*--labels as-is takes them"):
        join(files, tmp_path / "out.parquet")
    join(files, tmp_path / "out.parquet", labels="as-is")
    assert "label_scale" not in read_provenance(read_manifest(tmp_path / "out.parquet"))


def test_pseudo_labels_are_like_the_labels_that_they_are_made_of():
    tables = [pool("a", CELLS), pool("b", CELLS, source="pseudo"), pool("c", CELLS, source="proxy")]
    assert label_sources(tables[:2]) == ["mos"]
    assert label_sources([pa.concat_tables(tables[1:])]) == ["proxy"]
    assert label_sources(tables) == ["mos", "proxy"]
    assert label_sources([tables[0].slice(0, 0)]) == []


def test_pseudo_labels_that_a_metric_labeled_neighbors_gave_are_like_the_metric(tmp_path):
    made = {"config": {"proxy_metric": "mdsi-2", "only_new": True}}
    files = [
        written(tmp_path, "a", pool("a", CELLS)),
        written(tmp_path, "b", pool("b", CELLS, source="pseudo"), **made),
    ]
    with pytest.raises(CurateError, match=r"unlike sources \(.*a.parquet: mos; .*b.parquet: proxy\)"):
        join(files, tmp_path / "out.parquet")


def test_roots_that_mean_other_folders_get_the_number_of_their_manifest(tmp_path):
    for name in ("one", "two"):
        table = pool(name, CELLS)
        table = table.set_column(
            table.schema.get_field_index("image_root"),
            table.schema.field("image_root"),
            pa.array(["images"] * 5).dictionary_encode(),
        )
        written(tmp_path / name, "m", table, roots={"images": "pictures", "shared": "../all"})
    files = [tmp_path / name / "m.parquet" for name in ("one", "two")]
    join(files, tmp_path / "out.parquet")
    table = read_manifest(tmp_path / "out.parquet")
    assert table["image_root"].to_pylist() == ["images"] * 5 + ["images-2"] * 5
    roots = read_provenance(table)["roots"]
    assert roots == {"images": "one/pictures", "images-2": "two/pictures", "shared": "all"}


def test_ids_that_occur_twice_and_a_manifest_alone_are_refused(tmp_path):
    file = written(tmp_path, "a", pool("a", CELLS))
    (tmp_path / "copy.parquet").write_bytes(file.read_bytes())
    with pytest.raises(CurateError, match="5 sample ids occur more than once: 'a0'"):
        join([file, tmp_path / "copy.parquet"], tmp_path / "out.parquet")
    with pytest.raises(CurateError, match="give at least 2 manifests to join; given: 1"):
        join([file], tmp_path / "out.parquet")
    with pytest.raises(CurateError, match="would overwrite"):
        join([file, tmp_path / "copy.parquet"], file)


def test_a_loader_warns_of_unlike_labels_that_no_user_chose(tmp_path):
    files = [written(tmp_path, name, pool(name, CELLS, source=name)) for name in ("mos", "proxy")]
    mixed = attach(pa.concat_tables([pool("a", CELLS), pool("b", CELLS, source="proxy")]), {"roots": {}})
    with pytest.warns(CurateWarning, match=r"labels of unlike sources \(mos, proxy\).*join --labels align"):
        ManifestDataset(mixed)
    join(files, tmp_path / "out.parquet", labels="as-is")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ManifestDataset(tmp_path / "out.parquet")
        ManifestDataset(attach(pool("a", CELLS), {"roots": {}}))


def test_rows_that_are_appended_to_joined_ones_are_warned_of(tmp_path):
    files = [written(tmp_path, name, pool(name, CELLS, source=name)) for name in ("mos", "proxy")]
    join(files, tmp_path / "out.parquet", labels="as-is")
    append_manifest(tmp_path / "out.parquet", attach(pool("c", CELLS, source="condition"), {"roots": {}}))
    with pytest.warns(CurateWarning, match=r"labels of unlike sources \(condition, mos, proxy\)"):
        ManifestDataset(tmp_path / "out.parquet")


def test_downsampling_keeps_on_record_that_labels_were_joined(tmp_path):
    files = [written(tmp_path, name, pool(name, CELLS, source=name)) for name in ("mos", "proxy")]
    join(files, tmp_path / "out.parquet", labels="as-is")
    kept = downsample(np.eye(10, dtype=np.float32), tmp_path / "out.parquet", epoch=0)
    assert read_provenance(kept)["joined_labels"] == {"labels": "as-is", "shifts": []}


def test_the_order_of_rows_is_that_of_the_manifests_and_the_bytes_are_the_same_again(tmp_path):
    files = [written(tmp_path, name, pool(name, CELLS)) for name in ("b", "a")]
    join(files, tmp_path / "one.parquet")
    join(files, tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    ids = np.array(read_manifest(tmp_path / "one.parquet")["sample_id"].to_pylist())
    assert ids.tolist() == [f"{name}{number}" for name in "ba" for number in range(5)]


def test_the_command_prints_what_was_shifted(tmp_path, syndr_curate):
    files = [written(tmp_path, name, pool(name, CELLS, source=name)) for name in ("mos", "proxy")]
    out = tmp_path / "out.parquet"
    refused = syndr_curate("join", *files, "--out", out, check=False)
    assert refused.returncode == 2
    assert "--labels align" in refused.stderr
    said = syndr_curate("join", *files, "--labels", "align", "--out", out).stdout
    assert "labels of proxy shifted\n" in said
    assert "gaussian_blur              +0.000" in said
    assert syndr_curate("verify", out, check=False).returncode in (0, 1)
