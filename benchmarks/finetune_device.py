"""The fine-tuning mode of the benchmark on real photographs on a device, for as many seeds as fit.

    python benchmarks/finetune_device.py --device cuda --seconds 180
    python benchmarks/finetune_device.py --tiny

With the reference data (`SYNDR_REFERENCE_DATA`) and the weights of the extra `offline` it runs `--size small` on real
photographs. Without them, and with `--tiny`, photographs are painted, scores drawn and weights random: only the speed
means something then. Prints lines of a Markdown table; the report of a real run stays in `--out`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import syndr_curate
from made_data import paint_photographs, random_resnet18
from syndr_curate import CurateError, LabelColumns, write_manifest
from syndr_curate.curate.encoding.weights import packaged_lite0

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", ROOT / "../shared/data"))
SIDE = 256
ROWS_A_AND_C = ("bid:plain", "bid:half")  # of the paper's Table 4: without and with thinning
SEEDS = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--seconds", type=float, default=180.0, help="start nothing new after so long")
    parser.add_argument("--tiny", action="store_true", help="painted photographs, two steps, one seed")
    parser.add_argument("--out", type=Path, default=Path("out/gpu/real-photos"))
    arguments = parser.parse_args()
    real = not arguments.tiny and (DATA / "livec_dev").is_dir() and has_lite0()
    flags = (
        ["--size", "small", "--steps", "180", "--crop", "128"] if real else painted(arguments.out.with_suffix(".made"))
    )
    seeds = 1 if arguments.tiny else SEEDS
    if arguments.tiny:
        flags += ["--steps", "2", "--batch", "2"]
    command = [
        *(sys.executable, "-m", "benchmarks.real_photos", "--finetune", "--out", str(arguments.out.resolve()), *flags),
        *("--device", arguments.device, "--seeds", str(seeds), "--minutes", str(arguments.seconds / 60)),
        *("--trials", *ROWS_A_AND_C),
    ]
    started = time.perf_counter()
    status = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode
    seconds = time.perf_counter() - started
    trained = sorted(file.stat().st_mtime for file in arguments.out.glob("finetuned/*/*.npz"))
    what = "real photographs" if real else "painted photographs, random weights"
    apart = f"{np.median(np.diff(trained)):.1f} s each" if len(trained) > 1 else "one training tells no time of its own"
    print(
        f"| fine-tuning on {what}, {' and '.join(ROWS_A_AND_C)} | {len(trained)} of {seeds * len(ROWS_A_AND_C)} "
        f"trainings in {seconds:.0f} s, everything before them included | {apart} |"
    )
    if status == 0 and not trained:
        print("the time was up before the first training", file=sys.stderr)
        return 1
    return status


def has_lite0() -> bool:
    """Tell whether the weights of the extra `offline` are there."""
    try:
        packaged_lite0()
    except CurateError:
        return False
    return True


def painted(folder: Path) -> list[str]:
    """Paint photographs, draw scores, and return the flags that take them."""
    pristine, new, real = (
        paint_photographs(folder / name, count, side=SIDE)
        for name, count in (("pristine", 5), ("new", 3), ("real", 12))
    )
    scores = np.random.default_rng(0).uniform(0, 100, len(real)).round(1)
    lines = [f"{file.name},{score}" for file, score in zip(real, scores, strict=True)]
    (folder / "scores.csv").write_text("\n".join(["name,score", *lines]))
    columns = LabelColumns(id="name", label="score", std=None)
    table = syndr_curate.testset(
        "csv", images=folder / "real", labels=folder / "scores.csv", columns=columns, dataset="real"
    )
    write_manifest(table, folder / "target.parquet")
    weights = random_resnet18(folder)
    return [
        *("--size", "tiny", "--network", "resnet18", "--weights", str(weights.resolve())),
        *("--pristine", str(pristine[0].parent.resolve()), "--candidates", str(new[0].parent.resolve())),
        *("--target", str((folder / "target.parquet").resolve())),
    ]


if __name__ == "__main__":
    sys.exit(main())
