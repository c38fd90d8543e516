"""Time the stage `select` over a large pool: checks, digests, the two bounds, the thinning, and the file.

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

import numpy as np
from cosine_measures import measure, write_features
from numpy.typing import NDArray
from syndr_curate.curate.runs.threads import cores
from syndr_curate.curate.similarity import nearest_and_farthest, thin
from syndr_curate.curate.upsampling.select import run_select

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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pool = write_features(folder / "pool.npy", make, arguments.candidates, references.shape[1])
        (folder / "pool.ids.txt").write_text("".join(f"candidate{row}\n" for row in range(len(pool))))
        summary, taken = measure(lambda: run_select(REFERENCES, folder / "pool.npy", folder / "selection.parquet"))
        counts = summary["statuses"]
        passing = counts.get("kept", 0) + counts.get("thinned", 0)
        print(
            f"{len(pool):,} candidates, pool {arguments.pool!r}: {passing:,} pass the bounds, {counts['kept']:,} stay; "
            f"the stage took {taken.seconds:.1f} s ({taken.processor_seconds:.1f} s of processor), "
            f"{taken.mebibytes:.0f} MiB beyond the mapped file"
        )


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
