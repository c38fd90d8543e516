"""What type 15 (denoise) costs: as the toolkit runs it, on the processor, and its network alone on a device.

    python benchmarks/denoise.py --device cuda

The toolkit runs the network on one thread of the processor, so that the same picture gets the same bytes everywhere. It
takes no device. The second figure says what a device would be worth. Prints lines of a Markdown table.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.distortions.numerics.denoising.denoise import denoise_channels
from syndr_curate.distortions.numerics.denoising.network import predict_noise
from syndr_curate.distortions.numerics.denoising.weights import load_network

SIDE = 512  # a multiple of what the network needs, so that nothing is padded


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16, help="pictures at once on the device")
    arguments = parser.parse_args()
    picture = paint_scene("city", 0, side=SIDE) / 255.0
    denoise_channels(picture)
    started = time.perf_counter()
    for _ in range(arguments.pictures):
        denoise_channels(picture)
    seconds = (time.perf_counter() - started) / arguments.pictures
    size = f"{SIDE} x {SIDE}"
    print(f"| denoise (type 15) as the toolkit runs it, {size} | {1e3 * seconds:.1f} ms/picture | on the processor |")
    alone, apart = on_device(picture, arguments)
    print(
        f"| denoise, the network alone, {size} | {1e3 * alone:.1f} ms/picture | on the device; at most {apart:.1e} "
        "from the processor's |"
    )


def on_device(picture: np.ndarray, arguments: argparse.Namespace) -> tuple[float, float]:
    """Return seconds per picture on the device, and how far its answer is from the processor's."""
    weights, form = load_network()
    there = {name: weight.to(arguments.device) for name, weight in weights.items()}
    planes = torch.from_numpy(picture.transpose(2, 0, 1)[:, None].astype(np.float32))
    batch = planes.repeat(arguments.batch, 1, 1, 1)
    rounds = -(-arguments.pictures // arguments.batch)
    with torch.inference_mode():
        on_device = predict_noise(planes.to(arguments.device), there, form).cpu()
        apart = float((on_device - predict_noise(planes, weights, form)).abs().max())
        predict_noise(batch.to(arguments.device), there, form).cpu()
        started = time.perf_counter()
        for _ in range(rounds):
            predict_noise(batch.to(arguments.device), there, form).cpu()
        seconds = (time.perf_counter() - started) / (rounds * arguments.batch)
    return seconds, apart


if __name__ == "__main__":
    main()
