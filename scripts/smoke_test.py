"""A minute of use of an installed `syndr-curate`, in a folder where `syndr-curate demo` has just run.

`python -I scripts/smoke_test.py ENVIRONMENT`, with the Python of that environment; `scripts/release_check.py` does so.
Each step either holds or ends the program with an error.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import syndr_curate

TRAIN = "manifests/demo/train.parquet"
# The third entry point of the README: only photographs.
PHOTOGRAPHS_ALONE = (
    *("upsample", "--references", "manifests/demo/references", "--conditions", "kadid10k", "--types", "bid"),
    *("--out", "manifests/own.parquet", "--quiet"),
)
COMMANDS = (
    ("inspect", TRAIN),
    ("verify", TRAIN),
    PHOTOGRAPHS_ALONE,
    ("verify", "manifests/own.parquet"),
    ("export", "manifests/own.parquet", "--to", "ids", "--out", "ids"),
)


def main(environment: Path) -> None:
    """Use the package from Python, then its commands."""
    home = Path(syndr_curate.__file__).resolve()
    expect(home.is_relative_to(environment.resolve()), f"the package comes from {home}, not from {environment}")
    every_public_name()
    distorted_pictures()
    training_rows()
    script = Path(sys.executable).with_name("syndr-curate")
    for command in COMMANDS:
        done = subprocess.run([script, *command], capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"smoke test passed: {len(syndr_curate.__all__)} public names, 25 types, {len(COMMANDS)} commands")


def every_public_name() -> None:
    """Each name of the public API is there: its module imports with the libraries that were installed."""
    for name in syndr_curate.__all__:
        getattr(syndr_curate, name)


def distorted_pictures() -> None:
    """Every type of KADID-10k changes a picture; the compiled code and the denoiser's weights are found."""
    picture = np.random.default_rng(seed=0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    for kind in range(1, 26):
        distorted = syndr_curate.distort(picture, kind, level=5, seed=123)
        expect(distorted.shape == picture.shape, f"type {kind} changes the shape to {distorted.shape}")
        expect(bool((distorted != picture).any()), f"type {kind} changes no pixel")


def training_rows() -> None:
    """A trainer reads the demo's manifest."""
    rows = syndr_curate.ManifestDataset(TRAIN, split="train")
    sample = rows[0]
    expect(len(rows) > 0 and sample.image.shape[0] == 3, f"the first of {len(rows)} rows is {sample}")
    expect(0 <= float(sample.label) <= 10, f"its label {sample.label} is outside [0, 10]")


def expect(holds: bool, otherwise: str) -> None:
    """End the program with an error unless something holds."""
    if not holds:
        sys.exit(f"smoke test failed: {otherwise}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
