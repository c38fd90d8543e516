"""Train the denoiser of distortion 15 on a folder of photographs and write its weights.

    python scripts/train_denoiser.py --images DIR --out distortions/numerics/denoiser.safetensors --evaluate TEST_DIR

Patches of single color channels get white Gaussian noise of a random strength (0 to 55 of 255), are clipped to [0, 1]
as the distortion clips them, and the network learns to predict the noise. What is written is the running average of
the weights. A run that was stopped goes on from its checkpoint when started again with the same settings. Needs the
package installed, and no accelerator: the defaults take about forty minutes on two cores.

On a machine that others use too, set GOMP_SPINCOUNT=0: torch's threads then sleep where they would spin, and a step is
not held up by whichever thread shares its core (measured beside one busy process: 0.2 s instead of 1.4 s).
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from safetensors.torch import load_file, save_file
from syndr_curate.distortions.numerics.denoiser import denoise_plane, predict_noise, weight_shapes

CODES = 255.0
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
STRONGEST_NOISE = 55.0  # of 255, as for MATLAB's network
SCALES = (1.0, 0.8, 0.6)  # smaller copies: finer texture, and JPEG's traces averaged away
AVERAGE_RATE = 0.002  # of the running average, per step
WARM_UP = 0.04  # share of the steps in which the learning rate climbs
LARGE_PATCHES_FROM = 0.7  # share of the steps after which patches have twice the side, and a fourth of the number
LARGEST_GRADIENT = 0.5
REPORT_EVERY = 200
TEST_SIGMAS = (25.5, 44.2, 57.0, 80.6, 98.8)  # square roots of the variances of type 15, times 255
TEST_SEED = 15

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """What a run depends on besides the photographs.

    Attributes:
        steps: Optimizer steps of the whole run; the learning rate follows a cosine over them.
        batch: Patches a step, before the larger patches.
        patch: Side of a patch in pixels, a multiple of 8, before the larger patches.
        rate: Highest learning rate.
        seed: For the first weights, the patches and the noise.
    """

    steps: int
    batch: int
    patch: int
    rate: float
    seed: int


def main() -> None:
    """Train, evaluate, or both, as the command line asks."""
    options = _options()
    torch.set_num_threads(options.threads)
    if options.images is not None:
        recipe = Recipe(options.steps, options.batch, options.patch, options.rate, options.seed)
        train(recipe, load_photographs(options.images), options.out, options.checkpoint, options.minutes)
    if options.evaluate is not None:
        weights = {name: tensor.float() for name, tensor in load_file(options.out).items()}
        for sigma in TEST_SIGMAS:
            noisy, clean = evaluate(weights, options.evaluate, sigma)
            print(f"sigma {sigma:5.1f} of 255: noisy {noisy:.2f} dB, denoised {clean:.2f} dB", flush=True)


def load_photographs(folder: Path) -> list[NDArray[np.uint8]]:
    """Return every photograph of a folder at every scale, each 3 x H x W, uint8.

    Raises:
        ValueError: If the folder holds no photograph or one that cannot be read.
    """
    photographs = []
    for path in photograph_paths(folder):
        whole = _read(path)
        for scale in SCALES:
            copy = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else whole
            photographs.append(np.ascontiguousarray(copy.transpose(2, 0, 1)).astype(np.uint8, copy=False))
    return photographs


def photograph_paths(folder: Path) -> list[Path]:
    """Return the image files of a folder, by name.

    Raises:
        ValueError: If there is none.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        message = f"no photograph ({', '.join(sorted(IMAGE_SUFFIXES))}) in {folder}"
        raise ValueError(message)
    return paths


def first_weights(generator: torch.Generator) -> Weights:
    """Return random weights: each residual block starts close to the identity, the predicted noise close to zero."""
    weights = {}
    for name, shape in weight_shapes().items():
        if len(shape) == 1:
            weights[name] = torch.zeros(shape)
            continue
        taps = shape[0] if name.startswith("double") else math.prod(shape[1:])
        gain = 2.0 if ".first." in name else 1.0
        damping = 0.1 if ".second." in name or name.startswith("exit") else 1.0
        spread = damping * math.sqrt(gain / taps)
        weights[name] = (spread * torch.randn(shape, generator=generator)).contiguous(memory_format=torch.channels_last)
    return weights


def train(
    recipe: Recipe,
    photographs: list[NDArray[np.uint8]],
    out: Path,
    checkpoint: Path,
    minutes: float,
) -> None:
    """Train from the checkpoint, if there is one, and write the averaged weights to ``out`` at every checkpoint.

    Args:
        recipe: The settings of the run.
        photographs: Each 3 x H x W, uint8.
        out: The weights as float16, safetensors.
        checkpoint: The whole state of the run; removed by hand when the run is done with.
        minutes: Between two checkpoints.
    """
    weights = first_weights(torch.Generator().manual_seed(recipe.seed))
    average = {name: weight.clone() for name, weight in weights.items()}
    parameters = [weight.requires_grad_() for weight in weights.values()]
    optimizer = torch.optim.Adam(parameters, lr=recipe.rate, betas=(0.9, 0.99))
    done = _resume(checkpoint, weights, average, optimizer) if checkpoint.exists() else 0
    started = saved = time.monotonic()
    losses: list[float] = []
    for step in range(done, recipe.steps):
        progress = step / recipe.steps
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * learning_rate_share(progress)
        loss = _loss(recipe, photographs, weights, step)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
        optimizer.step()
        _update_average(average, weights, step)
        losses.append(float(loss.detach()))
        if (step + 1) % REPORT_EVERY == 0:
            seconds = (time.monotonic() - started) / (step + 1 - done)
            print(f"step {step + 1}/{recipe.steps} loss {np.mean(losses):.5f} {seconds:.3f} s/step", flush=True)
            losses.clear()
        if step + 1 == recipe.steps or time.monotonic() - saved > 60 * minutes:
            _save(checkpoint, weights, average, optimizer, step + 1)
            write_weights(average, out)
            saved = time.monotonic()


def learning_rate_share(progress: float) -> float:
    """Return the share of the highest learning rate at ``progress`` in [0, 1): a linear climb, then a cosine to 0."""
    if progress < WARM_UP:
        return 0.02 + 0.98 * progress / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def cut_patches(
    photographs: list[NDArray[np.uint8]], count: int, side: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return patches of single channels, turned and mirrored at random: count x 1 x side x side, in [0, 1]."""
    patches = np.empty((count, 1, side, side), np.uint8)
    for i in range(count):
        photograph = photographs[rng.integers(len(photographs))]
        channel = photograph[rng.integers(len(photograph))]
        top, left = (rng.integers(size - side + 1) for size in channel.shape)
        patch = np.rot90(channel[top : top + side, left : left + side], int(rng.integers(4)))
        patches[i, 0] = patch[:, ::-1] if rng.integers(2) else patch
    return patches.astype(np.float32) / np.float32(CODES)


def write_weights(weights: Mapping[str, torch.Tensor], out: Path) -> None:
    """Write the weights as float16, safetensors, all at once."""
    temporary = out.with_name(out.name + ".part")
    halves = {name: np.ascontiguousarray(weight.numpy().astype(np.float16)) for name, weight in weights.items()}
    temporary.write_bytes(save(halves))
    os.replace(temporary, out)


def evaluate(weights: Mapping[str, torch.Tensor], folder: Path, sigma: float) -> tuple[float, float]:
    """Return the mean PSNR in dB of the noisy and of the denoised photographs of a folder, higher is better.

    Args:
        weights: Of the network, float32.
        folder: Photographs in color; every channel is denoised on its own.
        sigma: Standard deviation of the noise, of 255; the noisy image is clipped to [0, 1], the denoised one is not.
    """
    rng = np.random.default_rng(TEST_SEED)
    figures = []
    for path in photograph_paths(folder):
        clean = _read(path) / CODES
        noisy = np.clip(clean + sigma / CODES * rng.standard_normal(clean.shape), 0, 1)
        channels = [denoise_plane(noisy[..., channel], weights) for channel in range(clean.shape[2])]
        estimate = np.stack(channels, axis=2).astype(np.float64)
        figures.append((_psnr(noisy, clean), _psnr(estimate, clean)))
    noisy_mean, clean_mean = np.mean(figures, axis=0)
    return float(noisy_mean), float(clean_mean)


def _read(path: Path) -> NDArray[np.uint8]:
    """Return H x W x 3; the order of the channels is of no account here."""
    photograph = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if photograph is None:
        message = f"{path} cannot be read as an image"
        raise ValueError(message)
    return photograph.astype(np.uint8, copy=False)


def _psnr(estimate: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    return float(-10 * np.log10(np.mean(np.square(estimate - truth))))


def _loss(
    recipe: Recipe, photographs: list[NDArray[np.uint8]], weights: Mapping[str, torch.Tensor], step: int
) -> torch.Tensor:
    """Return the mean absolute error of a fresh batch, a function of seed and step alone, so that a run can resume."""
    zoom = 2 if step >= LARGE_PATCHES_FROM * recipe.steps else 1
    rng = np.random.default_rng((recipe.seed, step))
    patches = cut_patches(photographs, max(1, recipe.batch // zoom**2), recipe.patch * zoom, rng)
    sigma = rng.uniform(0, STRONGEST_NOISE / CODES, (len(patches), 1, 1, 1)).astype(np.float32)
    noisy = np.clip(patches + sigma * rng.standard_normal(patches.shape, np.float32), 0, 1)
    predicted = predict_noise(torch.from_numpy(noisy), weights)
    error: torch.Tensor = predicted - torch.from_numpy(noisy - patches)
    return error.abs().mean()


@torch.no_grad()
def _update_average(average: Weights, weights: Weights, step: int) -> None:
    rate = max(AVERAGE_RATE, 1 / (step / 10 + 1))  # a young average forgets faster
    for name, weight in weights.items():
        average[name].lerp_(weight, rate)


def _save(checkpoint: Path, weights: Weights, average: Weights, optimizer: torch.optim.Adam, step: int) -> None:
    tensors = {"step": torch.tensor(step)}
    for name, weight in weights.items():
        tensors[f"weights.{name}"] = weight.detach().contiguous()
        tensors[f"average.{name}"] = average[name].contiguous()
        for key, moment in optimizer.state[weight].items():
            tensors[f"{key}.{name}"] = moment.contiguous()
    temporary = checkpoint.with_name(checkpoint.name + ".part")
    save_file(tensors, temporary)
    os.replace(temporary, checkpoint)


@torch.no_grad()
def _resume(checkpoint: Path, weights: Weights, average: Weights, optimizer: torch.optim.Adam) -> int:
    tensors = load_file(checkpoint)
    for name, weight in weights.items():
        weight.copy_(tensors[f"weights.{name}"])
        average[name].copy_(tensors[f"average.{name}"])
        optimizer.state[weight] = {
            "step": tensors[f"step.{name}"],
            "exp_avg": torch.empty_like(weight).copy_(tensors[f"exp_avg.{name}"]),
            "exp_avg_sq": torch.empty_like(weight).copy_(tensors[f"exp_avg_sq.{name}"]),
        }
    return int(tensors["step"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train or evaluate the denoiser of distortion 15.")
    parser.add_argument("--images", type=Path, help="folder of photographs to train on; without it nothing is trained")
    parser.add_argument("--out", type=Path, required=True, help="the weights, .safetensors, written or evaluated")
    parser.add_argument("--evaluate", type=Path, metavar="DIR", help="folder of test photographs, never of training")
    parser.add_argument("--steps", type=int, default=11_500)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate (default 0.002)")
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=3.0, help="between two checkpoints (default 3)")
    parser.add_argument("--checkpoint", type=Path, default=Path("denoiser-checkpoint.safetensors"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
