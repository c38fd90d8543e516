"""What the benchmarks of the similarity search share: synthetic features on disk, a clock, a memory gauge."""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.runs.threads import each_task

Result = TypeVar("Result")
CHUNK_ROWS = 8192
SAMPLING_SECONDS = 0.004


class Measured(NamedTuple):
    """What one call took.

    Attributes:
        seconds: On the wall.
        processor_seconds: Summed over all threads; less sensitive to whatever else runs on the machine.
        mebibytes: The most anonymous memory it held beyond what was held before.
    """

    seconds: float
    processor_seconds: float
    mebibytes: float


def measure(call: Callable[[], Result]) -> tuple[Result, Measured]:
    """Time a call and sample its anonymous memory; pages of mapped files do not count."""
    release_memory()
    before, peak = anonymous_memory(), 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(SAMPLING_SECONDS):
            peak = max(peak, anonymous_memory())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    start, processor_start = time.perf_counter(), time.process_time()
    try:
        result = call()
    finally:
        seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor_start
        peak = max(peak, anonymous_memory())
        done.set()
        watcher.join()
    return result, Measured(seconds, processor_seconds, max(0, peak - before) / 2**20)


def anonymous_memory() -> int:
    """Anonymous memory of this process in bytes (RssAnon)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no RssAnon line; this benchmark needs Linux")


def release_memory() -> None:
    """Give freed memory back to the system, so that one method's leavings are not counted as another's."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)


def clusters(rows: int, width: int, seed: int = 0) -> Callable[[int, int], NDArray[np.float32]]:
    """Many small clusters: one center per 50 rows, drawn without any structure; cosines within one are about 0.94."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((max(1, rows // 50), width), dtype=np.float32)
    members = rng.integers(0, len(centers), rows)
    return lambda start, stop: centers[members[start:stop]] + 0.25 * _noise(start, stop, width, seed)


def collapsed(rows: int, width: int, seed: int = 0) -> Callable[[int, int], NDArray[np.float32]]:
    """Collapsed features, as after a few epochs: all cosines are about 0.97."""
    del rows
    center = np.random.default_rng(seed).standard_normal(width, dtype=np.float32)
    return lambda start, stop: center + 0.175 * _noise(start, stop, width, seed)


def mostly_collapsed(rows: int, width: int, seed: int = 0) -> Callable[[int, int], NDArray[np.float32]]:
    """Collapsed features but for one row in fifty, which stands alone."""
    center = np.random.default_rng(seed).standard_normal(width, dtype=np.float32)
    alone = np.random.default_rng(seed + 1).random(rows) < 0.02
    return lambda start, stop: (
        np.where(alone[start:stop, None], np.float32(0), center)
        + np.where(alone[start:stop, None], np.float32(1), np.float32(0.175)) * _noise(start, stop, width, seed)
    )


def contents(rows: int, width: int, seed: int = 0) -> Callable[[int, int], NDArray[np.float32]]:
    """Contents under distortion: a decaying spectrum, one content per 125 rows, and distortions all contents share.

    Cosines between contents are about 0.6 to 0.8, within a content 0.85 to 0.97: bridges and near misses abound.
    """
    rng = np.random.default_rng(seed)
    scales = (1.0 / np.sqrt(1.0 + np.arange(width))).astype(np.float32)
    centers = 3.0 * rng.standard_normal((max(1, rows // 125), width), dtype=np.float32) * scales
    kinds = 1.2 * rng.standard_normal((125, width), dtype=np.float32) * scales
    common = rng.standard_normal(width, dtype=np.float32) * 0.35
    content, kind = rng.integers(0, len(centers), rows), rng.integers(0, 125, rows)
    return lambda start, stop: (
        common + centers[content[start:stop]] + kinds[kind[start:stop]] + 0.05 * _noise(start, stop, width, seed)
    )


def unrelated(rows: int, width: int, seed: int = 0) -> Callable[[int, int], NDArray[np.float32]]:
    """No edge at all: every row a direction of its own."""
    del rows
    return lambda start, stop: _noise(start, stop, width, seed)


def _noise(start: int, stop: int, width: int, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng((seed, 1, start))
    return rng.standard_normal((stop - start, width), dtype=np.float32)


REGIMES: dict[str, Callable[[int, int], Callable[[int, int], NDArray[np.float32]]]] = {
    "clusters": clusters,
    "collapsed": collapsed,
    "mostly-collapsed": mostly_collapsed,
    "contents": contents,
    "unrelated": unrelated,
}


def labels_for(regime: str, rows: int) -> NDArray[np.float32]:
    """Labels, uniform on [0, 10]."""
    return np.random.default_rng(len(regime)).uniform(0, 10, rows).astype(np.float32)


def write_features(
    path: Path, make: Callable[[int, int], NDArray[np.float32]], rows: int, width: int, dtype: str = "float32"
) -> NDArray[Any]:
    """Write features to a `.npy` file in a stream and return them memory-mapped."""
    file = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=(rows, width))
    for start in range(0, rows, CHUNK_ROWS):
        stop = min(start + CHUNK_ROWS, rows)
        file[start:stop] = make(start, stop)
    file.flush()
    mapped: NDArray[Any] = np.load(path, mmap_mode="r")
    return mapped


def in_memory(regime: str, rows: int, width: int) -> NDArray[np.float32]:
    """Features of a regime."""
    features = np.empty((rows, width), dtype=np.float32)
    make = REGIMES[regime](rows, width)

    def fill(start: int) -> None:
        features[start : start + CHUNK_ROWS] = make(start, min(start + CHUNK_ROWS, rows))

    each_task(range(0, rows, CHUNK_ROWS), fill)
    return features


def same_partition(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two numberings name the same clusters."""
    both = np.unique(np.stack([a, b]), axis=1).shape[1]
    return both == len(np.unique(a)) == len(np.unique(b))
