"""Images a second that `RandomDistortion` and `RandomChain` give on one core, and albumentations beside them.

    python benchmarks/transforms.py [--images 2000] [--side 224]

Pictures are crops of Kodak's (``SYNDR_REFERENCE_DATA``), or painted scenes where these are absent. The types are the 24
of KADID-10k without denoise, every level as likely. albumentations is timed where it is installed, with its
nearest transform for each type over the range of the five levels; it draws no seed from a key, and stretches nothing.
One thread each, in turns; seconds are those of the processor, so that other work of the machine counts little.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from syndr_curate import RandomChain, RandomDistortion
from syndr_curate.curate.demo.scenes import SCENE_KINDS, paint_scene
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.distortions import CATALOG

if TYPE_CHECKING:
    import albumentations

REFERENCE_DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", Path(__file__).parents[1] / "../shared/data"))
KODAK = REFERENCE_DATA / "images" / "kodak"
FAST = tuple(entry for entry in CATALOG if entry.name != "denoise")
ROUNDS = 5
TYPE_IMAGES = 60  # per type and round

Transform = Callable[[NDArray[np.uint8], int], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000, help="per transform, in five rounds")
    parser.add_argument("--side", type=int, default=224)
    options = parser.parse_args()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPJ_NUM_THREADS"):
        os.environ[variable] = "1"
    cv2.setNumThreads(1)
    pictures = crops(options.side)
    ids = [entry.id for entry in FAST]

    def without_key(picture: NDArray[np.uint8], number: int) -> object:
        by_pixels.set_epoch(number)
        return by_pixels(picture)

    with_key, by_pixels, chains = RandomDistortion(ids), RandomDistortion(ids), RandomChain(ids)
    contenders: dict[str, Transform] = {
        "RandomDistortion, with a key": lambda picture, number: with_key(picture, key=number),
        "RandomDistortion, without": without_key,
        "RandomChain, 2 to 4, with a key": lambda picture, number: chains(picture, key=number),
    }
    nearest = nearest_of_albumentations()
    if nearest:
        import albumentations

        one_of = albumentations.Compose([albumentations.OneOf(list(nearest.values()), p=1)], seed=123)
        contenders["albumentations, OneOf"] = lambda picture, _: one_of(image=picture)["image"]
    print(f"{len(pictures)} crops of {options.side} x {options.side}, one thread, images a second, median of {ROUNDS}")
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for round_ in range(-1, ROUNDS):  # the first warms up
        for name, transform in contenders.items():
            rate = options.images // ROUNDS / seconds(transform, pictures, options.images // ROUNDS, round_)
            if round_ >= 0:
                rates[name].append(rate)
    for name, measured in rates.items():
        print(f"{name:34}{statistics.median(measured):8.0f}   ({min(measured):.0f} to {max(measured):.0f})")
    print(f"load average {os.getloadavg()[0]:.1f}")
    print_types(pictures, nearest)


def crops(side: int) -> list[NDArray[np.uint8]]:
    """Return eight square pictures."""
    if KODAK.is_dir():
        photographs = [decode_image(path) for path in sorted(KODAK.glob("*.png"))[:8]]
        return [np.ascontiguousarray(photo[100 : 100 + side, 150 : 150 + side]) for photo in photographs]
    print("no Kodak pictures: painted scenes")
    return [paint_scene(SCENE_KINDS[number % len(SCENE_KINDS)], number, side=side) for number in range(8)]


def seconds(transform: Transform, pictures: Sequence[NDArray[np.uint8]], count: int, round_: int) -> float:
    started = time.process_time()
    for number in range(count):
        transform(pictures[number % len(pictures)], count * (round_ + 1) + number)
    return time.process_time() - started


def print_types(pictures: Sequence[NDArray[np.uint8]], nearest: dict[str, albumentations.BasicTransform]) -> None:
    """Print milliseconds per type, beside those of the nearest transform, and both means over the types they share."""
    print(f"{'type, ms':28}{'here':>8}{'nearest':>10}")
    shared = []
    for entry in FAST:
        own, other = RandomDistortion([entry.id]), nearest.get(entry.name)
        here = best_ms(lambda picture, key, own=own: own(picture, key=key), pictures)
        line = f"{entry.id:2} {entry.name:25}{here:8.2f}"
        if other is not None:
            there = best_ms(lambda picture, _, other=other: other(image=picture), pictures)
            line += f"{there:10.2f}  {type(other).__name__}"
            shared.append((here, there))
        print(line)
    if shared:
        means = np.mean(shared, axis=0)
        print(f"{'mean of ' + str(len(shared)):28}{means[0]:8.2f}{means[1]:10.2f}")


def best_ms(transform: Transform, pictures: Sequence[NDArray[np.uint8]]) -> float:
    return 1e3 * min(seconds(transform, pictures, TYPE_IMAGES, round_) for round_ in range(3)) / TYPE_IMAGES


def nearest_of_albumentations() -> dict[str, albumentations.BasicTransform]:
    """Return what comes nearest to each type, nothing for color_diffusion and jpeg2000; empty if not installed."""
    if importlib.util.find_spec("albumentations") is None:
        print("albumentations is not installed: left out")
        return {}
    import albumentations as A  # noqa: N812

    print(f"albumentations {A.__version__}")
    return {
        "gaussian_blur": A.GaussianBlur(blur_limit=0, sigma_limit=(0.1, 5), p=1),
        "lens_blur": A.Defocus(radius=(1, 8), p=1),
        "motion_blur": A.MotionBlur(blur_limit=(3, 11), p=1),
        "color_shift": A.ChromaticAberration(p=1),
        "color_quantization": A.Posterize(num_bits=(1, 2), p=1),
        "color_saturation_hsv": A.HueSaturationValue(0, (-255, 0), 0, p=1),
        "color_saturation_lab": A.ColorJitter((1, 1), (1, 1), (1, 9), (0, 0), p=1),
        "jpeg": A.ImageCompression(quality_range=(4, 43), p=1),
        "white_noise": A.GaussNoise(std_range=(0.03, 0.1), p=1),
        "white_noise_ycbcr": A.ISONoise(p=1),
        "impulse_noise": A.SaltAndPepper(amount=(0.001, 0.03), p=1),
        "multiplicative_noise": A.MultiplicativeNoise((0.8, 1.2), per_channel=True, elementwise=True, p=1),
        "brighten": A.RandomGamma(gamma_limit=(40, 90), p=1),
        "darken": A.RandomGamma(gamma_limit=(110, 250), p=1),
        "mean_shift": A.RandomBrightnessContrast((-0.15, 0.15), (0, 0), p=1),
        "jitter": A.GlassBlur(sigma=0.5, max_delta=1, iterations=5, p=1),
        "non_eccentricity_patch": A.RandomGridShuffle(grid=(14, 14), p=1),
        "pixelate": A.Downscale(scale_range=(0.1, 0.9), p=1),
        "quantization": A.Posterize(num_bits=(3, 4), p=1),
        "color_block": A.CoarseDropout((2, 10), (32, 32), (32, 32), fill="random_uniform", p=1),
        "high_sharpen": A.UnsharpMask(blur_limit=(7, 7), alpha=(0.2, 1), p=1),
        "contrast_change": A.RandomBrightnessContrast((0, 0), (-0.6, 0.3), p=1),
    }


if __name__ == "__main__":
    main()
