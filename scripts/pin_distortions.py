"""Record sampled values of all distortions for tests/distortions/test_pinned_outputs.py.

Run it only after tests/parity has passed on the reference data: what it records is held everywhere from then on.

    python scripts/pin_distortions.py
"""

from pathlib import Path

import numpy as np
from syndr_curate.curate.demo.scenes import paint_scene
from syndr_curate.curate.storage.images import encode_image
from syndr_curate.distortions import CAMERA, CATALOG, distort

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "distortions" / "pinned"
SCENES = ("city", "bubbles")
SIDE, LEVELS, SEED, SAMPLES = 128, (1, 3, 5), 123, 64


def main() -> None:
    """Paint the pictures, distort them and write both."""
    FOLDER.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, SIDE, (2, SAMPLES))
    arrays = {"rows": rows.astype(np.int16), "columns": columns.astype(np.int16)}
    for scene in SCENES:
        picture = paint_scene(scene, 0, side=SIDE)
        (FOLDER / f"{scene}.png").write_bytes(encode_image(picture))
        for entry in (*CATALOG, *CAMERA):
            for level in LEVELS:
                distorted = distort(picture, entry.id, level, seed=SEED)
                arrays[f"{scene}-{entry.id}-{level}"] = distorted[rows, columns]
    np.savez_compressed(FOLDER / "outputs.npz", **arrays)


if __name__ == "__main__":
    main()
