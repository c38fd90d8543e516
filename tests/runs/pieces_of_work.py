"""Functions that worker processes import: pieces of work for the tests of executors."""

import os
import signal
import sys
import time
from pathlib import Path

from syndr_curate.curate.errors import CurateError


class TwoArgumentsError(Exception):
    """Cannot be made again from what pickle keeps of it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")


class CountedTable:
    """Plain data of which every copy that is unpickled leaves a file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.offset = folder, 1000

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        (self.folder / f"copy{os.getpid()}").write_text("x")
        assert not (self.folder / f"second{os.getpid()}").exists()
        (self.folder / f"second{os.getpid()}").write_text("x")


def square(index: int) -> int:
    return index * index


def process_of(_index: int) -> int:
    time.sleep(0.2)
    return os.getpid()


def offset(table: CountedTable, index: int) -> int:
    return table.offset + index


def refuse_3(folder: Path, index: int) -> int:
    (folder / f"begun{index}").write_text("x")
    if index == 3:
        raise CurateError("row 3 has no label; expected one per row")
    return index


def look_up(index: int) -> int:
    return {0: 1}[index]


def raise_unpicklable(_index: int) -> int:
    raise TwoArgumentsError("kodim07", "no such plane")


def unpicklable(_index: int) -> object:
    return lambda: None


def kill_itself_at_5(index: int) -> int:
    if index == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return index


def run_out_of_memory(_index: int) -> int:
    raise MemoryError


def tidy_up(folder: Path, index: int) -> int:
    """Piece 0 fails once piece 1 is under way; piece 1 leaves its temporary file if nobody tidies up."""
    temporary = folder / "temporary"
    if index == 0:
        while not temporary.exists():
            time.sleep(0.01)
        raise CurateError("piece 0 fails")
    try:
        temporary.write_text("x")
        time.sleep(60)
    finally:
        temporary.unlink()
    return index


def sleep_in(folder: Path, index: int) -> int:
    """Say in a file which process sleeps, then sleep for longer than any test."""
    (folder / f"{os.getpid()}").write_text(str(index))
    time.sleep(60)
    return index


def threads_in_use(_index: int) -> dict[str, int]:
    """Load every library that threads itself, and ask each."""
    import cv2
    import faiss
    import numba
    import numpy as np
    import pyarrow as pa
    import torch
    from threadpoolctl import threadpool_info

    np.ones((8, 8)) @ np.ones((8, 8))
    pools = {f"{pool['internal_api']} {pool['filepath']}": pool["num_threads"] for pool in threadpool_info()}
    return pools | {
        "cv2": cv2.getNumThreads(),
        "faiss": faiss.omp_get_max_threads(),
        "numba": numba.get_num_threads(),
        "pyarrow": pa.cpu_count(),
        "torch": torch.get_num_threads(),
    }


def modules_loaded(_index: int) -> list[str]:
    return sorted(sys.modules)
