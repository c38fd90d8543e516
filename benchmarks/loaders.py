"""What an image costs in training: rendered on the fly, or read from files, tars and Parquet files.

    python benchmarks/loaders.py                 # photographs of the reference data, or painted scenes
    python benchmarks/loaders.py --images DIR --count 8

Prints milliseconds per image: per distortion type, then per way of storing pixels and number of workers, in a shuffled
order, beside the decoding of the reference that a recipe row needs. One thread computes an image.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import torch
from syndr_curate import ManifestDataset
from syndr_curate.curate.demo.scenes import SCENE_KINDS, paint_scene
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.images import decode_image, encode_image
from syndr_curate.distortions.catalog import CATALOG
from torch.utils.data import DataLoader

ALL_TYPES = tuple(entry.id for entry in CATALOG)
SLOWEST = 15  # denoise: a network on the processor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=None, help="folder of photographs")
    parser.add_argument("--count", type=int, default=8, help="photographs taken")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photographs = gather(arguments.images, folder / "photographs", arguments.count)
        pixels = decode_image(photographs[0])
        print(f"{len(photographs)} photographs, the first {pixels.shape[1]}x{pixels.shape[0]}")
        print(f"decoding a reference: {1e3 * seconds_per_decoding(photographs):.1f} ms")
        for way, choice in {
            "recipe": {"recipe_only": True},
            "files": {},
            "webdataset": {"layout": "webdataset"},
            "parquet": {"layout": "parquet"},
        }.items():
            run_distort(folder / "photographs", folder / way, types=ALL_TYPES, levels=(3,), **choice)
        per_type(ManifestDataset(folder / "recipe" / "manifest.parquet"))
        per_store(folder, arguments.workers)


def gather(images: Path | None, folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    data = Path(os.environ.get("SYNDR_REFERENCE_DATA", "../shared/data")) / "images" / "kodak"
    source = images or (data if data.is_dir() else None)
    if source is None:
        for number in range(count):
            scene = paint_scene(SCENE_KINDS[number % len(SCENE_KINDS)], number, side=512)
            (folder / f"scene{number}.png").write_bytes(encode_image(scene))
    else:
        for path in sorted(p for p in source.iterdir() if p.is_file())[:count]:
            (folder / path.name).write_bytes(path.read_bytes())
    return sorted(folder.iterdir())


def seconds_per_decoding(photographs: list[Path]) -> float:
    started = time.perf_counter()
    for path in photographs:
        decode_image(path)
    return (time.perf_counter() - started) / len(photographs)


def per_type(dataset: ManifestDataset) -> None:
    """Print what each type costs, its reference decoded beforehand."""
    kinds = dataset.rows["distortion_id"].to_pylist()
    names = dataset.rows["distortion"].to_pylist()
    costs: dict[int, list[float]] = {}
    for warm in (True, False):
        for place, kind in enumerate(kinds):
            started = time.perf_counter()
            dataset.pixels(place)
            if not warm:
                costs.setdefault(kind, []).append(time.perf_counter() - started)
    print("\nrendered on the fly, reference decoded: ms per image")
    for kind, seconds in sorted(costs.items()):
        print(f"  {kind:>2} {names[kinds.index(kind)]:<26} {1e3 * sum(seconds) / len(seconds):8.1f}")
    everything = [s for seconds in costs.values() for s in seconds]
    rest = [s for kind, seconds in costs.items() if kind != SLOWEST for s in seconds]
    print(f"  mean of all types {1e3 * sum(everything) / len(everything):.1f}, without type {SLOWEST} ", end="")
    print(f"{1e3 * sum(rest) / len(rest):.1f}")


def per_store(folder: Path, workers: list[int]) -> None:
    print(f"\nall types but {SLOWEST}, shuffled: ms per image")
    print(f"  {'pixels':<28}" + "".join(f"{f'{count} workers':>12}" for count in workers))
    for way, limit in (("recipe", None), ("recipe", 0), ("files", None), ("webdataset", None), ("parquet", None)):
        choice = {} if limit is None else {"reference_cache_bytes": limit}
        dataset = ManifestDataset(folder / way / "manifest.parquet", **choice)
        places = [p for p, kind in enumerate(dataset.rows["distortion_id"].to_pylist()) if kind != SLOWEST]
        times = [1e3 * seconds_per_image(dataset, places, count) for count in workers]
        label = way if limit is None else f"{way}, references not kept"
        print(f"  {label:<28}" + "".join(f"{ms:>12.1f}" for ms in times))


def seconds_per_image(dataset: ManifestDataset, places: list[int], workers: int) -> float:
    """Time the second of two epochs, with workers that stay: what every epoch but the first costs."""
    torch.manual_seed(0)
    subset = torch.utils.data.Subset(dataset, places)
    loader = DataLoader(subset, shuffle=True, batch_size=None, num_workers=workers, persistent_workers=workers > 0)
    for _ in _drained(loader):
        pass
    started = time.perf_counter()
    count = sum(1 for _ in _drained(loader))
    return (time.perf_counter() - started) / count


def _drained(loader: "DataLoader[object]") -> Iterator[object]:
    yield from loader


if __name__ == "__main__":
    main()
