"""How fast `distort` runs end to end: workers, where the time goes, and whether memory grows with the rows.

    python benchmarks/distort_run.py --rows 600              # 1 against 2 workers, and the shares of the time
    python benchmarks/distort_run.py --memory 1000 20000     # peak memory of runs of so many rows
    python benchmarks/distort_run.py --layouts               # files, webdataset, parquet side by side

Photographs are taken from the reference data (SYNDR_REFERENCE_DATA); every figure is of a run of the command itself in
a process of its own, PNG output, all 25 types.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

COMMAND = Path(sys.executable).with_name("syndr-curate")
ALL_TYPES = 25
DENOISE = "denoise"  # a network, and by far the slowest type


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=600, help="rows of the runs that are timed")
    parser.add_argument("--size", default="768x512", help="WIDTHxHEIGHT that the photographs are scaled to")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--memory", type=int, nargs="+", metavar="ROWS", help="measure memory instead")
    parser.add_argument("--layouts", action="store_true", help="compare layouts instead")
    settings = parser.parse_args()
    data = Path(os.environ.get("SYNDR_REFERENCE_DATA", "../shared/data"))
    with tempfile.TemporaryDirectory(prefix="distort_run-") as name:
        folder = Path(name)
        if settings.memory:
            compare_memory(folder, settings.memory)
        elif settings.layouts:
            compare_layouts(scaled(data / "images" / "kodak", folder, settings), folder)
        else:
            references = scaled(data / "images" / "kodak", folder, settings)
            compare_workers(references, folder, settings.workers)
            show_shares(references)


def compare_workers(references: Path, folder: Path, workers: list[int]) -> None:
    run(references, folder / "warm", ["--types", "all", "--levels", "3", "--workers", "1"])  # compile and cache
    seconds = {}
    for count in workers:
        flags = ["--types", "all", "--levels", "3", "--workers", str(count)]
        seconds[count], _ = run(references, folder / f"workers{count}", flags)
        done = len(list(references.iterdir())) * ALL_TYPES
        ratio = seconds[workers[0]] / seconds[count]
        rate = f"{done / seconds[count]:.1f}/s, {ratio:.2f}x"
        print(f"{count} workers: {done} images in {seconds[count]:.1f} s, {rate}")


def compare_layouts(references: Path, folder: Path) -> None:
    for layout in ("files", "files", "webdataset", "parquet"):  # the first also compiles
        out = folder / layout
        shutil.rmtree(out, ignore_errors=True)
        flags = ["--types", "all", "--levels", "3", "--workers", "2", "--layout", layout]
        seconds, _ = run(references, out, flags)
        stored = sum(path.stat().st_size for path in (out / "images").rglob("*") if path.is_file())
        print(f"{layout}: {seconds:.1f} s, {stored / 1e6:.0f} MB")


def compare_memory(folder: Path, counts: list[int]) -> None:
    """Small pictures and two quick types, so that many rows take minutes: what grows, grows with the rows."""
    from syndr_curate.curate.demo.scenes import paint_scene
    from syndr_curate.curate.storage.images import encode_image

    for count in counts:
        references = folder / f"references{count}"
        references.mkdir()
        for number in range(count // 10):
            (references / f"r{number:06d}.png").write_bytes(encode_image(paint_scene("sky", number % 50, side=64)))
        flags = ["--types", "16,17", "--levels", "1,2,3,4,5", "--workers", "1"]
        seconds, peak = run(references, folder / f"out{count}", flags)
        encoded, peak_encode = timed(
            ["encode", str(references), "--encoder", "gist", "--out", f"{folder}/f{count}.parquet"]
        )
        print(f"{count} rows distorted: {seconds:.1f} s, peak {peak} MiB")
        print(f"{count // 10} images encoded: {encoded:.1f} s, peak {peak_encode} MiB")


def show_shares(photographs: Path) -> None:
    """Time the four steps of a row in one process, one after another."""
    from syndr_curate.curate.storage.images import decode_image, encode_image
    from syndr_curate.distortions import distort
    from syndr_curate.distortions.catalog import CATALOG

    spent: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory(prefix="distort_run-") as name:
        for path in sorted(photographs.iterdir())[:3]:
            started = time.perf_counter()
            reference = decode_image(path)
            spent["decode"] += time.perf_counter() - started
            for entry in CATALOG:
                distort(reference, entry.id, 3, seed=1)  # loads compiled code
                times = [time.perf_counter()]
                image = distort(reference, entry.id, 3, seed=1)
                times.append(time.perf_counter())
                content = encode_image(image)
                times.append(time.perf_counter())
                target = Path(name) / f"{entry.id}.png"
                target.write_bytes(content)
                with target.open("rb+") as file:
                    os.fsync(file.fileno())
                times.append(time.perf_counter())
                steps = (DENOISE if entry.name == DENOISE else "other distortions", "encode", "write")
                for step, (start, end) in zip(steps, pairwise(times), strict=True):
                    spent[step] += end - start
    whole = sum(spent.values())
    print("share of the time: " + ", ".join(f"{step} {100 * seconds / whole:.1f} %" for step, seconds in spent.items()))


def scaled(photographs: Path, folder: Path, settings: argparse.Namespace) -> Path:
    """Write the photographs in the size asked for, as many as the rows need."""
    import cv2
    from syndr_curate.curate.storage.images import decode_image, encode_image

    width, height = map(int, settings.size.split("x"))
    target = folder / "references"
    target.mkdir()
    for path in sorted(photographs.glob("*.png"))[: -(-settings.rows // ALL_TYPES)]:
        picture = decode_image(path)
        if picture.shape[0] > picture.shape[1]:
            picture = picture.transpose(1, 0, 2).copy()
        if picture.shape[:2] != (height, width):
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        (target / path.name).write_bytes(encode_image(picture))
    print(f"{len(list(target.iterdir()))} photographs of {width}x{height}, all types at level 3")
    return target


def run(references: Path, out: Path, flags: list[str]) -> tuple[float, int]:
    return timed(["distort", str(references), "--out", str(out), *flags])


def timed(arguments: list[str]) -> tuple[float, int]:
    """Run a command; seconds, and the peak resident memory of its largest process in MiB."""
    code = (
        "import json, resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(json.dumps(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, str(COMMAND), *arguments, "--quiet"], check=True, capture_output=True, text=True
    )
    return time.perf_counter() - started, json.loads(done.stdout) // 1024


if __name__ == "__main__":
    main()
