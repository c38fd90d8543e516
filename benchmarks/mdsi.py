"""MDSI beside its definition in float64: time per picture, and by how much labels differ.

    python benchmarks/mdsi.py PICTURES --pictures 24

Both run in this process, one thread each, in turn.
"""

import argparse
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from syndr_curate import distort
from syndr_curate.curate.rendering.mdsi import MeasuredReference, mdsi, proxy_quality
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.distortions.catalog import CATALOG

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "rendering"))
from mdsi_definition import mdsi_by_definition

LEVELS = (1, 3, 5)
SLOW = ("denoise",)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=6)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    times = {"definition": [], "mdsi": [], "of a measured reference": []}
    differences = []
    files = sorted(file for file in asked.folder.rglob("*") if file.suffix in (".png", ".jpg"))[: asked.pictures]
    if not files:
        parser.error(f"no .png or .jpg in {asked.folder}")
    for file in files:
        reference = decode_image(file)
        measured = MeasuredReference(reference)
        for entry in CATALOG:
            if entry.name in SLOW:
                continue
            for level in LEVELS:
                image = distort(reference, entry.id, level, **({"seed": 1} if entry.random else {}))
                ways = (partial(mdsi_by_definition, reference), partial(mdsi, reference), measured.mdsi)
                scores = []
                for spent, way in zip(times.values(), ways, strict=True):
                    begun = time.process_time()
                    scores.append(way(image))
                    spent.append(1e3 * (time.process_time() - begun))
                differences.append(abs(proxy_quality(scores[0]) - proxy_quality(scores[1])))
    slow = statistics.median(times["definition"])
    print(f"{len(files)} pictures, the last of {reference.shape[1]}x{reference.shape[0]}; {len(differences)} versions")
    for name, spent in times.items():
        middle = statistics.median(spent)
        print(f"{name:<24} {middle:6.1f} ms  {slow / middle:4.1f}x")
    print(f"labels differ by {np.mean(differences):.6f} on average, at most {max(differences):.6f}")


if __name__ == "__main__":
    main()
