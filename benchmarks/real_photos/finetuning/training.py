"""One training of a network on crops, with a way of thinning; it reads no score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from syndr_curate.curate.manifest.provenance import digest_file
from syndr_curate.curate.manifest.seeds import context_seed

from ..ridge import FeatureSums, LabelSums, fit_ridge
from ..settings import SEED
from ..thinning.epochs import Chooser
from ..thinning.length import Length, batches
from .crops import Images, crop, random_crop
from .networks import LITE0, Network, Rater, batched

HEAD_PENALTY = 1.0  # of the ridge regression that a head starts from
# By the labels of held-out references (a fifth): a correlation of 0.92 after 30 steps, 0.88 with 5e-5 and 5e-4, 0.77
# with the ridge regression alone.
BODY_RATE, HEAD_RATE = 2e-4, 2e-3
_SCALE = 10.0  # labels are on [0, 10], the network answers on [0, 1]
_ANSWERED = 16  # pictures per forward pass without gradients
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Training:
    """How every arm is trained.

    Attributes:
        network: Which.
        weights: File of its ImageNet weights; None: those of the extra `offline`.
        steps: The same for all arms, however many rows they have.
        batch: Crops per step.
        crop: Side of a crop, in pixels.
        feature_crop: Side of the centers whose features DRCDown compares.
        answer_side: Side of the centers of the target's pictures.
        seeds: Trainings per arm.
        device: `cpu` or `cuda`.
    """

    network: Network = LITE0
    weights: Path | None = None
    steps: int = 120
    batch: int = 32
    crop: int = 128
    feature_crop: int = 96
    answer_side: int = 224
    seeds: int = 3
    device: str = "cpu"

    @property
    def asked(self) -> tuple[int, ...]:
        """Steps at which a network is asked: half, three quarters, all."""
        return tuple(sorted({max(1, self.steps // 2), max(1, self.steps * 3 // 4), self.steps}))

    @property
    def name(self) -> str:
        """Of the folder of such trainings: everything that decides over an answer, but the seed."""
        weights = "offline" if self.weights is None else digest_file(self.weights)[:12]
        sides = (self.crop, self.feature_crop, self.answer_side)
        rates = (f"{number:g}" for number in (HEAD_PENALTY, BODY_RATE, HEAD_RATE))
        return "-".join(map(str, (self.network, weights, self.device, self.steps, self.batch, *sides, *rates)))


def train(
    network: Rater,
    pictures: Sequence[Images],
    labels: Vector,
    chooser: Chooser,
    training: Training,
    seed: int,
    centers: Images,
) -> Vector:
    """Train a network in place by the mean absolute error of crops.

    Its head starts as a ridge regression on the features of its ImageNet weights, and its normalization keeps the
    statistics of these weights: so the few steps are spent on what fine-tuning adds.

    Args:
        network: Its head learns faster than its body.
        pictures: N rows, each (H, W, 3).
        labels: N on [0, 10].
        chooser: The rows of each epoch, and what their errors count.
        training: Steps, batch, crops and device.
        seed: Fixes the order of the rows and the crops.
        centers: (T, side, side, 3), what the network is asked about.

    Returns:
        (asked, T) answers on [0, 10].
    """
    rng = np.random.Generator(np.random.PCG64(context_seed("real-photos-finetune", SEED, seed)))
    groups = [
        {"params": list(network.body.parameters()), "lr": BODY_RATE},
        {"params": list(network.head.parameters()), "lr": HEAD_RATE},
    ]
    optimizer = torch.optim.Adam(groups)
    network.to(training.device)
    fit_head(network, features_of(network, pictures, training.crop, training.device), labels)
    answers = []

    def features() -> NDArray[np.float32]:
        return features_of(network, pictures, training.feature_crop, training.device)

    steps = batches(Length(steps=training.steps), chooser, training.batch, rng, features)
    for done, batch in enumerate(steps, start=1):
        crops = np.stack([random_crop(pictures[row], training.crop, rng) for row in batch.rows.tolist()])
        wanted = torch.from_numpy((labels[batch.rows] / _SCALE).astype(np.float32)).to(training.device)
        weights = torch.from_numpy(batch.weights).to(training.device)
        loss = ((network(network.as_input(crops, training.device)) - wanted).abs() * weights).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if done in training.asked:
            answers.append(answer(network, centers, training.device))
    return np.stack(answers)


def fit_head(network: Rater, features: NDArray[np.float32], labels: Vector) -> None:
    """Set a network's head to the ridge regression of labels on its features.

    Args:
        network: Its head is changed in place.
        features: (N, D), what its body gives.
        labels: N on [0, 10].
    """
    rows, weights = features.astype(np.float64), np.ones(len(labels))
    fit = fit_ridge(FeatureSums.of(rows, weights), LabelSums.of(rows, labels, weights), [HEAD_PENALTY])[0]
    with torch.no_grad():
        network.head.weight.copy_(torch.from_numpy(fit.weights / _SCALE)[None])
        network.head.bias.fill_(fit.intercept / _SCALE)


def answer(network: Rater, centers: Images, device: str) -> Vector:
    """Return a network's answers to pictures (T, side, side, 3), on [0, 10]."""
    with torch.no_grad():
        found = [network(network.as_input(centers[part], device)).cpu() for part in batched(len(centers), _ANSWERED)]
    answers: Vector = _SCALE * torch.cat(found).double().numpy()
    return answers


def features_of(network: Rater, pictures: Sequence[Images], side: int, device: str) -> NDArray[np.float32]:
    """Return a network's features (N, D) of the centers of pictures."""
    found = []
    with torch.no_grad():
        for part in batched(len(pictures), _ANSWERED):
            cut = np.stack([crop(pictures[row], side, 0.5, 0.5) for row in range(part.start, part.stop)])
            found.append(network.body(network.as_input(cut, device)).cpu())
    features: NDArray[np.float32] = torch.cat(found).numpy()
    return features
