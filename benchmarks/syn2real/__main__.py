"""Does reshaping a synthetic set help on authentic-like images? One command, and it goes on where it stopped.

From photographs it makes a labeled set as KADID-10k is made (some types at five levels; the labels are those of a
full-reference metric, MDSI), a pool of candidate references, and a target set: other photographs, degraded as cameras,
phones and web sites do it. The same small network is trained from scratch on the labeled set alone, and on what the
toolkit's stages make of it.

Examples:
    python -m benchmarks.syn2real --size small
    python -m benchmarks.syn2real --photographs ~/photographs --workers 8
    python -m benchmarks.syn2real --size large --device cuda
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

from syndr_curate.curate.errors import CurateError
from syndr_curate.curate.storage.atomic import write_bytes
from syndr_curate.curate.storage.figures import require_matplotlib

from ..shared.work import carry_out_all
from .experiment import carry_out
from .pictures import content_features, find_photographs, make_pictures, target_ids, used_ids
from .report import Report
from .settings import ARMS, SIZES, Run

PHOTOGRAPHS = Path(os.environ.get("SYNDR_REFERENCE_DATA", "../shared/data")) / "images"


def main() -> int:
    arguments = _arguments()
    run = Run(arguments.out or Path("out") / f"syn2real-{arguments.size}", SIZES[arguments.size], arguments.device)
    deadline = None if arguments.minutes is None else time.monotonic() + 60 * arguments.minutes
    try:
        require_matplotlib("report.png")
        finished = carry_on(run, arguments.photographs, workers=arguments.workers, deadline=deadline)
    except CurateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not finished:
        print("time is up; the same command goes on", file=sys.stderr)
    return 0


def carry_on(run: Run, photographs: Path, *, workers: int, deadline: float | None = None) -> bool:
    """Do what is left of a run, and report what is there.

    Args:
        run: The run.
        photographs: Folder of photographs.
        workers: Processes.
        deadline: `time.monotonic()` after which nothing is started any more.

    Returns:
        Whether the run is complete.
    """
    started = time.monotonic()
    found, digest = find_photographs(photographs, run.size)
    run.keep_plan(digest)
    ids = sorted(found)
    used, targets = used_ids(ids, run), set(target_ids(ids, run))
    pictures = [(make_pictures, (run, i, found[i]), {"target": i in targets}) for i in used]
    complete = carry_out_all(pictures, workers=workers, deadline=deadline)
    if complete:
        content_features(run, used)
        print(f"pictures are ready after {time.monotonic() - started:.0f} s", file=sys.stderr)
        # Seed by seed, so that a run cut short compares all arms over the seeds that it has.
        units = [(arm, seed) for seed in range(run.size.seeds) for arm in ARMS]
        left = [unit for unit in units if not run.result_path(*unit).is_file()]
        counter = _Counter(len(units) - len(left), len(units))
        trainings = [(carry_out, (run, ids, *unit), {}) for unit in left]
        on_gpu = run.device != "cpu"
        complete = carry_out_all(
            trainings, workers=1 if on_gpu else workers, deadline=deadline, progress=counter.one_more
        )
    _report(run)
    return complete


class _Counter:
    def __init__(self, done: int, total: int) -> None:
        self.done, self.total, self.before, self.started = done, total, done, time.monotonic()

    def one_more(self) -> None:
        self.done += 1
        pace = (time.monotonic() - self.started) / (self.done - self.before)
        left = pace * (self.total - self.done)
        print(f"{self.done} of {self.total} trainings, about {left / 60:.1f} minutes left", file=sys.stderr, flush=True)


def _report(run: Run) -> None:
    report = Report(run)
    if not report.results["baseline"]:
        return
    text = report.as_text()
    write_bytes(run.folder / "report.txt", f"{text}\n".encode())
    write_bytes(run.folder / "report.json", json.dumps(report.as_json(), indent=1).encode())
    write_bytes(run.folder / "report.png", report.figure())
    print(text)
    print(f"\nreport.txt, report.json and report.png are in {run.folder}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.syn2real", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--size", choices=tuple(SIZES), default="default", help="tiny shows that it runs; default: default"
    )
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS, help="searched with its subfolders")
    parser.add_argument("--out", type=Path, help="default: out/syn2real-<size>")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes; they change no figure")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="for the training")
    parser.add_argument("--minutes", type=float, help="start nothing new after so long; the same command goes on")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
