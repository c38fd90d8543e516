"""Time the selection of references from a large pool: the two bounds, then the thinning.

Examples:
    python benchmarks/select_references.py --candidates 140000 --pool third
    python benchmarks/select_references.py --candidates 140000 --pool all
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cosine_measures import measure, write_features
from numpy.typing import NDArray
from syndr_curate.curate.engine.cosine import farthest, nearest, nearest_and_farthest, thin
from syndr_curate.curate.engine.cosine_workers import cores

# A candidate takes each of its numbers from one of a few references, drawn per number, times noise e^(s·normal): the
# more references and noise, the farther it lies from every one. Found by trial: about a third, and nearly all, pass.
POOLS = {"third": (2, 0.43), "all": (10, 0.3)}
FAMILY = 10  # candidates that share their parents' draw and differ by noise, as near-duplicates in a pool do
REFERENCES = Path(os.environ.get("SYNDR_REFERENCE_DATA", "../shared/data")) / "refset" / "train_ref.npz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=140_000)
    parser.add_argument("--pool", choices=sorted(POOLS), default="third")
    arguments = parser.parse_args()
    references = np.load(REFERENCES)["features"].astype(np.float32)
    print(f"{cores()} cores, load average {os.getloadavg()[0]:.1f} at the start; {len(references)} real references")
    thin(references, 0.1)
    nearest_and_farthest(references, references)  # compiles the loops before the clock runs
    make = crossed(references, *POOLS[arguments.pool], arguments.candidates)
    with tempfile.TemporaryDirectory() as folder:
        pool = write_features(Path(folder) / "pool.npy", make, arguments.candidates, references.shape[1])
        (passing, staying, seconds), taken = measure(lambda: select(pool, references))
        print(
            f"{len(pool):,} candidates, pool {arguments.pool!r}: {passing:,} pass both bounds, {staying:,} stay; "
            f"{taken.seconds:.1f} s in all ({taken.processor_seconds:.1f} s of processor), "
            f"{seconds[0]:.1f} s for the bounds, {seconds[1]:.1f} s for the thinning; "
            f"{taken.mebibytes:.0f} MiB beyond the mapped file"
        )


def select(pool: NDArray[Any], references: NDArray[np.float32]) -> tuple[int, int, tuple[float, float]]:
    """Algorithm 1 over the whole pool."""
    lower = float(np.median(nearest(references, references, 1, exclude_self=True)[0]))
    upper = float(farthest(references, references).max())
    (near, _, far), bounds = measure(lambda: nearest_and_farthest(pool, references))
    passing = np.flatnonzero((near > lower) & (far < upper))
    alive, thinning = measure(lambda: thin(pool, lower, among=passing))
    return len(passing), int(alive.sum()), (bounds.seconds, thinning.seconds)


def crossed(
    references: NDArray[np.float32], parents: int, spread: float, candidates: int
) -> Callable[[int, int], NDArray[np.float32]]:
    """Candidates that take each number from one of a few references, with noise that keeps signs and zeros."""
    width = references.shape[1]
    families = candidates // FAMILY + 1

    def make(start: int, stop: int) -> NDArray[np.float32]:
        rows = np.empty((stop - start, width), dtype=np.float32)
        noise = np.random.default_rng((1, start))
        for row in range(start, stop):
            rng = np.random.default_rng((0, row % families))
            chosen = rng.integers(0, len(references), parents)[rng.integers(0, parents, width)]
            rows[row - start] = references[chosen, np.arange(width)]
        rows *= np.exp(spread * noise.standard_normal(rows.shape, dtype=np.float32))
        return rows

    return make


if __name__ == "__main__":
    main()
