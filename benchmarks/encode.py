"""How many images a second an encoder takes, with and without decoding, and how long its device is at work.

    python benchmarks/encode.py resnet50 --device cuda
    python benchmarks/encode.py clip-vit-b-16 --device cuda --images 4096 --batch 128

The weights are random and the photographs painted (JPEG files of 512 x 512 pixels): the speed is that of the published
weights. "Network alone" takes pictures that are prepared and in memory, but counts the way to the device and back.
Prints lines of a Markdown table.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from device_clock import DeviceClock
from made_data import paint_photographs, random_clip, random_resnet50
from syndr_curate.curate.encoding.encode import encode
from syndr_curate.curate.encoding.encoders import make_encoder
from syndr_curate.curate.encoding.settings import EncodeSettings
from syndr_curate.curate.encoding.torch_encoders import pick_device
from syndr_curate.curate.runs.threads import cores
from syndr_curate.curate.storage.images import decode_image

WEIGHTS: dict[str, Callable[[Path], Path]] = {"resnet50": random_resnet50, "clip-vit-b-16": random_clip}
SIDE = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", choices=tuple(WEIGHTS))
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--batch", type=int, default=EncodeSettings.batch_size, help="images per call of the encoder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        weights = WEIGHTS[arguments.encoder](Path(name))
        encoder = make_encoder(arguments.encoder, weights=weights, device=arguments.device)
        photographs = paint_photographs(Path(name) / "photographs", arguments.images, side=SIDE, suffix=".jpg")
        clock = DeviceClock(encoder._network, pick_device(arguments.device))
        batch = [encoder.prepare(decode_image(photographs[0]))] * arguments.batch
        encoder.encode(batch)  # loads the device's code

        def alone() -> None:
            for _ in range(-(-arguments.images // arguments.batch)):
                encoder.encode(batch)

        def whole() -> None:
            encode(photographs[0].parent, encoder, batch_size=arguments.batch)

        report(arguments, "network alone", alone, clock)
        report(arguments, f"with decoding on {cores()} cores", whole, clock)


def report(arguments: argparse.Namespace, how: str, work: Callable[[], None], clock: DeviceClock) -> None:
    """Time the encoding of all images, and print the line."""
    clock.restart()
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    what = f"encode {arguments.encoder}, random weights, batches of {arguments.batch}, {how}"
    images = arguments.images
    print(f"| {what} | {images / seconds:,.1f} images/s | device at work {clock.seconds() / seconds:.0%} |", flush=True)


if __name__ == "__main__":
    main()
