"""A small convolutional network that rates pictures, and its training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .settings import Size

# Chosen by the held-out contents of one baseline (never by the targets, nor by another arm), as was `seen`.
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 1e-4
FEATURES = 64
SILENCE = 1e-5
CHANNELS = 4  # of what the network sees
_NEIGHBORHOOD, _DETAIL_GAIN = 5, 2
_EVALUATED_AT_ONCE = 256

# Given an epoch's number and a function that computes the features of all rows: the rows to train on.
EpochRows = Callable[[int, Callable[[], NDArray[np.float32]]], NDArray[np.int64]]


@dataclass(frozen=True)
class Trained:
    """A trained network, the steps it took, and its mean loss over the last quarter of them."""

    network: Rater
    steps: int
    epochs: int
    last_loss: float


class Rater(nn.Module):
    """Strided convolutions, their mean and spread over the picture, and a head of one hidden layer."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        """Make the layers, with as many channels as `widths` says."""
        super().__init__()
        layers: list[nn.Module] = []
        before = CHANNELS
        for number, width in enumerate(widths):
            kernel = 5 if number == 0 else 3
            layers += [nn.Conv2d(before, width, kernel, 2, kernel // 2, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        self.body = nn.Sequential(*layers)
        self.neck = nn.Sequential(nn.Linear(2 * before, FEATURES), nn.ReLU())
        self.head = nn.Linear(FEATURES, 1)

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the penultimate features, (B, 64), of pictures (B, 4, S, S)."""
        maps = self.body(pictures).flatten(2)
        # A channel that is silent everywhere has a spread of 0, whose root has no slope.
        spread = (maps.var(2, unbiased=False) + SILENCE).sqrt()
        return self.neck(torch.cat([maps.mean(2), spread], 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return quality / 10, (B,)."""
        return self.head(self.features(pictures)).squeeze(1)


def seen(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what the network sees of pictures: the detail of each color, and lightness.

    A network from scratch learns from a few thousand pictures twice as well when it need not find out first that
    quality is in the detail.

    Args:
        images: uint8 (N, F, F, 3) RGB.

    Returns:
        uint8 (N, F, F, 4): 128 and twice each color's difference from the mean of its 5 x 5 neighborhood; and gray.
    """
    result = np.empty((*images.shape[:3], CHANNELS), np.uint8)
    for picture, shown in zip(images, result, strict=True):
        around = cv2.blur(picture, (_NEIGHBORHOOD, _NEIGHBORHOOD), borderType=cv2.BORDER_REFLECT)
        shown[..., :3] = np.clip((picture.astype(np.int16) - around) * _DETAIL_GAIN + 128, 0, 255)
        shown[..., 3] = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return result


def train(
    images: NDArray[np.uint8], labels: NDArray[np.float32], size: Size, seed: int, device: str, choose_rows: EpochRows
) -> Trained:
    """Train a network from scratch, for as many steps as `size` says whatever the number of rows.

    Args:
        images: uint8 (N, F, F, 4), as `seen` gives them.
        labels: N, on [0, 10].
        size: Crop, widths, batch; the number of steps is that of `epochs` passes over the baseline's set.
        seed: Fixes the first weights, the order and the crops: the same for all arms.
        device: `cpu` or `cuda`.
        choose_rows: Names the rows of each epoch.
    """
    torch.manual_seed(seed)
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    network = Rater(size.widths).to(device=device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps = size.epochs * baseline_steps(size)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    done, epoch, losses = 0, 0, []
    while done < steps:
        rows = choose_rows(epoch, lambda: penultimate(network, images, size.crop, device))
        for batch in _batches(rng.permutation(rows), size.batch):
            network.train()
            pictures = _augmented(images[batch], size.crop, rng, device)
            wanted = torch.from_numpy(labels[batch] / np.float32(10)).to(device)
            loss = (network(pictures) - wanted).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            done += 1
            if done == steps:
                break
        epoch += 1
    return Trained(network, done, epoch, 10 * float(np.mean(losses[-max(1, steps // 4) :])))


def baseline_steps(size: Size) -> int:
    """Return the steps of one pass over the labeled set."""
    from .pictures import CONDITIONS

    return max(1, size.labelled * len(CONDITIONS) // size.batch)


def rate(network: Rater, images: NDArray[np.uint8], crop: int, device: str) -> NDArray[np.float64]:
    """Return the predicted quality of pictures (N, F, F, 4), on [0, 10]: the mean with the mirror image."""
    network.eval()
    with torch.no_grad():
        parts = [(network(x) + network(x.flip(3))) / 2 for x in _centers(images, crop, device)]
    return 10 * torch.cat(parts).double().cpu().numpy()


def penultimate(network: Rater, images: NDArray[np.uint8], crop: int, device: str) -> NDArray[np.float32]:
    """Return the penultimate features, (N, 64), of pictures (N, F, F, 4), in eval mode."""
    network.eval()
    with torch.no_grad():
        parts = [network.features(x) for x in _centers(images, crop, device)]
    return torch.cat(parts).cpu().numpy()


def _centers(images: NDArray[np.uint8], crop: int, device: str) -> Iterator[torch.Tensor]:
    edge = (images.shape[1] - crop) // 2
    for start in range(0, len(images), _EVALUATED_AT_ONCE):
        part = images[start : start + _EVALUATED_AT_ONCE, edge : edge + crop, edge : edge + crop]
        yield _tensor(part, device)


def _augmented(images: NDArray[np.uint8], crop: int, rng: np.random.Generator, device: str) -> torch.Tensor:
    top, left = rng.integers(0, images.shape[1] - crop + 1, 2)
    cut = images[:, top : top + crop, left : left + crop]
    mirrored = rng.random(len(cut)) < 0.5
    return _tensor(np.where(mirrored[:, None, None, None], cut[:, :, ::-1], cut), device)


def _tensor(images: NDArray[np.uint8], device: str) -> torch.Tensor:
    # A transposed view of (B, S, S, 4) is channels_last already.
    pictures = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2)
    return pictures.float().sub_(128.0).div_(48.0)


def _batches(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Cut rows into batches; a last, smaller one is left out, since batch normalization would suffer."""
    for start in range(0, max(1, len(rows) - size + 1), size):
        yield rows[start : start + size]
