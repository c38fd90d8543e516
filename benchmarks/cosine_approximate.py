"""Approximate search for redundancy clusters by faiss, beside the exact engine: time, recall of edges, Rand index.

    python benchmarks/cosine_approximate.py 200000 --width 512
    python benchmarks/cosine_approximate.py 200000 --width 512 --indexes ivf-1024-1 shards-256-1 hnsw-16-64

`ivf-L-P` parts all rows into L cells and looks into the P nearest of each row; `shards-L-P` does so in each slab of
labels two gaps wide, one gap apart, so that every pair of the band lies in a slab; `hnsw-M-E` is a graph of M links a
row, searched with E candidates. The time counts training and adding. Recall is counted over the edges of a random
sample of rows: what share of them the index found from either end.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator

import faiss
import numpy as np
from cosine_measures import REGIMES, Measured, in_memory, labels_for, measure
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from syndr_curate.curate.runs.threads import cores
from syndr_curate.curate.similarity import threshold_components

SIMILARITY, LABEL_GAP = 0.9, 1.0
QUERIES = 4096  # answers to so many rows are held at once
SAMPLE_ROWS = 1000
POINTS_PER_CELL = 39  # the fewest that faiss trains a cell from without a warning
LINKS_WHILE_BUILDING = 40
INDEXES = ("ivf-512-1", "ivf-1024-1", "ivf-1024-4", "shards-256-1", "shards-256-4", "hnsw-16-64")
STEPS = ("training", "adding", "searching")
Edges = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--regime", choices=sorted(REGIMES), default="clusters")
    parser.add_argument("--indexes", nargs="+", default=INDEXES)
    arguments = parser.parse_args()
    print(f"{cores()} cores, load average {os.getloadavg()[0]:.1f} at the start")
    warm_up = np.random.default_rng(0).standard_normal((1500, arguments.width), dtype=np.float32)
    threshold_components(warm_up, np.zeros(1500, dtype=np.float32))
    features, labels = (
        in_memory(arguments.regime, arguments.rows, arguments.width),
        labels_for(arguments.regime, arguments.rows),
    )
    clusters, exact = measure(lambda: threshold_components(features, labels))
    faiss.normalize_L2(features)
    sample = np.random.default_rng(1).choice(arguments.rows, min(SAMPLE_ROWS, arguments.rows), replace=False)
    wanted = edges_of(sample, features, labels)
    print_line(
        "index", *STEPS, "seconds", "of processor", "MiB", "recall of edges", "Rand index", "adjusted Rand index"
    )
    print_line("---", *["---:"] * 9)
    print_line("exact engine", *[""] * len(STEPS), *figures(exact), "1", "1", "1")
    for name in arguments.indexes:
        steps = dict.fromkeys(STEPS, 0.0)
        (edges, found), taken = measure(lambda name=name, steps=steps: approximate(name, features, labels, steps))
        recall = np.isin(edges, sample).any(axis=1).sum() / wanted
        rand, adjusted = rand_indices(clusters, found)
        seconds = [f"{seconds:.1f}" for seconds in steps.values()]
        print_line(name, *seconds, *figures(taken), f"{recall:.4f}", f"{rand:.6f}", f"{adjusted:.4f}")


def figures(taken: Measured) -> tuple[str, str, str]:
    """Return seconds, seconds of processor and memory as text."""
    return f"{taken.seconds:.1f}", f"{taken.processor_seconds:.1f}", f"{taken.mebibytes:.0f}"


def print_line(*cells: str) -> None:
    """Print a line of a Markdown table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def approximate(
    name: str, unit: NDArray[np.float32], labels: NDArray[np.float32], steps: dict[str, float]
) -> tuple[Edges, NDArray[np.int32]]:
    """Find edges by an index, and the components that they join.

    Args:
        name: Which index.
        unit: NxD rows of length 1.
        labels: N.
        steps: Seconds are added to `training`, `adding` and `searching`.

    Returns:
        Mx2 rows, each pair once; N component numbers.
    """
    kind, first, second = name.split("-")
    parts = slabs(labels) if kind == "shards" else iter([np.arange(len(unit))])
    keys = []
    for rows in parts:
        index = make_index(kind, int(first), int(second), unit[rows], steps)
        started = time.perf_counter()
        for start in range(0, len(rows), QUERIES):
            a, b = answers(index, unit[rows[start : start + QUERIES]])
            a, b = rows[a + start], rows[b]
            joined = (a != b) & (np.abs(labels[a].astype(np.float64) - labels[b]) < LABEL_GAP)
            keys.append(np.unique(np.minimum(a, b)[joined] * len(unit) + np.maximum(a, b)[joined]))
        steps["searching"] += time.perf_counter() - started
    pairs = np.unique(np.concatenate(keys))
    edges = np.stack([pairs // len(unit), pairs % len(unit)], axis=1)
    graph = coo_array((np.ones(len(edges), np.int8), (edges[:, 0], edges[:, 1])), shape=(len(unit), len(unit)))
    return edges, connected_components(graph, directed=False)[1]


def make_index(kind: str, first: int, second: int, unit: NDArray[np.float32], steps: dict[str, float]) -> faiss.Index:
    """Train an index and add all rows."""
    width = unit.shape[1]
    started = time.perf_counter()
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(width, first, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = LINKS_WHILE_BUILDING, second
    else:
        quantizer = faiss.IndexFlatIP(width)
        index = faiss.IndexIVFFlat(quantizer, width, first, faiss.METRIC_INNER_PRODUCT)
        index.own_fields, index.nprobe = True, second
        quantizer.this.disown()
        index.cp.max_points_per_centroid = POINTS_PER_CELL
        index.train(unit)
    steps["training"] += time.perf_counter() - started
    started = time.perf_counter()
    index.add(unit)
    steps["adding"] += time.perf_counter() - started
    return index


def answers(index: faiss.Index, queries: NDArray[np.float32]) -> tuple[Edges, Edges]:
    """Return the query and the row of everything above the threshold that an index finds."""
    if isinstance(index, faiss.IndexIVF):
        limits, _, found = index.range_search(queries, SIMILARITY)
        return np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64))), found
    cosines, found = index.search(queries, index.hnsw.efSearch)
    query, place = np.nonzero((cosines > SIMILARITY) & (found >= 0))
    return query, found[query, place]


def slabs(labels: NDArray[np.float32]) -> Iterator[Edges]:
    """Give the rows of slabs of labels: two gaps wide, one gap apart."""
    for low in np.arange(np.floor(labels.min()), max(labels.max(), labels.min() + 1e-6), LABEL_GAP):
        yield np.flatnonzero((labels >= low) & (labels < low + 2 * LABEL_GAP))


def edges_of(sample: Edges, unit: NDArray[np.float32], labels: NDArray[np.float32]) -> int:
    """Count the edges that touch a row of the sample, each once; float32, as the index decides."""
    keys = []
    for start in range(0, len(sample), 128):
        rows = sample[start : start + 128]
        near = np.abs(labels[rows].astype(np.float64)[:, None] - labels[None, :]) < LABEL_GAP
        a, b = np.nonzero((unit[rows] @ unit.T > SIMILARITY) & near)
        a = rows[a]
        keys.append((np.minimum(a, b) * len(unit) + np.maximum(a, b))[a != b])
    return len(np.unique(np.concatenate(keys)))


def rand_indices(a: NDArray[np.int32], b: NDArray[np.int32]) -> tuple[float, float]:
    """Return the Rand index of two clusterings, and the one adjusted for chance."""
    both = pairs_within(a.astype(np.int64) * (int(b.max()) + 1) + b)
    in_a, in_b, everything = pairs_within(a), pairs_within(b), len(a) * (len(a) - 1) / 2
    by_chance = in_a * in_b / everything
    return 1 - (in_a + in_b - 2 * both) / everything, (both - by_chance) / ((in_a + in_b) / 2 - by_chance)


def pairs_within(clusters: NDArray[np.integer]) -> float:
    """Count the pairs of rows that share a cluster."""
    sizes = np.unique(clusters, return_counts=True)[1].astype(np.float64)
    return float((sizes * (sizes - 1) / 2).sum())


if __name__ == "__main__":
    main()
