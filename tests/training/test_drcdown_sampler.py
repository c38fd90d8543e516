"""DRCDown as a sampler: the same rows as the command line keeps, split over ranks, resumed."""

import inspect
import io
import json
import os

import numpy as np
import pyarrow as pa
import pytest
import torch
import torch.multiprocessing
from hypothesis import given, settings
from hypothesis import strategies as st
from syndr_curate import (
    CurateError,
    CurateWarning,
    DRCDownSampler,
    Features,
    ManifestDataset,
    read_manifest,
    save_features,
)
from syndr_curate.curate.downsampling.downsample import downsample_epoch
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.manifest.manifest import write_manifest
from torch.utils.data import DataLoader, DistributedSampler

from ..making import training_rows


def names(count: int) -> list[str]:
    return [f"s{i:04d}" for i in range(count)]


def case(seed: int, count: int, **columns) -> tuple[pa.Table, np.ndarray]:
    """Rows about three centers, so that some clusters are large."""
    rng = np.random.Generator(np.random.PCG64(seed))
    centers = rng.normal(size=(3, 5))
    matrix = (centers[rng.integers(0, 3, count)] + 0.1 * rng.normal(size=(count, 5))).astype(np.float32)
    return training_rows(names(count), rng.uniform(4, 6, count), **columns), matrix


def with_ids(table: pa.Table, matrix: np.ndarray) -> Features:
    ids = tuple(table["sample_id"].to_pylist())
    return Features(matrix, ids, ids, "ours", {})


def test_the_kept_rows_are_those_the_command_line_writes(tmp_path, syndr_curate):
    splits = (["train"] * 9 + ["val"]) * 30
    statuses = ["ok"] * 270 + ["failed"] * 30
    sources = (["mos"] * 2 + ["pseudo"]) * 100
    rng = np.random.Generator(np.random.PCG64(0))
    matrix = (np.repeat(np.eye(3), 90, axis=0) + 0.01 * rng.normal(size=(270, 3))).astype(np.float32)
    table = training_rows(names(300), rng.uniform(4, 6, 300), split=splits, status=statuses, label_source=sources)
    write_manifest(table, tmp_path / "train.parquet")
    save_features(tmp_path / "epoch3.npz", names(300)[:270][::-1], matrix[::-1])
    for flags, choice in (([], {}), (["--scope", "mos"], {"scope": "mos"}), (["--keep-min", "5"], {"keep_min": 5})):
        done = syndr_curate(
            *("downsample", "--features", tmp_path / "epoch3.npz", "--manifest", tmp_path / "train.parquet"),
            *("--json", *flags),
        )
        kept = read_manifest(tmp_path / "epoch3.parquet")["sample_id"].to_pylist()
        sampler = DRCDownSampler(ManifestDataset(tmp_path / "train.parquet"), **choice)
        summary = sampler.update(tmp_path / "epoch3.npz", epoch=3)
        assert sampler.kept_ids == kept
        assert len(kept) < 270 * 9 // 10
        assert summary.items() <= json.loads(done.stdout).items()
        assert {sampler.sample_ids[i] for i in sampler} == set(kept)


def test_settings_default_to_those_of_downsample():
    parameters = inspect.signature(DRCDownSampler).parameters
    for name, value in vars(DownsampleSettings()).items():
        assert parameters[name].default == value


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(30, 120), st.integers(0, 5), st.integers(1, 5), st.booleans())
def test_ranks_split_the_kept_rows_evenly_as_torchs_distributed_sampler_does(seed, count, epoch, replicas, drop_last):
    table, matrix = case(seed, count)
    ranks = [
        DRCDownSampler(ManifestDataset(table), num_replicas=replicas, rank=r, drop_last=drop_last)
        for r in range(replicas)
    ]
    for sampler in ranks:
        sampler.update(matrix, epoch=epoch)
    shares = [list(sampler) for sampler in ranks]
    kept = downsample_epoch(matrix, table, epoch=epoch).kept["sample_id"].to_pylist()
    assert all(sampler.kept_ids == kept for sampler in ranks)
    like = DistributedSampler(kept, num_replicas=replicas, rank=0, drop_last=drop_last)
    assert {len(share) for share in shares} == {len(sampler) for sampler in ranks} == {len(like)}
    dealt = [table["sample_id"][i].as_py() for turn in zip(*shares, strict=True) for i in turn]
    if drop_last:
        assert len(set(dealt)) == len(dealt) > len(kept) - replicas
        assert set(dealt) <= set(kept)
    else:
        assert set(dealt) == set(kept)
        # what fills the last turn is the beginning of the order
        assert dealt[len(kept) :] == dealt[: len(dealt) - len(kept)]


def test_more_ranks_than_rows_repeat_the_order_as_often_as_needed():
    table = training_rows(names(2), [1, 9])
    samplers = [DRCDownSampler(ManifestDataset(table), num_replicas=5, rank=rank, shuffle=False) for rank in range(5)]
    for sampler in samplers:
        sampler.update(np.eye(2, dtype=np.float32))
    assert [list(sampler) for sampler in samplers] == [[0], [1], [0], [1], [0]]


def test_every_epoch_has_its_own_order_and_its_own_draw():
    table = training_rows(names(100), [5.0] * 100)
    sampler = DRCDownSampler(ManifestDataset(table))
    sampler.update(np.ones((100, 3), np.float32), epoch=0)
    first, kept = list(sampler), sampler.kept_ids
    assert list(sampler) == first != sorted(first)
    sampler.set_epoch(1)
    assert set(sampler.kept_ids) != set(kept)
    assert len(sampler) == 50
    sampler.set_epoch(0)
    assert list(sampler) == first
    other = DRCDownSampler(ManifestDataset(table), seed=5)
    other.update(np.ones((100, 3), np.float32), epoch=0)
    assert set(other.kept_ids) != set(kept)


def test_without_shuffling_rows_come_in_the_manifests_order():
    table, matrix = case(1, 100)
    sampler = DRCDownSampler(ManifestDataset(table), shuffle=False)
    sampler.update(matrix, epoch=2)
    assert list(sampler) == sorted(sampler)


def test_a_feature_function_makes_set_epoch_enough():
    table, matrix = case(2, 90)
    asked = []

    def features():
        asked.append(sampler.epoch)
        return matrix

    sampler = DRCDownSampler(ManifestDataset(table), features_fn=features)
    expected = [downsample_epoch(matrix, table, epoch=epoch).kept["sample_id"].to_pylist() for epoch in range(2)]
    for epoch in (0, 0, 1):
        sampler.set_epoch(epoch)
        assert sampler.kept_ids == expected[epoch]
    assert len(asked) == 2


def test_a_length_asks_for_no_features_and_clusters_nothing(monkeypatch):
    table, matrix = case(2, 90)
    for replicas, most in ((1, 90), (4, 23)):
        sampler = DRCDownSampler(
            ManifestDataset(table), num_replicas=replicas, rank=0, features_fn=lambda: pytest.fail("asked")
        )
        loader = DataLoader(sampler.sample_ids, sampler=sampler, batch_size=10)
        assert (len(sampler), len(loader)) == (most, -(-most // 10))  # the most that any epoch can have
        assert sampler.summary is None
        sampler.update(matrix, epoch=1)
        monkeypatch.setattr(
            "syndr_curate.curate.training.drcdown_sampler.draw_epoch", lambda *_, **__: pytest.fail("drawn")
        )
        kept = len(downsample_epoch(matrix, table, epoch=1).kept)
        assert (len(sampler), len(loader)) == (-(-kept // replicas), -(-kept // replicas // 10))
        monkeypatch.undo()


def test_iterating_before_any_set_epoch_asks_for_features_once_and_sets_the_length():
    table, matrix = case(2, 90)
    asked = []
    sampler = DRCDownSampler(ManifestDataset(table), features_fn=lambda: asked.append(1) or matrix)
    kept = downsample_epoch(matrix, table, epoch=0).kept["sample_id"].to_pylist()
    for _ in range(2):
        assert {sampler.sample_ids[row] for row in sampler} == set(kept)
    assert (asked, len(sampler)) == ([1], len(kept))


def test_features_given_for_an_epoch_are_not_asked_for_again():
    table, matrix = case(3, 90)
    sampler = DRCDownSampler(ManifestDataset(table), features_fn=lambda: pytest.fail("asked"))
    sampler.update(matrix, epoch=4)
    sampler.set_epoch(4)
    assert sampler.epoch == 4


def test_before_any_features_all_training_rows_come_and_a_warning_says_so():
    sampler = DRCDownSampler(
        ManifestDataset(training_rows(names(4), [5.0] * 4, split=["train", "val", "train", "test"]))
    )
    assert len(sampler) == 2
    with pytest.warns(CurateWarning, match="no features yet, so epoch 0 trains on all 2 rows"):
        assert sorted(sampler) == [0, 2]


def test_a_loop_that_stops_early_warns_once(recwarn):
    table, matrix = case(1, 100)
    sampler = DRCDownSampler(ManifestDataset(table), features_fn=lambda: matrix)
    for epoch in range(4):
        sampler.set_epoch(epoch)
        draws = iter(sampler)
        for _ in range(3 if epoch in {1, 2} else len(sampler)):
            next(draws)
    (warning,) = recwarn
    assert "of epoch 1 only 3 of" in str(warning.message)


def test_an_epoch_that_is_iterated_twice_warns_once(recwarn):
    table, matrix = case(1, 100)
    sampler = DRCDownSampler(ManifestDataset(table), features_fn=lambda: matrix)
    first = list(sampler)
    assert not recwarn
    assert list(sampler) == first
    list(sampler)
    (warning,) = recwarn
    assert "epoch 0 is iterated again, with the same rows in the same order: call set_epoch(epoch)" in str(
        warning.message
    )


def test_a_loader_has_the_length_of_the_epoch(image_folder):
    folder = image_folder("photo", 6)
    table = training_rows([f"photo{i}" for i in range(6)], [5.0] * 6)
    dataset = ManifestDataset(table, roots={}, folder=folder.parent)
    sampler = DRCDownSampler(dataset, keep_min=1)
    loader = DataLoader(dataset, batch_size=2, sampler=sampler)
    assert len(loader) == 3
    sampler.update(np.ones((6, 2), np.float32))
    assert len(loader) == 2  # 3 of 6 rows


def test_indices_mean_the_rows_of_the_dataset_also_of_one_split():
    table, matrix = case(4, 60, split=["val", "train"] * 30)
    dataset = ManifestDataset(table, split="train")
    whole, part, bare = DRCDownSampler(ManifestDataset(table)), DRCDownSampler(dataset), DRCDownSampler(dataset)
    whole.update(matrix)
    part.update(with_ids(table, matrix))
    bare.update(matrix[1::2])
    assert whole.kept_ids == part.kept_ids == bare.kept_ids
    assert [dataset.sample_ids[i] for i in part] == [table["sample_id"][i].as_py() for i in whole]


def faulty():
    _, matrix = case(5, 30)
    ids = tuple(names(30))
    nan = matrix.copy()
    nan[7] = np.nan
    return {
        "too few": (matrix[:29], "29 rows, but the dataset's rows are 30"),
        "unknown ids": (Features(matrix, (*ids[:29], "x"), None, "f", {}), "no features for 1 .* 's0029'"),
        "superfluous": (Features(np.vstack([matrix, matrix[:1]]), (*ids, "x"), None, "f", {}), "'x'"),
        "NaN": (nan, "'s0007'"),
    }


@pytest.mark.parametrize("fault", faulty())
def test_features_that_do_not_fit_change_nothing(fault):
    features, message = faulty()[fault]
    table, matrix = case(5, 30)
    sampler = DRCDownSampler(ManifestDataset(table))
    sampler.update(matrix, epoch=1)
    before = list(sampler)
    with pytest.raises(CurateError, match=message):
        sampler.update(features, epoch=2)
    assert (sampler.epoch, list(sampler)) == (1, before)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"similarity": 2.0}, "similarity is 2.0"),
        ({"num_replicas": 2, "rank": 2}, "rank 2 of num_replicas 2"),
        ({"num_replicas": 0}, "rank 0 of num_replicas 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(choice, message):
    with pytest.raises(CurateError, match=message):
        DRCDownSampler(ManifestDataset(case(6, 30)[0]), **choice)


def test_rows_that_cannot_be_sampled_are_refused():
    unlabeled = training_rows(names(3), [0] * 3, label=pa.array([1.0, None, 2.0], pa.float32()))
    for choice in ((ManifestDataset(unlabeled), None), (unlabeled, names(3))):
        with pytest.raises(CurateError, match=r"no label.*'s0001'"):
            DRCDownSampler(choice[0], sample_ids=choice[1])
    with pytest.raises(CurateError, match="no row with status ok and split train"):
        DRCDownSampler(ManifestDataset(training_rows(names(3), [0] * 3, split="val")))
    with pytest.raises(CurateError, match="epoch is -1"):
        DRCDownSampler(ManifestDataset(case(6, 30)[0])).set_epoch(-1)


def resumed(table, state, **choice) -> DRCDownSampler:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    sampler = DRCDownSampler(ManifestDataset(table), **choice)
    sampler.load_state_dict(torch.load(file, weights_only=True))
    return sampler


def test_a_resumed_sampler_draws_what_the_first_would_have_drawn():
    table, matrix = case(7, 120)
    first = DRCDownSampler(ManifestDataset(table), seed=9)
    first.update(matrix, epoch=3)
    second = resumed(table, first.state_dict(), seed=9)
    assert (second.epoch, second.kept_ids, list(second), second.summary) == (
        3,
        first.kept_ids,
        list(first),
        first.summary,
    )
    for sampler in (first, second):
        sampler.set_epoch(4)
    assert list(first) == list(second)


def test_a_resumed_sampler_asks_for_features_of_the_next_epoch_only():
    table, matrix = case(8, 120)
    first = DRCDownSampler(ManifestDataset(table), features_fn=lambda: matrix)
    first.set_epoch(2)
    asked = []
    second = resumed(table, first.state_dict(), features_fn=lambda: asked.append(1) or matrix)
    second.set_epoch(2)
    assert (list(second), asked) == (list(first), [])
    second.set_epoch(3)
    assert asked == [1]


def test_a_state_from_before_any_features_resumes_so():
    table, matrix = case(8, 60)
    state = DRCDownSampler(ManifestDataset(table)).state_dict()
    sampler = DRCDownSampler(ManifestDataset(table))
    sampler.update(matrix, epoch=2)
    sampler.load_state_dict(state)
    assert (len(sampler), sampler.epoch, sampler.summary) == (60, 0, None)


def test_a_state_of_other_rows_or_settings_is_refused():
    table, matrix = case(9, 60)
    sampler = DRCDownSampler(ManifestDataset(table))
    sampler.update(matrix)
    state = sampler.state_dict()
    with pytest.raises(CurateError, match=r"keep_fraction = 0.5, this one has 0.4"):
        DRCDownSampler(ManifestDataset(table), keep_fraction=0.4).load_state_dict(state)
    with pytest.raises(CurateError, match="other rows"):
        DRCDownSampler(ManifestDataset(table.slice(1))).load_state_dict(state)
    with pytest.raises(CurateError, match="version 7"):
        sampler.load_state_dict({**state, "version": 7})


def _run_rank(rank: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1")
    store = torch.distributed.FileStore(f"{folder}/store", 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    table, matrix = case(10, 91)
    sampler = DRCDownSampler(ManifestDataset(table))
    # Rank 1 sees other features, as a device with other rounding would: it must follow rank 0 all the same.
    sampler.update(matrix if rank == 0 else np.roll(matrix, 7, axis=0), epoch=1)
    message = ""
    try:
        sampler.update(matrix[:3] if rank == 0 else matrix, epoch=2)
    except CurateError as error:
        message = str(error)
    facts = {"kept": sampler.kept_ids, "indices": list(sampler), "length": len(sampler), "message": message}
    with open(f"{folder}/{rank}.json", "w") as file:
        json.dump(facts, file)
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_keep_the_same_rows_and_share_them(tmp_path):
    torch.multiprocessing.spawn(_run_rank, args=(str(tmp_path),), nprocs=2)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    table, matrix = case(10, 91)
    kept = downsample_epoch(matrix, table, epoch=1).kept["sample_id"].to_pylist()
    assert first["kept"] == second["kept"] == kept
    assert first["length"] == second["length"] == -(-len(kept) // 2)
    assert {names(91)[i] for i in first["indices"] + second["indices"]} == set(kept)
    assert len(set(first["indices"]) & set(second["indices"])) <= len(kept) % 2
    assert first["message"] == second["message"] != ""
