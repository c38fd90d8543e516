"""Train the denoiser of distortion 15 on photographs, or measure its weights on others.

    python scripts/train_denoiser.py --images DIR [DIR ...] --out denoiser.safetensors --evaluate TEST_DIR
    python scripts/train_denoiser.py --form denoiser-1 --evaluate TEST_DIR

Patches of single color channels get white Gaussian noise of a random strength (0 to 55 of 255) and are clipped to
[0, 1], as the distortion clips them. The network learns what the first, larger network of the package takes for noise
in them (distillation); with `--no-teacher` it learns the noise itself. What is written is the running average of the
weights. A run that was stopped goes on from its checkpoint when it is started again with the same settings. Needs the
package installed, and no accelerator: the defaults take about forty minutes on one core.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save
from safetensors.torch import load_file, save_file
from syndr_curate.distortions.numerics.denoising.network import (
    BORDER,
    NetworkForm,
    denoise_plane,
    multiply_adds,
    predict_noise,
    weight_shapes,
)
from syndr_curate.distortions.numerics.denoising.weights import SHIPPED, Network, load_shipped

CODES = 255.0
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
STRONGEST_NOISE = 55.0  # of 255, as for MATLAB's network
SCALES = (1.0, 0.8, 0.6)  # smaller copies: finer texture, and JPEG's traces averaged away
PATCHES_AT_ONCE = 32
AVERAGE_RATE = 0.002  # of the running average, per step
WARM_UP = 0.04  # share of the steps in which the learning rate climbs
LARGEST_GRADIENT = 0.5
REPORT_EVERY = 200
TEST_SIGMAS = (25.5, 44.2, 57.0, 80.6, 98.8)  # square roots of the variances of type 15, times 255
TEST_SEED = 15
TEACHER = "denoiser-1"

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Recipe:
    """What a run depends on.

    Attributes:
        form: Name of the shipped weights that have the network's form.
        teacher: Name of the shipped weights that say what is noise; empty: the true noise is learned.
        steps: Optimizer steps of the whole run; the learning rate follows a cosine over them.
        batch: Patches a step.
        patch: Side of a patch in pixels, a multiple of 8.
        patches: Patches in all; each is seen several times, turned and mirrored.
        rate: Highest learning rate.
        seed: For the first weights, the patches and the noise.
        photographs: Digest of the photographs' pixels: neither a checkpoint nor patches of others are taken up.
    """

    form: str
    teacher: str
    steps: int
    batch: int
    patch: int
    patches: int
    rate: float
    seed: int
    photographs: str


@dataclass(frozen=True)
class Bank:
    """Patches to learn from, each (N, side, side), float16: noisy ones in [0, 1], and what is noise in them."""

    noisy: NDArray[np.float16]
    noise: NDArray[np.float16]


def main() -> None:
    """Train, evaluate, or both, as the command line asks."""
    options = _options()
    torch.set_num_threads(options.threads)
    form = SHIPPED[f"{options.form}.safetensors"]
    print(f"{multiply_adds(form):,.0f} multiply-adds per pixel of a plane", flush=True)
    if options.images:
        photographs = [each for folder in options.images for each in load_photographs(folder)]
        chosen = {name: value for name, value in vars(options).items() if name in Recipe.__dataclass_fields__}
        recipe = Recipe(**chosen, photographs=digest_of(photographs))
        train(recipe, photographs, options.out, options.checkpoint, options.minutes)
    if options.evaluate is not None:
        network = (
            load_shipped(f"{options.form}.safetensors") if options.out is None else read_network(options.out, form)
        )
        for sigma in TEST_SIGMAS:
            noisy, clean = evaluate(network, options.evaluate, sigma)
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


def digest_of(photographs: list[NDArray[np.uint8]]) -> str:
    """Return the SHA-256 of photographs' sizes and pixels, in their order."""
    digest = hashlib.sha256()
    for photograph in photographs:
        digest.update(repr(photograph.shape).encode())
        digest.update(np.ascontiguousarray(photograph))
    return digest.hexdigest()


def photograph_paths(folder: Path) -> list[Path]:
    """Return the image files of a folder, by name.

    Raises:
        ValueError: If it holds no image file.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        message = f"no photograph ({', '.join(sorted(IMAGE_SUFFIXES))}) in {folder}"
        raise ValueError(message)
    return paths


def first_weights(form: NetworkForm, generator: torch.Generator) -> Weights:
    """Return random weights: each residual block starts close to the identity, the predicted noise close to zero."""
    weights = {}
    for name, shape in weight_shapes(form).items():
        if len(shape) == 1:
            weights[name] = torch.zeros(shape)
            continue
        taps = shape[0] if name.startswith("double") else math.prod(shape[1:])
        gain = 2.0 if ".first." in name else 1.0
        damping = 0.1 if ".second." in name or name.startswith("exit") else 1.0
        spread = damping * math.sqrt(gain / taps)
        weights[name] = (spread * torch.randn(shape, generator=generator)).contiguous(memory_format=torch.channels_last)
    return weights


def train(recipe: Recipe, photographs: list[NDArray[np.uint8]], out: Path, checkpoint: Path, minutes: float) -> None:
    """Train from the checkpoint, if there is one, and write the averaged weights to ``out`` at every checkpoint.

    Args:
        recipe: The settings of the run.
        photographs: Each 3 x H x W, uint8.
        out: The weights as float16, safetensors.
        checkpoint: The whole state of the run; remove it by hand when the run is done.
        minutes: Between two checkpoints.

    Raises:
        ValueError: The checkpoint is of a run with other settings.
    """
    form = SHIPPED[f"{recipe.form}.safetensors"]
    weights = first_weights(form, torch.Generator().manual_seed(recipe.seed))
    average = {name: weight.clone() for name, weight in weights.items()}
    parameters = [weight.requires_grad_() for weight in weights.values()]
    optimizer = torch.optim.Adam(parameters, lr=recipe.rate, betas=(0.9, 0.99))
    done = _resume(checkpoint, recipe, weights, average, optimizer) if checkpoint.exists() else 0
    bank = _bank_beside(checkpoint, recipe, photographs)
    started = saved = time.monotonic()
    losses: list[float] = []
    for step in range(done, recipe.steps):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * learning_rate_share(step / recipe.steps)
        noisy, noise = draw_batch(bank, recipe, step)
        loss = (predict_noise(noisy, weights, form) - noise).abs().mean()
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
            _save(checkpoint, recipe, weights, average, optimizer, step + 1)
            write_weights(average, out)
            saved = time.monotonic()
    if done >= recipe.steps:  # the checkpoint is of a finished run, whose weights may have been written elsewhere
        write_weights(average, out)


def make_bank(recipe: Recipe, photographs: list[NDArray[np.uint8]]) -> Bank:
    """Cut patches, add noise, and ask the teacher; a function of the recipe and the photographs.

    Args:
        recipe: How many patches, how large, whose teacher.
        photographs: Each 3 x H x W, uint8.
    """
    teacher = load_shipped(f"{recipe.teacher}.safetensors") if recipe.teacher else None
    shape = (recipe.patches, recipe.patch, recipe.patch)
    bank = Bank(np.empty(shape, np.float16), np.empty(shape, np.float16))
    for start in range(0, recipe.patches, PATCHES_AT_ONCE):
        rng = np.random.default_rng((recipe.seed, start))
        count = min(PATCHES_AT_ONCE, recipe.patches - start)
        patches = cut_patches(photographs, count, recipe.patch, rng)
        sigma = rng.uniform(0, STRONGEST_NOISE / CODES, (count, 1, 1)).astype(np.float32)
        noisy = np.clip(patches + sigma * rng.standard_normal(patches.shape, np.float32), 0, 1).astype(np.float16)
        bank.noisy[start : start + count] = noisy
        bank.noise[start : start + count] = noisy - patches if teacher is None else _ask(teacher, noisy)
    return bank


def draw_batch(bank: Bank, recipe: Recipe, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the batch of a step, turned and mirrored at random, so that a run can resume: noisy patches, their noise.

    Args:
        bank: The patches.
        recipe: Batch and seed.
        step: From 0.

    Returns:
        Two of (batch, 1, side, side), float32.
    """
    rng = np.random.default_rng((recipe.seed, recipe.patches, step))
    rows = rng.integers(recipe.patches, size=recipe.batch)
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))

    def turned(patches: NDArray[np.float16]) -> torch.Tensor:
        found = np.rot90(patches[rows], turns, (1, 2))
        found = found[:, :, ::-1] if mirrored else found
        return torch.from_numpy(np.ascontiguousarray(found[:, None], np.float32))

    return turned(bank.noisy), turned(bank.noise)


def learning_rate_share(progress: float) -> float:
    """Return the share of the highest learning rate at ``progress`` in [0, 1): a linear climb, then a cosine to 0."""
    if progress < WARM_UP:
        return 0.02 + 0.98 * progress / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


def cut_patches(
    photographs: list[NDArray[np.uint8]], count: int, side: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return patches of single channels: count x side x side, in [0, 1]."""
    smallest = min((min(photograph.shape[1:]) for photograph in photographs), default=0)
    if smallest < side:
        message = (
            f"patches of {side} pixels do not fit a side of {smallest}; scaled copies count: give a smaller --patch"
        )
        raise ValueError(message)
    patches = np.empty((count, side, side), np.uint8)
    for i in range(count):
        photograph = photographs[rng.integers(len(photographs))]
        channel = photograph[rng.integers(len(photograph))]
        top, left = (rng.integers(size - side + 1) for size in channel.shape)
        patches[i] = channel[top : top + side, left : left + side]
    return patches.astype(np.float32) / np.float32(CODES)


def read_network(path: Path, form: NetworkForm) -> Network:
    """Read weights that this script wrote."""
    return Network({name: tensor.float() for name, tensor in load_file(path).items()}, form)


def write_weights(weights: Mapping[str, torch.Tensor], out: Path) -> None:
    """Write the weights as float16, safetensors, all at once."""
    temporary = out.with_name(out.name + ".part")
    halves = {name: np.ascontiguousarray(weight.numpy().astype(np.float16)) for name, weight in weights.items()}
    temporary.write_bytes(save(halves))
    os.replace(temporary, out)


def evaluate(network: Network, folder: Path, sigma: float) -> tuple[float, float]:
    """Return the mean PSNR in dB of the noisy and of the denoised photographs of a folder, higher is better.

    Args:
        network: With float32 weights.
        folder: Photographs in color; every channel is denoised on its own.
        sigma: Standard deviation of the noise, of 255; the noisy image is clipped to [0, 1], the denoised one is not.
    """
    rng = np.random.default_rng(TEST_SEED)
    figures = []
    for path in photograph_paths(folder):
        clean = _read(path) / CODES
        noisy = np.clip(clean + sigma / CODES * rng.standard_normal(clean.shape), 0, 1)
        channels = [denoise_plane(noisy[..., channel], *network) for channel in range(clean.shape[2])]
        estimate = np.stack(channels, axis=2).astype(np.float64)
        figures.append((_psnr(noisy, clean), _psnr(estimate, clean)))
    noisy_mean, clean_mean = np.mean(figures, axis=0)
    return float(noisy_mean), float(clean_mean)


def _ask(teacher: Network, noisy: NDArray[np.float16]) -> NDArray[np.float32]:
    """Return what the teacher takes for noise in patches (N, side, side), which get a mirrored border as in use."""
    sides = ((0, 0), (BORDER, BORDER), (BORDER, BORDER))
    padded = np.pad(noisy.astype(np.float32), sides, mode="symmetric")
    with torch.inference_mode():
        noise: NDArray[np.float32] = predict_noise(torch.from_numpy(padded)[:, None], *teacher)[:, 0].numpy()
    return noise[:, BORDER:-BORDER, BORDER:-BORDER]


def _read(path: Path) -> NDArray[np.uint8]:
    """Return H x W x 3; the order of the channels does not matter here."""
    photograph = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if photograph is None:
        message = f"{path} cannot be read as an image"
        raise ValueError(message)
    return photograph.astype(np.uint8, copy=False)


def _psnr(estimate: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    return float(-10 * np.log10(np.mean(np.square(estimate - truth))))


def _bank_beside(checkpoint: Path, recipe: Recipe, photographs: list[NDArray[np.uint8]]) -> Bank:
    """Return the bank of a run; it is kept beside the checkpoint, since a large teacher takes minutes for it."""
    kept = checkpoint.with_name(checkpoint.name + ".bank.npz")
    if kept.exists():
        with np.load(kept) as stored:
            if stored["recipe"].item() == repr(recipe):
                return Bank(stored["noisy"], stored["noise"])
    bank = make_bank(recipe, photographs)
    temporary = kept.with_name("part." + kept.name)
    np.savez(temporary, noisy=bank.noisy, noise=bank.noise, recipe=repr(recipe))
    os.replace(temporary, kept)
    return bank


@torch.no_grad()
def _update_average(average: Weights, weights: Weights, step: int) -> None:
    rate = max(AVERAGE_RATE, 1 / (step / 10 + 1))  # a young average forgets faster
    for name, weight in weights.items():
        average[name].lerp_(weight, rate)


def _save(
    checkpoint: Path, recipe: Recipe, weights: Weights, average: Weights, optimizer: torch.optim.Adam, step: int
) -> None:
    tensors = {"step": torch.tensor(step)}
    for name, weight in weights.items():
        tensors[f"weights.{name}"] = weight.detach().contiguous()
        tensors[f"average.{name}"] = average[name].contiguous()
        for key, moment in optimizer.state[weight].items():
            tensors[f"{key}.{name}"] = moment.contiguous()
    temporary = checkpoint.with_name(checkpoint.name + ".part")
    save_file(tensors, temporary, metadata=_as_text(recipe))
    os.replace(temporary, checkpoint)


@torch.no_grad()
def _resume(checkpoint: Path, recipe: Recipe, weights: Weights, average: Weights, optimizer: torch.optim.Adam) -> int:
    with safe_open(checkpoint, "pt") as opened:
        if opened.metadata() != _as_text(recipe):
            message = f"{checkpoint} is of a run with other settings, {opened.metadata()}: give another --checkpoint"
            raise ValueError(message)
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


def _as_text(recipe: Recipe) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(recipe).items()}


def _options() -> argparse.Namespace:
    names = [name.removesuffix(".safetensors") for name in SHIPPED]
    parser = argparse.ArgumentParser(description="Train or evaluate the denoiser of distortion 15.")
    parser.add_argument("--images", type=Path, nargs="+", default=[], metavar="DIR", help="photographs to train on")
    parser.add_argument("--out", type=Path, help="the weights, .safetensors, written, or evaluated; default: shipped")
    parser.add_argument("--evaluate", type=Path, metavar="DIR", help="folder of test photographs, never of training")
    parser.add_argument("--form", choices=names, default=names[0], help="whose size the network has; default: newest")
    parser.add_argument("--no-teacher", dest="teacher", action="store_const", const="", default=TEACHER)
    parser.add_argument("--steps", type=int, default=30_000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--patch", type=int, default=96)
    parser.add_argument("--patches", type=int, default=24_000)
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate (default 0.002)")
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=3.0, help="between two checkpoints (default 3)")
    parser.add_argument("--checkpoint", type=Path, default=Path("denoiser-checkpoint.safetensors"))
    options = parser.parse_args()
    if not options.images and options.evaluate is None:
        parser.error(
            "nothing to do: give --images DIR and --out FILE to train, --evaluate DIR to measure, or all three"
        )
    if options.images and options.out is None:
        parser.error("--images needs --out: where the weights are written")
    for option, path in (("--out", options.out), ("--checkpoint", options.checkpoint)):
        if options.images and not path.parent.is_dir():
            parser.error(f"{option} {path}: there is no folder {path.parent}; make it first")
    return options


if __name__ == "__main__":
    main()
