"""Time the search for redundancy clusters on a CUDA device, beside what its float32 products reach alone.

    python benchmarks/downsample_cuda.py 200000 --against-processor
    python benchmarks/downsample_cuda.py 700000
    python benchmarks/downsample_cuda.py 3000 --width 64 --device cpu --against-processor

`--device cpu` puts torch's own processor device in the place of CUDA, to show that the same code runs. Features are
those of the regime "clusters", float32 in memory. Prints lines of a Markdown table; exit status 1: other clusters than
the processor's.
"""

from __future__ import annotations

import argparse
import sys
import time
from unittest import mock

import numpy as np
import torch
from cosine_measures import in_memory, labels_for, same_partition
from numpy.typing import NDArray
from syndr_curate.curate.similarity import components, threshold_components
from syndr_curate.curate.similarity.band_tiles import BandTiles
from syndr_curate.curate.similarity.cuda import DEVICE_TILE_ROWS, float32_products
from syndr_curate.curate.similarity.label_band import label_band

REGIME, LABEL_GAP = "clusters", 1.0
WARM_UP_ROWS = 1500
PRODUCTS = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int)
    parser.add_argument("--width", type=int, default=2048, help="numbers per row")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--against-processor", action="store_true", help="compare the clusters with the processor's")
    arguments = parser.parse_args()
    rows, width, device = arguments.rows, arguments.width, torch.device(arguments.device)
    what = f"`downsample`, {rows:,} x {width:,} float32"
    warm_up = in_memory(REGIME, WARM_UP_ROWS, width)
    search(warm_up, None, device)
    features, labels = in_memory(REGIME, rows, width), labels_for(REGIME, rows)
    started = time.perf_counter()
    found = search(features, labels, device)
    seconds = time.perf_counter() - started
    rate, alone = operations(labels, width) / seconds, products_alone(min(rows, DEVICE_TILE_ROWS), width, device)
    memory = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB of the device" if device.type == "cuda" else ""
    print(f"| {what} | {seconds:.1f} s | {found.max() + 1:,} clusters{memory} |")
    print(
        f"| {what}, products of its tiles | {rate / 1e12:.2f} TFLOP/s end to end | {rate / alone:.0%} of the "
        f"{alone / 1e12:.2f} TFLOP/s that float32 products of its tiles reach alone |",
        flush=True,
    )
    if not arguments.against_processor:
        return 0
    threshold_components(warm_up, None)
    started = time.perf_counter()
    same = same_partition(found, threshold_components(features, labels))
    seconds = time.perf_counter() - started
    print(f"| {what}, on the processor | {seconds:.1f} s | {'same clusters' if same else 'OTHER CLUSTERS'} |")
    return 0 if same else 1


def search(
    features: NDArray[np.float32], labels: NDArray[np.float32] | None, device: torch.device
) -> NDArray[np.int32]:
    """Find the clusters on a device."""
    if device.type == "cuda":
        return threshold_components(features, labels, label_gap=LABEL_GAP, device="cuda")
    with mock.patch.object(components, "open_device", return_value=device):
        return threshold_components(features, labels, label_gap=LABEL_GAP, device="cuda")


def operations(labels: NDArray[np.float32], width: int) -> float:
    """Count what the products of all tiles take."""
    tiles = BandTiles(label_band(labels, LABEL_GAP, len(labels)), DEVICE_TILE_ROWS, aspect=1)
    return 2.0 * width * sum((tile.bottom - tile.top) * (tile.right - tile.left) for tile in tiles)


def products_alone(rows: int, width: int, device: torch.device) -> float:
    """Return the operations per second of float32 products of whole tiles, TF32 off."""
    a = torch.randn(rows, width, device=device)
    with float32_products():
        float((a @ a.T)[0, 0])  # reading a number waits for the device
        started = time.perf_counter()
        for _ in range(PRODUCTS):
            product = a @ a.T
        float(product[0, 0])
    return PRODUCTS * 2.0 * width * rows**2 / (time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main())
