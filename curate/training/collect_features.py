"""Features of a model under training: what DRCDown clusters, taken with their ids."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.distributed
from numpy.typing import NDArray
from torch import nn

from ..datasets.features import Features
from ..errors import CurateError
from ..whole_numbers import whole_number
from .distributed import replicas_and_rank
from .manifest_dataset import ManifestDataset, Sample

Layer = str | nn.Module | Callable[[torch.Tensor], torch.Tensor] | None
_Run = Callable[[torch.Tensor], torch.Tensor]


def collect_features(
    model: nn.Module,
    dataset: ManifestDataset,
    *,
    layer: Layer = None,
    device: torch.device | str | None = None,
    batch_size: int = 64,
    num_workers: int = 0,
    split_over_ranks: bool = False,
) -> Features:
    """Run a model over every row of a dataset, in eval mode and without gradients, and keep its penultimate features.

    Each module's training state is afterwards what it was; so is torch's random state, as long as the dataset's
    transform draws nothing. Give a dataset with the transform of evaluation (`dataset.with_transform(...)`).

    Args:
        model: Any module that takes a batch of images.
        dataset: The unfiltered rows.
        layer: Where features are taken. By default what goes *into* the model's last `nn.Linear`, in the order of
            `model.named_modules()`: for torchvision's ResNet, VGG, ViT, Swin, ConvNeXt, ... the input of the head. A
            module, or its name, means what comes *out* of it; any other callable is called with the batch in place of
            the model. Beyond the first axis everything is flattened.
        device: Where images are sent, by default to where the model's first parameter is. The model is not moved.
        batch_size: Images per call.
        num_workers: `DataLoader` workers.
        split_over_ranks: With `torch.distributed` running: each rank takes its share of the rows, and all get all
            features. To be called on every rank.

    Returns:
        float32 (N, D), with the sample ids: what `DRCDownSampler.update` and `save_features` take.

    Raises:
        CurateError: The model has no such layer, or the layer does not give one vector per image.
    """
    batch_size = whole_number("batch_size", batch_size, least=1)
    num_workers = whole_number("num_workers", num_workers, least=0)
    where = device if device is not None else next((p.device for p in model.parameters()), torch.device("cpu"))
    world, rank = replicas_and_rank() if split_over_ranks else (1, 0)
    loader = torch.utils.data.DataLoader(
        torch.utils.data.Subset(dataset, range(rank, len(dataset), world)),
        batch_size=batch_size,
        num_workers=num_workers,
        # A loader draws a seed for its workers: from a generator of its own, not from the training loop's.
        generator=torch.Generator(),
    )
    parts: list[NDArray[np.float32]] = []
    ids: list[str] = []
    with _evaluating(model), torch.no_grad(), _penultimate(model, layer) as run:
        for batch in loader:
            sample = Sample(*batch)
            found = run(sample.image.to(where))
            if found.shape[0] != len(sample.sample_id):
                raise CurateError(
                    f"the layer gave {tuple(found.shape)} for {len(sample.sample_id)} images; expected one vector "
                    "each: name another layer, or give a callable"
                )
            parts.append(found.reshape(len(sample.sample_id), -1).float().cpu().numpy())
            ids += sample.sample_id
    matrix = np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
    if world > 1:
        matrix, ids = _from_all_ranks(matrix, ids, world)
    return Features(matrix, tuple(ids), tuple(ids), "the collected features", {})


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    # Module by module: a loop may hold some layers, such as batch norms, in eval mode on purpose.
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


@contextlib.contextmanager
def _penultimate(model: nn.Module, layer: Layer) -> Iterator[_Run]:
    if callable(layer) and not isinstance(layer, nn.Module):
        yield layer
        return
    caught: list[torch.Tensor] = []
    if layer is None:
        hook = _last_linear(model).register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    else:
        module = _named(model, layer) if isinstance(layer, str) else layer
        hook = module.register_forward_hook(lambda _, __, output: caught.append(output))

    def run(images: torch.Tensor) -> torch.Tensor:
        caught.clear()
        model(images)
        if len(caught) != 1 or not isinstance(caught[0], torch.Tensor):
            raise CurateError(
                f"the layer was called {len(caught)} times in one pass; expected once, with a tensor: name another "
                "layer, or give a callable"
            )
        return caught[0]

    try:
        yield run
    finally:
        hook.remove()


def _last_linear(model: nn.Module) -> nn.Module:
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linears:
        raise CurateError("the model has no nn.Linear whose input could be taken: name a layer, or give a callable")
    return linears[-1]


def _named(model: nn.Module, name: str) -> nn.Module:
    modules: dict[str, nn.Module] = dict(model.named_modules())
    # DistributedDataParallel and its like put `module.` before every name.
    found = modules.get(name) or modules.get(f"module.{name}")
    if found is None or not name:
        last = ", ".join(list(modules)[-5:])
        raise CurateError(f"the model has no module {name!r}; its last ones are {last}")
    return found


def _from_all_ranks(matrix: NDArray[np.float32], ids: list[str], world: int) -> tuple[NDArray[np.float32], list[str]]:
    shares: list[Any] = [None] * world
    torch.distributed.all_gather_object(shares, (matrix, ids))
    whole = [share for share in shares if len(share[1])]
    total = sum(len(share[1]) for share in whole)
    joined = np.empty((total, whole[0][0].shape[1]), np.float32)
    names = [""] * total
    for rank, (part, part_ids) in enumerate(shares):
        if len(part_ids):
            joined[rank::world] = part
            names[rank::world] = part_ids
    return joined, names
