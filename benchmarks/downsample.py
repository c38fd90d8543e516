"""Time the search for redundancy clusters beside a dense reading of the definition and beside faiss.

Examples:
    python benchmarks/downsample.py compare 10125 --peers dense faiss
    python benchmarks/downsample.py compare 40000 --peers faiss
    python benchmarks/downsample.py growth 20000 200000
    python benchmarks/downsample.py growth 200000 1000000 --width 512 --dtype float16 --regimes clusters
    python benchmarks/downsample.py bounds 10125 --regimes collapsed contents unrelated
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
from cosine_measures import REGIMES, Measured, in_memory, labels_for, measure, same_partition, write_features
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
    else:
        for regime in arguments.regimes:
            bounds(regime, arguments.rows[0], arguments.width)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["compare", "growth", "bounds"])
    parser.add_argument("rows", type=int, nargs="+", help="number of rows; for growth, several")
    parser.add_argument("--width", type=int, default=2048, help="numbers per row")
    parser.add_argument("--dtype", choices=["float16", "float32"], default="float32", help="of the files of growth")
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
            make = REGIMES[regime](rows, arguments.width)
            features = write_features(Path(folder) / "features.npy", make, rows, arguments.width, arguments.dtype)
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


if __name__ == "__main__":
    main()
