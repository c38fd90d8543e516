"""Whether each type of the camera family is worse from level to level: medians of MDSI over photographs.

    python benchmarks/camera_severity.py [--photographs DIR] [--seed 123]

Every picture is rendered as `distort` renders its row, and compared with its stretched reference. Without
``--photographs`` the 24 Kodak pictures of the reference data are taken (``SYNDR_REFERENCE_DATA``). Ends with 1 if a
median does not grow.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.manifest.seeds import row_seed, stream_seed
from syndr_curate.curate.rendering.mdsi import mdsi
from syndr_curate.curate.rendering.render import render
from syndr_curate.curate.storage.images import decode_image
from syndr_curate.distortions import CAMERA, LEVELS, PRISTINE

REFERENCE_DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", Path(__file__).parents[1] / "../shared/data"))
KODAK = REFERENCE_DATA / "images" / "kodak"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, default=KODAK)
    parser.add_argument("--seed", type=int, default=123)
    options = parser.parse_args()
    photographs = {path.stem: decode_image(path) for path in sorted(options.photographs.glob("*.png"))}
    print(f"median of MDSI over {len(photographs)} photographs, seed {options.seed}")
    print("| type |" + "".join(f" level {level} |" for level in LEVELS))
    print("| --- |" + " --- |" * len(LEVELS))
    grows = True
    for entry in CAMERA:
        medians = median_deviations(photographs, entry.id, seed=options.seed)
        grows &= bool((np.diff(medians) > 0).all())
        print(f"| {entry.id} {entry.name} |" + "".join(f" {median:.3f} |" for median in medians), flush=True)
    return 0 if grows else 1


def median_deviations(photographs: Mapping[str, NDArray[np.uint8]], kind: int, *, seed: int) -> NDArray[np.float64]:
    """Measure one type.

    Args:
        photographs: Pictures by id, uint8 (H, W, 3) RGB.
        kind: Id of the type.
        seed: The run's seed.

    Returns:
        Median of MDSI at levels 1 to 5.
    """
    clean = {name: render(picture, PRISTINE, 0, 0) for name, picture in photographs.items()}
    deviations = [
        [
            mdsi(clean[name], render(picture, kind, level, row_seed(stream_seed(seed, name, kind, level))))
            for name, picture in photographs.items()
        ]
        for level in LEVELS
    ]
    return np.median(deviations, axis=1)


if __name__ == "__main__":
    sys.exit(main())
