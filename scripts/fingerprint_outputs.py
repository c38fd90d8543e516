"""Record what the installed package writes and prints, so that two versions can be compared byte by byte.

Run it once per version and compare the two files:

    python scripts/fingerprint_outputs.py record before.json
    python scripts/fingerprint_outputs.py record after.json
    python scripts/fingerprint_outputs.py compare before.json after.json

`record` needs the reference data (`SYNDR_REFERENCE_DATA`). It takes about ten minutes on two cores.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import typer

DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", "../shared/data"))
PHOTOGRAPHS = 6
FEATURES = "--labels dmos.csv --reference-features kadid.npz --candidate-features kadis.npz"
RUNS = {
    "demo": "demo --all --quiet",
    "upsample": f"upsample {FEATURES} --types bid --recipe-only --out bid.parquet --selection bid-selection.parquet",
    "upsample-gp": f"upsample {FEATURES} --types livec --recipe-only --labeler gp --max-label-std 1 --out gp.parquet",
    "select": "select --reference-features kadid.npz --candidate-features kadis.npz --out selection.parquet",
    "label": f"label {FEATURES} --selection selection.parquet --types all --out labels.parquet",
    "cross-validate": f"label {FEATURES.rpartition(' --candidate')[0]} --cross-validate --compare",
    "distort": "distort photos --types all --out distorted --contact-sheet sheet.png",
    "distort-tars": "distort photos --types 1,9,11 --levels 3 --layout webdataset --format webp --out tars",
    "distort-parquet": "distort photos --types 1,9,11 --levels 3 --layout parquet --out stored",
    "distort-recipes": "distort photos --types bid --recipe-only --out recipes",
    "encode": "encode photos --encoder gist --out gist.parquet",
    "encode-recipes": "encode recipes/manifest.parquet --encoder gist --out recipes-gist.parquet",
    "downsample": "downsample --features epoch3.npy --manifest bid.parquet --dropped dropped.csv",
    "downsample-mos": "downsample --features epoch3.npy --manifest bid.parquet --scope mos --out mos.parquet",
    "mix": "mix --manifest distorted/manifest.parquet --count 20 --out mixed/mixes.parquet --preview mixed.png",
    "mix-recipes": "mix --manifest distorted/manifest.parquet --count 20 --recipe-only --out mixed-recipes/m.parquet",
    "export-ids": "export distorted/manifest.parquet --to ids --out exported-ids.txt",
    "export-pyiqa": "export manifests/demo/train.parquet --to pyiqa --out exported-pyiqa",
    "export-webdataset": "export manifests/demo/train.parquet --to webdataset --out exported-tars",
    "report-demo": "report manifests/demo/train.parquet --projection pca --out demo.html",
    "report": "report bid.parquet epoch3.parquet --features epoch3.npy --out report.html",
    "inspect": "inspect bid.parquet --json",
    "verify": "verify distorted/manifest.parquet --json",
    "distortions": "distortions --json",
}


def main() -> None:
    """Carry out one of the two subcommands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    record_parser = commands.add_parser("record", help="run everything and write the digests")
    record_parser.add_argument("out", type=Path)
    record_parser.add_argument("--only", nargs="*", help=f"names of runs: {', '.join(RUNS)}")
    compare_parser = commands.add_parser("compare", help="print what differs; exit 1 if anything does")
    compare_parser.add_argument("before", type=Path)
    compare_parser.add_argument("after", type=Path)
    given = parser.parse_args()
    if given.command == "record":
        record(given.out, given.only)
    else:
        sys.exit(compare(given.before, given.after))


def record(out: Path, only: list[str] | None) -> None:
    """Run every command in a folder made for it and write the digests of all that it wrote and printed."""
    found: dict[str, str] = dict(helps())
    with tempfile.TemporaryDirectory(prefix="fingerprint-") as folder:
        work = Path(folder) / "work"
        work.mkdir()
        gather_inputs(work)
        for name, arguments in RUNS.items():
            if only and name not in only:
                continue
            if name.startswith("downsample") and not (work / "epoch3.npy").exists():
                make_features(work)
            print(name, file=sys.stderr, flush=True)
            found.update(run(name, arguments, work))
        found.update((f"file {path.relative_to(work)}", digest(path.read_bytes())) for path in files_below(work))
    out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def compare(before: Path, after: Path) -> int:
    """Print every entry that differs and return 1 if there is one."""
    left, right = (json.loads(path.read_text()) for path in (before, after))
    names = sorted(left.keys() | right.keys())
    differing = [name for name in names if left.get(name) != right.get(name)]
    for name in differing:
        print(f"{name}: {left.get(name, 'absent')} -> {right.get(name, 'absent')}")
    print(f"{len(differing)} of {len(names)} differ")
    return int(bool(differing))


def helps() -> Iterator[tuple[str, str]]:
    """Give the digest of every command's `--help`."""
    from syndr_curate.cli import app

    def walk(command: Any, words: list[str]) -> Iterator[list[str]]:
        yield words
        for name, sub in getattr(command, "commands", {}).items():
            yield from walk(sub, [*words, name])

    for words in walk(typer.main.get_command(app), []):
        yield f"help {' '.join(words)}", digest(syndr_curate([*words, "--help"], Path.cwd()).stdout)


def gather_inputs(work: Path) -> None:
    """Copy the label file, features and photographs, so that every path is relative to the same folder."""
    shutil.copy(DATA / "kadid10k" / "dmos.csv", work / "dmos.csv")
    shutil.copy(DATA / "refset" / "train_ref.npz", work / "kadid.npz")
    shutil.copy(DATA / "refset" / "additional_ref.npz", work / "kadis.npz")
    photographs = sorted((DATA / "images" / "kodak").glob("*.png"))[: PHOTOGRAPHS // 2]
    photographs += sorted((DATA / "images" / "bsds").glob("*.jpg"))[: PHOTOGRAPHS // 2]
    (work / "photos").mkdir()
    for path in photographs:
        shutil.copy(path, work / "photos" / path.name)


def make_features(work: Path) -> None:
    """Write features of the manifest's rows that form clusters: a few directions with a little noise."""
    from syndr_curate import read_manifest

    rows = read_manifest(work / "bid.parquet").num_rows
    random = np.random.default_rng(3)
    directions = random.standard_normal((40, 64))
    features = directions[random.integers(0, 40, rows)] + 0.2 * random.standard_normal((rows, 64))
    np.save(work / "epoch3.npy", features.astype(np.float32))


def run(name: str, arguments: str, work: Path) -> Iterator[tuple[str, str]]:
    """Run one command and give the digest of what it printed; times are left out."""
    done = syndr_curate(arguments.split(), work)
    yield f"exit {name}", str(done.returncode)
    yield f"stdout {name}", digest(re.sub(rb'seconds"?:? +[0-9.,e-]+', b"", done.stdout))
    if done.returncode not in {0, 1}:
        print(done.stderr.decode(), file=sys.stderr)


def syndr_curate(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run the command line of the package that this Python imports."""
    code = "from syndr_curate.__main__ import main; main()"
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)


def files_below(work: Path) -> list[Path]:
    """Return all files, sorted."""
    return sorted(path for path in work.rglob("*") if path.is_file())


def digest(content: bytes) -> str:
    """Return the first 16 digits of the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


if __name__ == "__main__":
    main()
