"""The sampler under Lightning's own epoch hooks: two epochs, a stop, a resume."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from syndr_curate import DRCDownSampler, ManifestDataset, collect_features, downsample, read_manifest
from syndr_curate.curate.manifest.manifest import write_manifest
from syndr_curate.curate.rendering.distort import run_distort
from torch.utils.data import DataLoader

lightning = pytest.importorskip("lightning.pytorch", reason="lightning is not installed (make interop)")
# With these, a few rows move from one cluster to another as the model learns: epochs differ in length.
THRESHOLDS = {"keep_min": 1, "keep_fraction": 0.1, "similarity": 0.9999, "label_gap": 0.3}


class Trainee(lightning.LightningModule):
    """A linear model of a small picture; it writes down which rows it was given."""

    def __init__(self, dataset, features_of=collect_features):
        super().__init__()
        self.body = torch.nn.Linear(3, 8)
        self.head = torch.nn.Linear(8, 1)
        self.dataset = dataset
        self.sampler = DRCDownSampler(dataset, **THRESHOLDS, features_fn=lambda: features_of(self, dataset))
        self.kept: dict[int, list[str]] = {}
        self.given: dict[int, list[str]] = {}
        self.features = {}

    def forward(self, images):
        return self.head(self.body(images.float().mean(dim=(2, 3)) / 255))

    def training_step(self, batch, _):
        self.given.setdefault(self.current_epoch, []).extend(batch.sample_id)
        return (self(batch.image).squeeze(1) - batch.label).abs().mean()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.1)

    def train_dataloader(self):
        self.sampler.set_epoch(self.current_epoch)
        self.kept[self.current_epoch] = self.sampler.kept_ids
        return DataLoader(self.dataset, batch_size=5, sampler=self.sampler)

    def on_train_epoch_start(self):
        assert self.sampler.epoch == self.current_epoch
        self.features[self.current_epoch] = collect_features(self, self.dataset)

    def on_save_checkpoint(self, checkpoint):
        checkpoint["drcdown"] = self.sampler.state_dict()

    def on_load_checkpoint(self, checkpoint):
        self.sampler.load_state_dict(checkpoint["drcdown"])


@pytest.fixture(scope="module")
def manifest(image_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lightning")
    run_distort(image_folder("photo", 2, height=16, width=16), folder, types=(7, 11, 12, 16), levels=(1, 2, 3, 4, 5))
    table = read_manifest(folder / "manifest.parquet")
    labels = pa.array(np.linspace(4, 6, 40, dtype=np.float32))
    write_manifest(table.set_column(9, table.schema.field("label"), labels), folder / "manifest.parquet")
    return folder / "manifest.parquet"


@pytest.fixture
def fit(manifest, tmp_path):
    def run(epochs: int, checkpoint=None, **choice) -> tuple[Trainee, str]:
        torch.manual_seed(0)
        model = Trainee(ManifestDataset(manifest, split="train"), **choice)
        trainer = lightning.Trainer(
            max_epochs=epochs,
            reload_dataloaders_every_n_epochs=1,
            use_distributed_sampler=False,
            accelerator="cpu",
            default_root_dir=tmp_path,
            **{"logger": False, "enable_progress_bar": False, "enable_model_summary": False},
        )
        trainer.fit(model, ckpt_path=checkpoint)
        path = tmp_path / f"after{epochs}.ckpt"
        trainer.save_checkpoint(path)
        return model, str(path)

    return run


@pytest.mark.filterwarnings("ignore")
def test_lightning_trains_stops_and_resumes_with_the_same_kept_sets(fit, manifest):
    straight, _ = fit(4)
    first, checkpoint = fit(2)
    second, _ = fit(4, checkpoint)
    assert set(straight.given) == {0, 1, 2, 3}
    assert set(first.given) == {0, 1}
    assert set(second.given) == {2, 3}
    for epoch in range(4):
        part = first if epoch < 2 else second
        assert part.kept[epoch] == straight.kept[epoch]
        assert part.given[epoch] == straight.given[epoch]
        # every kept row once, none cut off by a length from an earlier epoch
        assert sorted(part.given[epoch]) == sorted(part.kept[epoch])
        # and what Lightning trained on is what the command line would have kept for these features
        kept = downsample(part.features[epoch], manifest, epoch=epoch, **THRESHOLDS)
        assert part.kept[epoch] == kept["sample_id"].to_pylist()
    assert len({len(kept) for kept in straight.kept.values()}) > 1
    for name, value in straight.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])


@pytest.mark.filterwarnings("ignore")
def test_an_epoch_longer_than_the_one_before_is_not_cut_short(fit):
    def all_alike_and_all_different_by_turns(model, dataset):
        rows = len(dataset)
        return np.ones((rows, 2), np.float32) if model.current_epoch % 2 == 0 else np.eye(rows, dtype=np.float32)

    model, _ = fit(4, features_of=all_alike_and_all_different_by_turns)
    lengths = [len(model.given[epoch]) for epoch in range(4)]
    assert lengths == [len(model.kept[epoch]) for epoch in range(4)]
    assert lengths[1] == lengths[3] == 40 > lengths[0]


def test_a_length_taken_too_early_warns(fit, monkeypatch, recwarn):
    def without_set_epoch(self):
        return DataLoader(self.dataset, batch_size=5, sampler=self.sampler)

    def more_and_more(model, dataset):
        rows = len(dataset)
        return np.ones((rows, 2), np.float32) if model.current_epoch == 0 else np.eye(rows, dtype=np.float32)

    monkeypatch.setattr(Trainee, "train_dataloader", without_set_epoch)
    model, _ = fit(3, features_of=more_and_more)
    assert len(model.given[1]) < 40  # what this test is about
    assert any("call set_epoch in train_dataloader" in str(warning.message) for warning in recwarn)
