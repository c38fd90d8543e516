"""How several tests run the scripts of others: as modules of their own folder, and in two real processes."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch


@contextmanager
def modules_of(folder: Path, names: Sequence[str]) -> Iterator[dict[str, ModuleType]]:
    """Import an example's modules as its own scripts would, on one thread, and forget them afterwards."""
    sys.path.insert(0, str(folder))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # spinning threads take ten times as long beside other work
    try:
        yield {name: importlib.import_module(name) for name in names}
    finally:
        torch.set_num_threads(threads)
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)


def run_in_two_processes(script: Path, *arguments: str) -> str:
    """Run a script in two processes of the processor that torch.distributed joins; return what it printed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
            *(str(script), *arguments),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
