"""The benchmark of approximate search: an index that looks into every cell misses nothing."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_an_index_that_looks_into_every_cell_finds_every_edge_and_the_same_clusters():
    script = ROOT / "benchmarks" / "cosine_approximate.py"
    flags = ["1000", "--width", "32", "--indexes", "ivf-4-4", "shards-2-2", "ivf-16-1"]
    done = subprocess.run([sys.executable, script, *flags], capture_output=True, text=True, check=True)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if "|" in line]
    found = {line[0]: line[-3:] for line in lines}
    assert found["ivf-4-4"] == found["shards-2-2"] == ["1.0000", "1.000000", "1.0000"]
    assert float(found["ivf-16-1"][0]) < 1
