import inspect

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate.curate.command.downsample import downsample as command
from syndr_curate.curate.datasets.feature_files import save_features
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.downsampling.downsample import downsample, downsample_epoch
from syndr_curate.curate.downsampling.downsample_files import epoch_of, run_downsample
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.manifest.manifest import read_manifest, write_manifest
from syndr_curate.curate.manifest.provenance import attach, read_provenance


def names(count: int, prefix: str = "s") -> list[str]:
    return [f"{prefix}{i:03d}" for i in range(count)]


def kept_ids(table) -> set[str]:
    return set(table["sample_id"].to_pylist())


def test_identical_rows_in_one_cluster_keep_half(training_table):
    result = downsample_epoch(np.ones((50, 4), np.float32), training_table(names(50), [5.0] * 50), epoch=0)
    assert (len(result.kept), len(result.dropped)) == (25, 25)
    assert result.kept["cluster_size"].to_pylist() == [50] * 25


def test_a_cluster_of_twenty_is_left_alone_and_one_of_thirty_keeps_twenty(training_table):
    # max(20, floor(30 / 2)) = 20; floor(45 / 2) = 22
    for size, expected in ((20, 20), (21, 20), (30, 20), (41, 20), (45, 22)):
        table = training_table(names(size), [5.0] * size)
        assert len(downsample(np.ones((size, 3), np.float32), table, epoch=0)) == expected


def test_a_label_gap_of_exactly_one_is_no_edge(training_table):
    features = np.ones((60, 3), np.float32)
    apart = training_table(names(60), [4.0] * 30 + [5.0] * 30)
    together = training_table(names(60), [4.0] * 30 + [4.9375] * 30)
    assert downsample_epoch(features, apart, epoch=0).summary["clusters"] == 2
    assert downsample_epoch(features, together, epoch=0).summary["clusters"] == 1


def test_clusters_are_connected_components_not_cliques(training_table):
    # Angles 0, 20, 40 degrees: cos 20 = 0.94 > 0.9 links neighbors, cos 40 = 0.77 does not link the ends.
    angles = np.radians([0, 20, 40])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    result = downsample_epoch(features, training_table(names(3), [5.0] * 3), epoch=0)
    assert result.summary["clusters"] == 1
    assert result.kept["cluster_id"].to_pylist() == [0, 0, 0]


def test_clusters_are_numbered_by_their_smallest_sample_id(training_table):
    features = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    result = downsample_epoch(features, training_table(["d", "c", "b", "a"], [5.0] * 4), epoch=0)
    assert dict(zip(result.kept["sample_id"].to_pylist(), result.kept["cluster_id"].to_pylist(), strict=True)) == {
        "d": 1,
        "c": 0,
        "b": 1,
        "a": 0,
    }


def random_case(seed: int, count: int):
    rng = np.random.Generator(np.random.PCG64(seed))
    centers = rng.normal(size=(3, 5))
    matrix = (centers[rng.integers(0, 3, count)] + 0.1 * rng.normal(size=(count, 5))).astype(np.float32)
    return names(count), matrix, rng.uniform(0, 10, count).astype(np.float32), rng


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 120), st.integers(0, 5))
def test_the_kept_set_does_not_depend_on_the_order_of_rows(training_table_factory, seed, count, epoch):
    ids, matrix, labels, rng = random_case(seed, count)
    order = rng.permutation(count)
    setting = DownsampleSettings(label_gap=3.0)
    first = downsample_epoch(matrix, training_table_factory(ids, labels), epoch=epoch, settings=setting)
    table = training_table_factory([ids[i] for i in order], labels[order])
    features = Features(matrix, tuple(ids), tuple(ids), "by id", {})
    second = downsample_epoch(features, table, epoch=epoch, settings=setting)
    assert kept_ids(first.kept) == kept_ids(second.kept)
    assert first.summary == second.summary
    columns = ["sample_id", "cluster_id", "cluster_size"]
    assert first.kept.select(columns).sort_by("sample_id").equals(second.kept.select(columns).sort_by("sample_id"))


@pytest.fixture(scope="module")
def training_table_factory():
    from syndr_curate.curate.manifest.schema import build_table

    def make(ids, labels):
        columns = {"sample_id": list(ids), "image_path": [f"{i}.png" for i in ids], "label": pa.array(labels)}
        return build_table({**columns, "label_source": "mos", "split": "train", "status": "ok"}, len(ids))

    return make


def test_another_epoch_or_seed_draws_others(training_table):
    features, table = np.ones((100, 3), np.float32), training_table(names(100), [5.0] * 100)
    base = kept_ids(downsample(features, table, epoch=1))
    assert kept_ids(downsample(features, table, epoch=1)) == base
    assert kept_ids(downsample(features, table, epoch=2)) != base
    assert kept_ids(downsample(features, table, epoch=1, seed=124)) != base


def test_the_draw_is_uniform(training_table):
    # Every row of a cluster of 60 is kept with probability 1/2: over 400 epochs 200 times, standard deviation 10.
    features, table = np.ones((60, 2), np.float32), training_table(names(60), [5.0] * 60)
    counts = dict.fromkeys(names(60), 0)
    for epoch in range(400):
        for identifier in kept_ids(downsample(features, table, epoch=epoch)):
            counts[identifier] += 1
    assert sum(counts.values()) == 400 * 30
    assert min(counts.values()) > 150
    assert max(counts.values()) < 250


def test_scope_mos_leaves_pseudo_labeled_rows_alone(training_table):
    sources = ["mos"] * 40 + ["pseudo"] * 40
    table = training_table(names(80), [5.0] * 80, label_source=sources)
    features = np.ones((80, 3), np.float32)
    kept = downsample(features, table, epoch=0, scope="mos")
    assert kept["label_source"].to_pylist().count("pseudo") == 40
    assert kept["label_source"].to_pylist().count("mos") == 20
    assert kept.filter(pa.compute.equal(kept["label_source"], "pseudo"))["cluster_id"].null_count == 40
    assert len(downsample(features, table, epoch=0, scope="all")) == 40


def test_held_out_rows_are_neither_filtered_nor_emitted(training_table):
    splits = ["train"] * 50 + ["val"] * 30 + ["test"] * 30
    table = training_table(names(110), [5.0] * 110, split=splits)
    result = downsample_epoch(np.ones((110, 3), np.float32), table, epoch=0)
    assert result.summary["rows_in"] == 50
    assert result.summary["largest_cluster"] == 50
    assert set(result.kept["split"].to_pylist()) == {"train"}
    assert len(result.kept) == 25
    assert not kept_ids(result.dropped) & set(names(110)[50:])


def test_rows_that_are_not_ok_have_no_features_and_are_not_emitted(training_table):
    statuses = ["ok", "unreadable", "ok", "failed"]
    labels = pa.array([1.0, None, 2.0, None], pa.float32())
    table = training_table(names(4), [0.0] * 4, label=labels, status=statuses)
    kept = downsample(np.eye(2, dtype=np.float32), table, epoch=0)
    assert kept["sample_id"].to_pylist() == ["s000", "s002"]
    with pytest.raises(CurateError, match="has 4 rows, but the manifest's ok rows are 2"):
        downsample(np.eye(4, dtype=np.float32), table, epoch=0)


def test_the_diagnostics_of_a_hand_made_case(training_table):
    # Clusters of 30, 5 and 1: n = 36, sum of squares 926; effective 36^2/926; heterogeneity 3 * 926/36^2 - 1.
    features = np.repeat(np.eye(3, dtype=np.float32), [30, 5, 1], axis=0)
    summary = downsample_epoch(features, training_table(names(36), [5.0] * 36), epoch=0).summary
    assert summary["clusters"] == 3
    assert summary["largest_cluster"] == 30
    assert summary["clusters_reduced"] == 1
    assert summary["rows_kept"] == 26
    assert summary["effective_clusters"] == pytest.approx(36**2 / 926)
    assert summary["heterogeneity"] == pytest.approx(3 * 926 / 36**2 - 1)


def test_the_epoch_is_read_from_the_file_name():
    names_and_epochs = {"epoch3.npy": 3, "run-epoch_12.parquet": 12, "Epoch-7.npz": 7, "features.npy": None}
    assert {name: epoch_of(name) for name in names_and_epochs} == names_and_epochs


@pytest.fixture
def on_disk(tmp_path, training_table):
    folder = tmp_path / "manifests"
    table = attach(training_table(names(60), [5.0] * 60), {"stage": "upsample", "roots": {"images": "images"}})
    write_manifest(table, folder / "train.parquet")
    return folder


def test_the_epochs_manifest_is_beside_the_training_manifest(on_disk, tmp_path):
    save_features(tmp_path / "epoch3.npy", names(60), np.ones((60, 4), np.float32))
    summary = run_downsample(tmp_path / "epoch3.npy", on_disk / "train.parquet", dropped=tmp_path / "out" / "d.parquet")
    assert summary["out"] == str(on_disk / "epoch3.parquet")
    assert summary["epoch"] == 3
    kept, dropped = read_manifest(on_disk / "epoch3.parquet"), read_manifest(tmp_path / "out" / "d.parquet")
    assert (len(kept), len(dropped)) == (30, 30)
    assert kept.schema.names[-2:] == ["cluster_id", "cluster_size"]
    assert read_provenance(kept)["roots"] == {"images": "images"}
    assert read_provenance(dropped)["roots"] == {"images": "../manifests/images"}


def test_a_second_run_writes_the_same_bytes(on_disk, tmp_path):
    save_features(tmp_path / "epoch1.npz", names(60)[::-1], np.ones((60, 4), np.float32))
    run_downsample(tmp_path / "epoch1.npz", on_disk / "train.parquet")
    first = (on_disk / "epoch1.parquet").read_bytes()
    run_downsample(tmp_path / "epoch1.npz", on_disk / "train.parquet")
    assert (on_disk / "epoch1.parquet").read_bytes() == first


def faulty_features():
    good = np.ones((60, 4), np.float32)
    not_a_number, zero = good.copy(), good.copy()
    not_a_number[7, 2], zero[11] = np.nan, 0.0
    return {
        "NaN": (lambda p: np.save(p, not_a_number), "'s007'"),
        "zero row": (lambda p: np.save(p, zero), "'s011'"),
        "wrong count": (lambda p: np.save(p, good[:59]), "59 rows, but the manifest's ok rows are 60"),
        "pickle": (lambda p: np.save(p, np.array([{"a": 1}] * 60, object), allow_pickle=True), "pickled"),
        "other ids": (
            lambda p: save_features(p, [*names(59), "stranger"], good),
            "no features for 1 of the manifest's ok rows: 's059'",
        ),
        "whole numbers": (lambda p: np.save(p, good.astype(np.int32)), "floating"),
    }


@pytest.mark.parametrize("fault", faulty_features())
def test_faulty_features_name_the_ids_and_nothing_is_written(on_disk, tmp_path, fault):
    write, message = faulty_features()[fault]
    write(tmp_path / "epoch3.npy")
    before = sorted(p.name for p in on_disk.iterdir())
    with pytest.raises(CurateError, match=message):
        run_downsample(tmp_path / "epoch3.npy", on_disk / "train.parquet")
    assert sorted(p.name for p in on_disk.iterdir()) == before


def test_the_output_may_not_overwrite_an_input(on_disk):
    save_features(on_disk / "epoch3.parquet", names(60), np.ones((60, 4), np.float32))
    with pytest.raises(CurateError, match=r"epoch3.parquet would overwrite"):
        run_downsample(on_disk / "epoch3.parquet", on_disk / "train.parquet")
    with pytest.raises(CurateError, match=r"train.parquet would overwrite"):
        run_downsample(on_disk / "epoch3.parquet", on_disk / "train.parquet", out=on_disk / "train.parquet")
    for taken in ("train.parquet", "epoch3.parquet", "new.parquet"):
        with pytest.raises(CurateError, match=f"{taken} would overwrite"):
            run_downsample(
                on_disk / "epoch3.parquet",
                on_disk / "train.parquet",
                out=on_disk / "new.parquet",
                dropped=on_disk / taken,
            )


def test_a_manifest_without_labels_cannot_be_thinned(training_table):
    table = training_table(names(3), [0] * 3, label=pa.array([1.0, None, 2.0], pa.float32()))
    with pytest.raises(CurateError, match=r"have no label.*'s001'"):
        downsample(np.eye(3, dtype=np.float32), table, epoch=0)


@pytest.mark.parametrize(
    "wrong",
    [{"similarity": 1.5}, {"label_gap": 0.0}, {"keep_min": 0}, {"keep_fraction": 1.2}, {"scope": "some"}],
    ids=lambda w: next(iter(w)),
)
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(CurateError, match="expected"):
        DownsampleSettings(**wrong)


@pytest.mark.parametrize("function", [downsample, command], ids=["python", "command line"])
def test_both_doors_have_the_defaults_of_the_settings(function):
    parameters = inspect.signature(function).parameters
    found = {name: parameters[name].default for name in vars(DownsampleSettings())}
    assert {name: getattr(default, "value", default) for name, default in found.items()} == vars(DownsampleSettings())


def test_numpys_integers_are_taken_for_epoch_seed_and_keep_min(training_table):
    table, features = training_table(names(60), [5.0] * 60), np.ones((60, 3), np.float32)
    plain = downsample(features, table, epoch=1, seed=5, keep_min=10)
    numpys = downsample(features, table, epoch=np.int64(1), seed=np.uint32(5), keep_min=np.int16(10))
    assert numpys.equals(plain, check_metadata=True)


@pytest.mark.parametrize("name", ["epoch", "seed", "keep_min"])
@pytest.mark.parametrize("value", [True, 1.0, np.float64(1), "1"], ids=repr)
def test_what_would_draw_other_rows_than_the_int_is_refused(training_table, name, value):
    table, features = training_table(names(60), [5.0] * 60), np.ones((60, 3), np.float32)
    with pytest.raises(CurateError, match=f"{name} is .*; expected a whole number"):
        downsample(features, table, **{"epoch": 0, name: value})


def test_a_false_epoch_is_not_taken_for_epoch_0(on_disk, tmp_path):
    for epoch in (False, 0.0):
        with pytest.raises(CurateError, match=r"epoch is .*; expected a whole number"):
            run_downsample(on_disk / "epoch3.npy", on_disk / "train.parquet", epoch=epoch, out=tmp_path / "out.parquet")
