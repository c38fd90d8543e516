"""EfficientNet-Lite0 trained end to end on crops, for a few arms: the larger mode, for a GPU. It reads no score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import timm
import torch
from numpy.typing import NDArray
from syndr_curate import read_manifest
from syndr_curate.curate.encoding.lite0_names import LITE0_ARCHITECTURE, timm_names
from syndr_curate.curate.encoding.weights import load_state, packaged_lite0
from syndr_curate.curate.manifest.roots import Roots
from syndr_curate.curate.manifest.seeds import context_seed
from syndr_curate.curate.rendering.mix_recipes import pixel_rows
from syndr_curate.curate.rendering.pixel_loader import PixelLoader
from syndr_curate.curate.storage.atomic import atomic_path
from torch import nn

from ..shared.networks import one_thread
from ..shared.work import Task
from .arms import ALL, BID, KEPT, SELECTED, Arm, read_arms
from .pictures import CANDIDATES
from .renderings import manifest_path
from .settings import SEED, Run
from .target import TARGET, pictures_path
from .training_rows import read_rows

ARMS = (ALL, BID, f"{BID}-candidates", SELECTED, f"{SELECTED}-candidates")
BODY_RATE, HEAD_RATE = 5e-5, 5e-4
_SCALE = 10.0  # labels are on [0, 10], the network answers on [0, 1]


class Rater(nn.Module):
    """What timm's networks have.

    Attributes:
        classifier: The last layer, of one output.
        pretrained_cfg: Facts, among them `mean` and `std` of the colors that it reads.
    """

    classifier: nn.Linear
    pretrained_cfg: Mapping[str, Any]


@dataclass(frozen=True)
class Training:
    """How every arm is trained.

    Attributes:
        steps: The same for all arms, however many rows they have.
        batch: Crops per step.
        crop: Side of a crop, in pixels.
        seeds: Trainings per arm.
        device: `cpu` or `cuda`.
    """

    steps: int = 360
    batch: int = 32
    crop: int = 160
    seeds: int = 5
    device: str = "cpu"


def finetune_tasks(run: Run, training: Training) -> list[Task]:
    """Return what is left to train, seed by seed."""
    return [
        (_finetune, (run, arm, training, seed), {})
        for seed in range(training.seeds)
        for arm in read_arms(run)
        if arm.key in ARMS and not _path(run, arm.key, seed).is_file()
    ]


def read_finetuned(run: Run) -> dict[str, dict[int, NDArray[np.float64]]]:
    """Return the answers for the target's pictures by arm and seed, of what is done."""
    found: dict[str, dict[int, NDArray[np.float64]]] = {}
    for path in sorted(run.path("finetuned").glob("*.npy")):
        key, _, seed = path.stem.rpartition("-")
        found.setdefault(key, {})[int(seed)] = np.load(path)
    return found


def lite0() -> Rater:
    """Return EfficientNet-Lite0 with ImageNet weights and a new head of one output."""
    network = cast("Rater", timm.create_model(LITE0_ARCHITECTURE, num_classes=1))
    state = timm_names(load_state(packaged_lite0()))
    body = {name: weights for name, weights in state.items() if not name.startswith("classifier.")}
    missing, unexpected = network.load_state_dict(body, strict=False)
    if unexpected or any(not name.startswith("classifier.") for name in missing):
        raise ValueError(f"the weights do not fit {LITE0_ARCHITECTURE}: {missing} {unexpected}")
    return network


def train(network: Rater, pictures: Pictures, labels: NDArray[np.float64], training: Training, seed: int) -> None:
    """Train a network in place by the mean absolute error of crops.

    Args:
        network: Its last layer is `classifier`, of one output; the others learn more slowly.
        pictures: The rows.
        labels: One per row, on [0, 10].
        training: Steps, batch, crop and device.
        seed: Fixes the order of the rows and the crops.
    """
    rng = np.random.Generator(np.random.PCG64(context_seed("real-photos-finetune", SEED, seed)))
    head = {id(weights) for weights in network.classifier.parameters()}
    body = [weights for weights in network.parameters() if id(weights) not in head]
    groups = [{"params": body, "lr": BODY_RATE}, {"params": network.classifier.parameters(), "lr": HEAD_RATE}]
    optimizer = torch.optim.Adam(groups)
    network.to(training.device).train()
    order = np.empty(0, np.int64)
    for _ in range(training.steps):
        while len(order) < training.batch:
            order = np.concatenate([order, rng.permutation(len(labels))])
        rows, order = order[: training.batch], order[training.batch :]
        crops = np.stack([_random_crop(pictures.load(int(row)), training.crop, rng) for row in rows])
        wanted = torch.from_numpy((labels[rows] / _SCALE).astype(np.float32)).to(training.device)
        loss = (network(as_tensor(crops, network, training.device)).squeeze(1) - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def answer(network: Rater, pictures: Pictures, side: int, device: str) -> NDArray[np.float64]:
    """Return a network's answer to the center of each picture, on [0, 10]."""
    network.eval()
    found = []
    with torch.no_grad():
        for row in range(len(pictures)):
            center = _crop(pictures.load(row), side, 0.5, 0.5)
            found.append(float(network(as_tensor(center[None], network, device))))
    return _SCALE * np.array(found)


def as_tensor(images: NDArray[np.uint8], network: Rater, device: str) -> torch.Tensor:
    """Return pictures (B, H, W, 3) as the network reads them, (B, 3, H, W)."""
    facts = network.pretrained_cfg
    mean, std = (torch.tensor(facts[name], device=device).view(1, 3, 1, 1) for name in ("mean", "std"))
    pictures = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255
    return (pictures - mean) / std


class Pictures:
    """The pixels of manifest rows, rendered once and kept."""

    def __init__(self, manifests: list[tuple[Path, pa.Table]]) -> None:
        """Take rows, each with the file that its roots are relative to."""
        self._rows = []
        for path, table in manifests:
            loader = PixelLoader(Roots.of_manifest(table, path))
            self._rows += [(loader, row) for row in pixel_rows(table)]
        self.load = lru_cache(maxsize=None)(self._load)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def _load(self, row: int) -> NDArray[np.uint8]:
        loader, pixels = self._rows[row]
        return loader.load(pixels)


def _finetune(run: Run, arm: Arm, training: Training, seed: int) -> None:
    """Train an arm with a seed, and write its answers for the target."""
    rows = read_rows(run, arm)
    with one_thread() if training.device == "cpu" else torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = lite0()
        train(network, _pictures_of(run, rows.pools.tolist(), rows.sample_ids.tolist()), rows.labels, training, seed)
        path = pictures_path(run, TARGET)
        answers = answer(network, Pictures([(path, read_manifest(path))]), run.size.frame, training.device)
    with atomic_path(_path(run, arm.key, seed)) as temporary, temporary.open("wb") as file:
        np.save(file, answers)


def _pictures_of(run: Run, pools: list[str], ids: list[str]) -> Pictures:
    """Return the pixels of an arm's rows, in their order."""
    manifests = []
    for pool in dict.fromkeys(pools):
        path = manifest_path(run, CANDIDATES if pool == KEPT else pool)
        table = read_manifest(path)
        place = {identifier: row for row, identifier in enumerate(table["sample_id"].to_pylist())}
        wanted = [place[identifier] for identifier, own in zip(ids, pools, strict=True) if own == pool]
        manifests.append((path, table.take(wanted)))
    return Pictures(manifests)


def _random_crop(image: NDArray[np.uint8], side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    down, across = rng.random(2)
    crop = _crop(image, side, down, across)
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def _crop(image: NDArray[np.uint8], side: int, down: float, across: float) -> NDArray[np.uint8]:
    """Cut out a square, or as much of it as the picture has."""
    height, width = min(side, image.shape[0]), min(side, image.shape[1])
    top, left = round(down * (image.shape[0] - height)), round(across * (image.shape[1] - width))
    return np.ascontiguousarray(image[top : top + height, left : left + width])


def _path(run: Run, key: str, seed: int) -> Path:
    return run.path("finetuned", f"{key}-{seed:02d}.npy")
