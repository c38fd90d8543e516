"""Time the search for redundancy clusters beside a dense reading of the definition and beside faiss.

Examples:
    python benchmarks/downsample.py compare 10125 --peers dense faiss
    python benchmarks/downsample.py compare 40000 --peers faiss
    python benchmarks/downsample.py growth 20000 200000
    python benchmarks/downsample.py bounds 10125 --regimes collapsed contents unrelated
    python benchmarks/downsample.py cuda 700000
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cosine_measures import REGIMES, Measured, labels_for, measure, write_features
from cosine_peers import by_faiss, dense
from numpy.typing import NDArray
from syndr_curate.curate.downsampling.epoch import EpochRows, epoch_clusters
from syndr_curate.curate.downsampling.meaningful_bounds import note_meaningless_bound
from syndr_curate.curate.downsampling.settings import DownsampleSettings
from syndr_curate.curate.runs.threads import cores
from syndr_curate.curate.similarity import check_rows, cluster_statistics, threshold_components

PEERS: dict[str, Callable[..., NDArray[Any]]] = {"dense": dense, "faiss": by_faiss}


def main() -> None:
    arguments = parse()
    print(f"{cores()} cores, load average {os.getloadavg()[0]:.1f} at the start, D = {arguments.width}")
    compile_loops(arguments.width)
    if arguments.command == "compare":
        for regime in arguments.regimes:
            compare(regime, arguments.rows[0], arguments)
    elif arguments.command == "growth":
        for regime in arguments.regimes:
            growth(regime, arguments)
    elif arguments.command == "bounds":
        for regime in arguments.regimes:
            bounds(regime, arguments.rows[0], arguments.width)
    else:
        cuda(arguments.rows[0], arguments.width)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["compare", "growth", "bounds", "cuda"])
    parser.add_argument("rows", type=int, nargs="+", help="number of rows; for growth, several")
    parser.add_argument("--width", type=int, default=2048, help="numbers per row")
    parser.add_argument("--regimes", nargs="+", choices=sorted(REGIMES), default=["clusters", "collapsed"])
    parser.add_argument("--peers", nargs="*", choices=sorted(PEERS), default=[])
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours, of which the median counts")
    parser.add_argument("--equal-labels", action="store_true", help="all labels equal, so that they rule out no pair")
    return parser.parse_args()


def compile_loops(width: int) -> None:
    """Have the loops compiled, or read from their cache, before the clock runs."""
    rows = np.random.default_rng(0).standard_normal((1500, width), dtype=np.float32)
    start = time.perf_counter()
    threshold_components(rows, np.zeros(1500, dtype=np.float32))
    print(f"first call, compiling or reading compiled loops: {time.perf_counter() - start:.1f} s")


def compare(regime: str, rows: int, arguments: argparse.Namespace) -> None:
    """Ours and the peers on the same features in memory."""
    features = in_memory(regime, rows, arguments.width)
    labels = np.zeros(rows, np.float32) if arguments.equal_labels else labels_for(regime, rows)
    components, ours = repeated(features, labels, arguments.repeats)
    report(regime, rows, "ours", ours, components)
    for name in arguments.peers:
        theirs, taken = measure(lambda name=name: PEERS[name](features, labels))
        same = "same clusters" if same_partition(components, theirs) else "OTHER CLUSTERS"
        print(
            f"{line(regime, rows, name, taken)}   {taken.seconds / ours.seconds:.1f} times as long as ours "
            f"({taken.processor_seconds / ours.processor_seconds:.1f} times the processor), {same}",
            flush=True,
        )


def in_memory(regime: str, rows: int, width: int) -> NDArray[np.float32]:
    """Features of a regime."""
    features = np.empty((rows, width), dtype=np.float32)
    make = REGIMES[regime](rows, width)
    for start in range(0, rows, 8192):
        features[start : start + 8192] = make(start, min(start + 8192, rows))
    return features


def bounds(regime: str, rows: int, width: int) -> None:
    """The published bound, and what it takes to say that it means nothing and which bounds would thin."""
    numbers = np.arange(rows)
    ids = [f"row{number:07d}" for number in range(rows)]
    epoch = EpochRows(ids=ids, labels=labels_for(regime, rows), training=numbers, filtered=numbers)
    features, settings = check_rows(in_memory(regime, rows, width)), DownsampleSettings()
    clusters, clustering = measure(lambda: epoch_clusters(epoch, features, settings))
    note, taken = measure(lambda: note_meaningless_bound(epoch, features, clusters, settings))
    report(regime, rows, "ours", clustering, clusters)
    print(f"{line(regime, rows, 'bounds', taken)}   {note or 'the bound means something'}", flush=True)


def growth(regime: str, arguments: argparse.Namespace) -> None:
    """Ours on memory-mapped files of growing size, and the exponent of the time."""
    seconds = []
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory() as folder:
            features = write_features(
                Path(folder) / "features.npy", REGIMES[regime](rows, arguments.width), rows, arguments.width
            )
            labels = np.zeros(rows, np.float32) if arguments.equal_labels else labels_for(regime, rows)
            components, taken = repeated(features, labels, 1)
            report(regime, rows, "mapped", taken, components)
            seconds.append(taken.processor_seconds)
            del features
    exponent = np.log(seconds[-1] / seconds[0]) / np.log(arguments.rows[-1] / arguments.rows[0])
    print(f"{regime:16} processor time grows with the number of rows to the power of {exponent:.2f}", flush=True)


def repeated(features: NDArray[Any], labels: NDArray[np.float32], repeats: int) -> tuple[NDArray[np.int32], Measured]:
    """Components, with the median of the seconds and the largest memory."""
    runs = [measure(lambda: threshold_components(features, labels)) for _ in range(repeats)]
    seconds = float(np.median([taken.seconds for _, taken in runs]))
    processor_seconds = float(np.median([taken.processor_seconds for _, taken in runs]))
    return runs[-1][0], Measured(seconds, processor_seconds, max(taken.mebibytes for _, taken in runs))


def report(regime: str, rows: int, name: str, taken: Measured, components: NDArray[np.int32]) -> None:
    found = cluster_statistics(components)
    print(
        f"{line(regime, rows, name, taken)}   {found.clusters:,} clusters, the largest of {found.largest_cluster:,}",
        flush=True,
    )


def line(regime: str, rows: int, name: str, taken: Measured) -> str:
    return (
        f"{regime:16} {rows:8,} {name:6} {taken.seconds:8.2f} s ({taken.processor_seconds:8.2f} s of processor) "
        f"{taken.mebibytes:6.0f} MiB"
    )


def same_partition(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two numberings name the same clusters."""
    both = np.unique(np.stack([a, b]), axis=1).shape[1]
    return both == len(np.unique(a)) == len(np.unique(b))


def cuda(rows: int, width: int) -> None:
    """Ours on a CUDA device, end to end, with the rate of its products as a share of what the device can do."""
    import torch

    if not torch.cuda.is_available():
        print("cuda: not run, torch finds no CUDA device here")
        return
    from syndr_curate.curate.similarity.cuda import DEVICE_TILE_ROWS
    from syndr_curate.curate.similarity.label_band import label_band

    features = np.concatenate([REGIMES["clusters"](rows, width)(s, min(s + 8192, rows)) for s in range(0, rows, 8192)])
    labels = labels_for("clusters", rows)
    start = time.perf_counter()
    components = threshold_components(features, labels, device="cuda")
    seconds = time.perf_counter() - start
    report("clusters", rows, "cuda", Measured(seconds, float("nan"), float("nan")), components)
    ranges = label_band(labels, 1.0, rows).tiles(DEVICE_TILE_ROWS, aspect=1)
    operations = 2.0 * width * sum((p.bottom - p.top) * (p.right - p.left) for p in ranges)
    name, peak = torch.cuda.get_device_name(), measured_peak(width)
    print(
        f"{name}: {operations / seconds / 1e12:.1f} TFLOP/s end to end, {operations / seconds / peak:.0%} of the "
        f"{peak / 1e12:.1f} TFLOP/s that float32 products of 8192x{width} by {width}x8192 reach alone"
    )


def measured_peak(width: int) -> float:
    """Operations per second of the largest float32 products that a tile takes, TF32 off."""
    import torch

    a = torch.randn(8192, width, device="cuda")
    torch.set_float32_matmul_precision("highest")
    _ = a @ a.T
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(20):
        _ = a @ a.T
    torch.cuda.synchronize()
    return 20 * 2.0 * width * 8192**2 / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
