"""Mixes per second on one core, given the distorted images: boxes, maps, confidences and the mixed picture.

    python benchmarks/mix.py [--image photo.png] [--mixes 200]

Without ``--image`` a photograph of the reference data is used (``SYNDR_REFERENCE_DATA``), or a painted scene where that
is absent. The last lines say where the time of a mix goes.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.mixing.dsmix import DistortedPair, confidences, draw_box, mix_sources
from syndr_curate.curate.mixing.sensitivity import color_difference, sensitivity_map
from syndr_curate.curate.rendering.pasting import paste
from syndr_curate.curate.storage.images import encode_image
from syndr_curate.distortions import distort, stretch_uint8

HEIGHT, WIDTH = 384, 512
WANTED = 30
TYPES, LEVEL = (1, 5, 10, 11, 16, 23), 3
REFERENCE_DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", Path(__file__).parents[1] / "../shared/data"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, help="photograph; resized to 512 x 384")
    parser.add_argument("--mixes", type=int, default=200)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    image, origin = picture(options.image)
    sources = [DistortedPair(distort(image, kind, LEVEL, seed=1), stretch_uint8(image)) for kind in TYPES]
    rng = np.random.Generator(np.random.PCG64(1))

    def mix(number: int) -> None:
        a, b = sources[number % len(TYPES)], sources[(number + 1) % len(TYPES)]
        mix_sources(a, b, draw_box(HEIGHT, WIDTH, rng).region(HEIGHT, WIDTH))

    mix(0)  # compiled code is loaded at the first call
    rates = []
    for _ in range(5):
        started = time.process_time()
        for number in range(options.mixes // 5):
            mix(number)
        rates.append(options.mixes / 5 / (time.process_time() - started))
    print(f"{origin}, {WIDTH} x {HEIGHT}, one thread, {options.mixes} mixes")
    spread = f"{min(rates):.1f} to {max(rates):.1f}"
    print(f"{sorted(rates)[2]:.1f} mixes per second of processor time (five runs: {spread}); wanted: {WANTED}")
    a, b = sources[:2]
    region = draw_box(HEIGHT, WIDTH, rng).region(HEIGHT, WIDTH)
    maps = [sensitivity_map(*source).values for source in (a, b)]
    parts: dict[str, Callable[[], object]] = {
        "color difference (2 a mix)": lambda: color_difference(*a),
        "sensitivity map with it (2)": lambda: sensitivity_map(*a),
        "confidences": lambda: confidences(maps[0], maps[1], region),
        "paste": lambda: paste(a.image, b.image, region),
        "PNG of the mix (not counted)": lambda: encode_image(paste(a.image, b.image, region)),
    }
    for name, part in parts.items():
        print(f"{name:<30} {milliseconds(part):6.2f} ms")


def picture(path: Path | None) -> tuple[NDArray[np.uint8], str]:
    path = path or REFERENCE_DATA / "images" / "kodak" / "kodim05.png"
    if not path.is_file():
        scene = cv2.resize(paint_scene("landscape", 0), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        return np.asarray(scene, np.uint8), "a painted scene"
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)), path.name


def milliseconds(part: Callable[[], object], repeats: int = 20) -> float:
    part()
    started = time.process_time()
    for _ in range(repeats):
        part()
    return (time.process_time() - started) / repeats * 1e3


if __name__ == "__main__":
    main()
