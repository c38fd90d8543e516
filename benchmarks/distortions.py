"""Milliseconds per distortion and level on one thread, drawing included.

    python benchmarks/distortions.py [--image photo.png] [--repeats 7] [--levels 1,2,3,4,5]

Without ``--image`` a photograph of the reference data is used (``SYNDR_REFERENCE_DATA``), or a made-up texture where
that is absent. The sum is over the 24 types of KADID-10k without denoise, at level 3.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from syndr_curate.distortions import CAMERA, CATALOG, distort

HEIGHT, WIDTH = 384, 512
DENOISE = 15
SUMMED_LEVEL = 3
REFERENCE_DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", Path(__file__).parents[1] / "../shared/data"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", type=Path, help="photograph; resized to 512 x 384")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--levels", default="1,2,3,4,5")
    options = parser.parse_args()
    # In time: torch and OpenJPEG are loaded with the first picture that needs them.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPJ_NUM_THREADS"):
        os.environ[variable] = "1"
    cv2.setNumThreads(1)
    levels = [int(level) for level in options.levels.split(",")]
    image, origin = benchmark_image(options.image)
    print(f"{origin}, {WIDTH} x {HEIGHT}, one thread, median of {options.repeats}, ms")
    print(f"{'':27}" + "".join(f"{'level ' + str(level):>10}" for level in levels))
    total = 0.0
    for entry in (*CATALOG, *CAMERA):
        try:
            medians = [median_ms(image, entry.id, level, repeats=options.repeats) for level in levels]
        except (NotImplementedError, OSError) as error:
            print(f"{entry.id:3} {entry.name:23} {error}")
            continue
        print(f"{entry.id:3} {entry.name:23}" + "".join(f"{ms:10.2f}" for ms in medians), flush=True)
        if entry in CATALOG and entry.id != DENOISE and SUMMED_LEVEL in levels:
            total += medians[levels.index(SUMMED_LEVEL)]
    if SUMMED_LEVEL in levels:
        print(f"24 types without denoise at level {SUMMED_LEVEL}: {total:.1f} ms")
    print(f"second start of a fresh process, import and one picture of 24 types: {second_start_s():.2f} s")


def median_ms(image: NDArray[np.uint8], kind: int, level: int, *, repeats: int) -> float:
    """Return the median time of one picture after a warm-up."""
    distort(image, kind, level, seed=1)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        distort(image, kind, level, seed=1)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def benchmark_image(path: Path | None) -> tuple[NDArray[np.uint8], str]:
    """Return an image of 512 x 384 and where it comes from."""
    reference = REFERENCE_DATA / "golden" / "I03" / "I03.png"
    chosen = path or (reference if reference.is_file() else None)
    if chosen is None:
        noise = np.random.default_rng(0).random((HEIGHT // 8, WIDTH // 8, 3))
        smooth = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        return (255 * np.clip(smooth, 0, 1)).astype(np.uint8), "made-up texture"
    photograph = Image.open(chosen).convert("RGB").resize((WIDTH, HEIGHT))
    return np.asarray(photograph), chosen.name


def second_start_s() -> float:
    """Return the seconds a fresh process needs when compiled code is cached: import and every type once, small."""
    program = (
        "import numpy as np\n"
        "from syndr_curate.distortions import CATALOG, distort\n"
        "image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)\n"
        f"for entry in CATALOG:\n    if entry.id != {DENOISE}: distort(image, entry.id, 3, seed=1)\n"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
