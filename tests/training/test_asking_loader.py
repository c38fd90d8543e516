"""A sampler whose indices would mean other rows, or be split twice, refuses to give any."""

import numpy as np
import pytest
import torch
from syndr_curate import CurateError, DRCDownSampler, ManifestDataset
from syndr_curate.curate.manifest.manifest import write_manifest
from torch.utils.data import BatchSampler, DataLoader, Dataset, DistributedSampler, Subset

from ..making import training_rows

IDS = [f"s{number}" for number in range(6)]


@pytest.fixture
def table():
    return training_rows(IDS, [5.0] * 6, split=["val", "train"] * 3)


class OwnPictures(Dataset):
    """A dataset that is not ours: the picture of row i is the number i."""

    def __init__(self, ids):
        self.ids = ids

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        return self.ids[index]


def drawn(sampler, dataset):
    sampler.update(np.eye(len(sampler.sample_ids), dtype=np.float32))
    return [i for batch in DataLoader(dataset, batch_size=2, sampler=sampler, collate_fn=list) for i in batch]


def test_a_manifest_alone_does_not_say_what_an_index_means(table, tmp_path):
    write_manifest(table, tmp_path / "m.parquet")
    for manifest in (table, tmp_path / "m.parquet", str(tmp_path / "m.parquet")):
        with pytest.raises(
            CurateError, match=r"does not say which of its rows index i .* give DRCDownSampler the Mani"
        ):
            DRCDownSampler(manifest)


def test_ids_say_what_the_indices_of_an_own_dataset_mean(table, tmp_path):
    write_manifest(table, tmp_path / "m.parquet")
    own = ["s5", "s0", "s3", "s1"]
    for manifest in (table, tmp_path / "m.parquet"):
        sampler = DRCDownSampler(manifest, sample_ids=own)
        assert sorted(drawn(sampler, OwnPictures(own))) == ["s1", "s3", "s5"]  # s0 is of split val
        assert sampler.kept_ids == ["s5", "s3", "s1"]


def test_ids_that_the_manifest_has_not_are_refused(table):
    with pytest.raises(CurateError, match=r"1 of sample_ids are no row of the manifest .*'s9'"):
        DRCDownSampler(table, sample_ids=["s1", "s9"])
    with pytest.raises(CurateError, match="1 of sample_ids are given more than once: 's1'"):
        DRCDownSampler(table, sample_ids=["s1", "s3", "s1"])
    with pytest.raises(CurateError, match="a ManifestDataset says itself"):
        DRCDownSampler(ManifestDataset(table), sample_ids=IDS)


def test_a_loader_over_another_dataset_is_refused(table):
    whole, part = ManifestDataset(table), ManifestDataset(table, split="train")
    with pytest.raises(
        CurateError, match="dataset has 3 rows, beginning with 's1'; the sampler's indices mean 6 others"
    ):
        drawn(DRCDownSampler(whole), part)
    with pytest.raises(
        CurateError, match="dataset has 6 rows, beginning with 's0'; the sampler's indices mean 3 others"
    ):
        drawn(DRCDownSampler(part), whole)
    with pytest.raises(CurateError, match="dataset has 2 items, but the sampler's indices mean 6 rows"):
        drawn(DRCDownSampler(whole), Subset(whole, [1, 3]))
    with pytest.raises(CurateError, match="dataset has 6 items, but the sampler's indices mean 3 rows"):
        drawn(DRCDownSampler(table, sample_ids=IDS[:3]), OwnPictures(IDS))


def test_a_dataset_with_another_transform_is_the_same_dataset(image_folder):
    folder = image_folder("photo", 2)
    dataset = ManifestDataset(training_rows(["photo0", "photo1"], [5.0] * 2), roots={"images": folder})
    twin = dataset.with_transform(lambda image: torch.tensor(image.size[0]))
    assert len(drawn(DRCDownSampler(dataset), twin)) == 2


class _OverTheSampler(DistributedSampler):
    """As Lightning wraps a sampler in distributed training."""

    def __init__(self, sampler, replicas):
        super().__init__(sampler, num_replicas=replicas, rank=0, shuffle=False)

    def __iter__(self):
        return iter(list(self.dataset)[self.rank :: self.num_replicas])


class BatchSamplerShard:
    """As accelerate's: every second batch."""

    def __init__(self, batches, num_processes):
        self.batches, self.num_processes = batches, num_processes

    def __iter__(self):
        for number, batch in enumerate(self.batches):
            if number % self.num_processes == 0:
                yield batch


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_that_splits_the_indices_again_is_refused(table, workers):
    dataset = OwnPictures(IDS)
    for replicas, refused in ((1, False), (2, True)):
        sampler = DRCDownSampler(table, sample_ids=IDS, num_replicas=replicas, rank=0)
        sampler.update(np.eye(6, dtype=np.float32))
        for kind, advice, options in (
            ("OverTheSampler", "use_distributed_sampler=False", {"sampler": _OverTheSampler(sampler, replicas)}),
            (
                "BatchSamplerShard",
                r"leave the loader out of accelerator.prepare",
                {"batch_sampler": BatchSamplerShard(BatchSampler(sampler, 1, drop_last=False), replicas)},
            ),
        ):
            loader = DataLoader(dataset, num_workers=workers, **options)
            if refused:
                with pytest.raises(CurateError, match=f"{kind} splits the sampler's indices a second time.*{advice}"):
                    list(loader)
            else:
                assert len(list(loader)) == 3
