"""Features of a model under training."""

import numpy as np
import pytest
import torch
import torch.multiprocessing
from syndr_curate import CurateError, DRCDownSampler, ManifestDataset, collect_features
from syndr_curate.curate.manifest.schema import build_table
from torch import nn


class Small(nn.Module):
    """The mean color, normalized, dropped out, and a head of two layers."""

    def __init__(self):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)
        self.hidden = nn.Linear(3, 4)
        self.head = nn.Linear(4, 1)

    def forward(self, images):
        return self.head(self.hidden(self.drop(self.norm(self.pool(images / 255).flatten(1)))))


@pytest.fixture(scope="module")
def dataset(image_folder):
    folder = image_folder("photo", 7)
    columns = {"sample_id": [f"photo{i}" for i in range(7)], "image_path": [f"photo{i}.png" for i in range(7)]}
    table = build_table({**columns, "image_root": "photos", "split": "train", "status": "ok", "label": 5.0}, 7)
    from syndr_curate.curate.manifest.provenance import attach

    return ManifestDataset(attach(table, {"roots": {"photos": str(folder)}}))


def by_hand(model, dataset, part):
    model.eval()
    with torch.no_grad():
        found = torch.stack([part(sample.image[None].float())[0].flatten() for sample in dataset])
    model.train()
    return found.numpy()


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Small().train()


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 0), (3, 0), (64, 0), (3, 2)])
def test_by_default_it_is_what_goes_into_the_last_linear(model, dataset, batch_size, workers):
    found = collect_features(nn.Sequential(Floats(), model), dataset, batch_size=batch_size, num_workers=workers)
    expected = by_hand(model, dataset, lambda x: model.hidden(model.norm(model.pool(x / 255).flatten(1))))
    assert found.ids == tuple(dataset.sample_ids)
    assert found.matrix.dtype == np.float32
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-5, atol=1e-6)


class Floats(nn.Module):
    def forward(self, images):
        return images.float()


def test_a_layer_is_a_name_a_module_or_a_callable(model, dataset):
    whole = nn.Sequential(Floats(), model)
    pooled = by_hand(model, dataset, lambda x: model.pool(x / 255))
    for layer in ("1.pool", model.pool, lambda images: model.pool(images.float() / 255)):
        np.testing.assert_allclose(collect_features(whole, dataset, layer=layer).matrix, pooled, rtol=1e-6)


def test_the_models_state_and_the_random_state_are_afterwards_what_they_were(model, dataset):
    model.norm.eval()  # held on purpose
    statistics = model.norm.running_mean.clone()
    whole = nn.Sequential(Floats(), model)
    state = torch.get_rng_state()
    collect_features(whole, dataset)
    assert [module.training for module in (whole, model, model.drop, model.norm)] == [True, True, True, False]
    assert torch.equal(model.norm.running_mean, statistics)
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.head._forward_pre_hooks
    with pytest.raises(CurateError, match="no module 'nowhere'; its last ones are"):
        collect_features(whole, dataset, layer="nowhere")
    with pytest.raises(RuntimeError):
        collect_features(model.hidden, dataset)  # fails inside the pass
    assert model.training
    assert model.hidden.training
    assert not model.hidden._forward_pre_hooks


def test_no_vector_per_image_is_an_error(model, dataset):
    with pytest.raises(CurateError, match=r"expected one vector each"):
        collect_features(model, dataset, layer=lambda images: images.float().mean(dim=(0, 2, 3))[None])
    with pytest.raises(CurateError, match=r"no nn\.Linear"):
        collect_features(nn.Sequential(Floats(), model.pool), dataset)
    square = nn.Linear(3, 3)
    twice = nn.Sequential(Floats(), model.pool, nn.Flatten(), square, square)
    with pytest.raises(CurateError, match="called 2 times"):
        collect_features(twice, dataset, layer="3")


def test_the_default_layer_of_torchvisions_models_is_the_input_of_the_head(dataset):
    import torchvision

    widths = {"resnet18": 512, "mobilenet_v3_small": 1024, "squeezenet1_1": None}
    resize = torchvision.transforms.Compose(
        [torchvision.transforms.Resize((64, 64)), torchvision.transforms.ToTensor()]
    )
    for name, width in widths.items():
        network = torchvision.models.get_model(name)
        if width is None:
            with pytest.raises(CurateError, match=r"no nn\.Linear"):
                collect_features(network, dataset.with_transform(resize))
        else:
            assert collect_features(network, dataset.with_transform(resize)).matrix.shape == (7, width)


def test_what_is_collected_is_what_the_sampler_takes(model, dataset):
    sampler = DRCDownSampler(
        dataset, keep_min=1, features_fn=lambda: collect_features(nn.Sequential(Floats(), model), dataset)
    )
    sampler.set_epoch(0)
    assert sampler.summary["rows_in"] == 7
    assert sampler.state_dict()["clusters"].shape == (7,)


def _collect_on_a_rank(rank: int, folder: str, dataset: ManifestDataset) -> None:
    store = torch.distributed.FileStore(f"{folder}/store", 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    torch.manual_seed(0)
    found = collect_features(nn.Sequential(Floats(), Small()), dataset, batch_size=2, split_over_ranks=True)
    np.savez(f"{folder}/{rank}.npz", matrix=found.matrix, ids=np.array(found.ids))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_ranks_share_the_work_and_all_get_all_features(dataset, model, tmp_path):
    torch.multiprocessing.spawn(_collect_on_a_rank, args=(str(tmp_path), dataset), nprocs=2)
    whole = collect_features(nn.Sequential(Floats(), model), dataset)
    for rank in range(2):
        with np.load(tmp_path / f"{rank}.npz") as found:
            assert found["ids"].tolist() == list(whole.ids)
            np.testing.assert_allclose(found["matrix"], whole.matrix, rtol=1e-5, atol=1e-6)
