"""How a run that may take days is carried out, as the command line says it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import CurateError
from ..storage.texts.strict_numbers import whole_number
from .executors import Executor
from .shards import Mode, Share

_SLURM = "SLURM_ARRAY_TASK_"
_ROWS_WORTH_PROCESSES = 64


@dataclass(frozen=True)
class LongRun:
    """How a run that may take days is carried out; none of it changes the rows or the pixels.

    Attributes:
        mode: How it is started or resumed.
        executor: Who does the work; by default the calling process.
        rows_per_shard: Rows between two marks of progress on disk, and of an archive of pixels; None chooses.
    """

    mode: Mode = field(default_factory=Mode)
    executor: Executor | None = None
    rows_per_shard: int | None = None

    def executor_for(self, rows: int) -> Executor | None:
        """Return the executor for so many rows: for a few, starting processes would take longer than the rows."""
        few = rows < _ROWS_WORTH_PROCESSES and self.executor is not None and self.executor.name == "processes"
        return None if few else self.executor

    def executor_for_encoding(self) -> Executor | None:
        """Return the executor for encoding: on this machine, an encoder uses all cores from one process."""
        return self.executor if self.executor is not None and self.executor.name == "ray" else None


def run_folder(out: Path) -> Path:
    """Return the run folder of a result that is one file: beside it, `<name>.run`."""
    return out.with_name(f"{out.name}.run")


def parse_share(text: str) -> Share:
    """Turn `2/3` (the second of three shares) or `slurm` (this task's share of its array) into a share.

    `slurm:32` stands for an array of 32 tasks numbered from 0, of which only some run, as `--array=4,9` asks for.

    Raises:
        CurateError: None of these, or the environment has no Slurm array.
    """
    if text == "slurm":
        return _slurm_share()
    if text.startswith("slurm:"):
        return _share_of_gapped_array(text)
    first, _, second = text.partition("/")
    number, of = whole_number(first), whole_number(second)
    if number is None or of is None or not 1 <= number <= of:
        raise CurateError(f"--shard {text!r}: expected a share such as 1/3, or slurm, or slurm:32")
    return Share(number, of)


def _share_of_gapped_array(text: str) -> Share:
    of, task = whole_number(text.removeprefix("slurm:")), _slurm_number("ID")
    if of is None or of < 1:
        raise CurateError(f"--shard {text!r}: expected the number of all tasks behind the colon, such as slurm:32")
    if task >= of:
        raise CurateError(f"--shard {text}: this is task {task}; expected 0 to {of - 1}, as in --array=0-{of - 1}")
    return Share(task + 1, of)


def _slurm_number(name: str, fallback: str | None = None) -> int:
    text = os.environ.get(f"{_SLURM}{name}", fallback)
    value = None if text is None else whole_number(text)
    if value is None or value < 0:
        raise CurateError(f"--shard slurm reads {_SLURM}{name}, which is {text!r}: is this an array job?")
    return value


def _slurm_share() -> Share:
    fallbacks = {"ID": None, "COUNT": None, "MIN": "0", "STEP": "1"}
    values = {name: _slurm_number(name, fallback) for name, fallback in fallbacks.items()}
    task, count, first, step = (values[name] for name in ("ID", "COUNT", "MIN", "STEP"))
    # The last number allows every task of an array with gaps, not only those that find no place in it.
    last = _slurm_number("MAX", str(first + (count - 1) * step))
    if step < 1 or (last - first) // step + 1 != count or task not in range(first, last + 1, step):
        raise CurateError(
            f"--shard slurm: task {task} is of an array of {count} with gaps, or of none; give the number of all "
            "tasks, numbered from 0: --shard slurm:32"
        )
    return Share((task - first) // step + 1, count)
