"""Patches of a manifest's images, cut where (seed, epoch, sample id) says: never where a worker or an order does."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from backbones import IMAGENET, Normalization
from PIL import Image
from syndr_curate import CurateError, ManifestDataset
from torch.utils.data import Dataset


@dataclass(frozen=True)
class Cut:
    """How patches are cut.

    Attributes:
        size: Side of a patch, in pixels.
        count: Patches per image.
        place: `random`: anywhere, mirrored half of the time. `fixed`: not mirrored, the same in every epoch.
        short_side: Shrink larger images first until their shorter side is this long; 0 leaves them alone.
        seed: The run's seed.
        normalization: What the network was trained with.
    """

    size: int
    count: int = 1
    place: str = "random"
    short_side: int = 0
    seed: int = 123
    normalization: Normalization = IMAGENET


class Item(NamedTuple):
    """What a batch holds: patches (B, count, 3, size, size) float32, labels (B,), sample ids."""

    patches: torch.Tensor
    label: torch.Tensor
    sample_id: str


class Patches(Dataset):
    """The rows of a `ManifestDataset`, each as `count` patches."""

    def __init__(self, pictures: ManifestDataset, cut: Cut) -> None:
        self.pictures, self.cut = pictures.with_transform(np.asarray), cut
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Item:
        image, label, _, sample_id = self.pictures[index]
        patches = self._patches(shrunk(image, self.cut.short_side), sample_id)
        return Item(torch.stack([normalized(patch, self.cut.normalization) for patch in patches]), label, sample_id)

    def _patches(self, image: np.ndarray, sample_id: str) -> list[np.ndarray]:
        (height, width), size = image.shape[:2], self.cut.size
        if min(height, width) < size:
            raise CurateError(f"{sample_id} is {width}x{height}, smaller than a patch of {size}")
        rng = stream(self.cut.seed, self.epoch if self.cut.place == "random" else 0, sample_id)
        patches = []
        for _ in range(self.cut.count):
            top, left = rng.integers(height - size + 1), rng.integers(width - size + 1)
            patch = image[top : top + size, left : left + size]
            patches.append(patch[:, ::-1] if self.cut.place == "random" and rng.random() < 0.5 else patch)
        return patches


def normalized(patch: np.ndarray, normalization: Normalization) -> torch.Tensor:
    """Return a patch (H, W, 3) uint8 as a network expects it: (3, H, W) float32."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (normalization.mean, normalization.std))
    return torch.from_numpy(patch.copy()).permute(2, 0, 1).float().div(255).sub(mean).div(std)


def shrunk(image: np.ndarray, short_side: int) -> np.ndarray:
    """Shrink an image (H, W, 3) so that its shorter side is `short_side` long; smaller ones and 0 leave it alone."""
    height, width = image.shape[:2]
    factor = short_side / min(height, width)
    if not 0 < factor < 1:
        return image
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


class CenterPatch:
    """A transform for features: the center of a picture, normalized."""

    def __init__(self, size: int, normalization: Normalization = IMAGENET) -> None:
        self.size, self.normalization = size, normalization

    def __call__(self, picture: Image.Image) -> torch.Tensor:
        left, top = (picture.width - self.size) // 2, (picture.height - self.size) // 2
        if min(left, top) < 0:
            raise CurateError(f"a picture of {picture.width}x{picture.height} is smaller than a patch of {self.size}")
        center = picture.crop((left, top, left + self.size, top + self.size))
        return normalized(np.asarray(center), self.normalization)


def stream(seed: int, epoch: int, name: str) -> np.random.Generator:
    """Return the random numbers that belong to a name in an epoch."""
    digest = hashlib.sha256(f"{seed}|{epoch}|{name}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
