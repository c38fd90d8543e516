"""How much faster or slower a command is than at another commit: a ratio, measured in one run.

Both commits are checked out, the command runs in each by turns (this, other; other, this; ...), and every pair gives a
ratio. Machines differ, and so does one machine from hour to hour: a ratio of two runs side by side is what stays true.

Examples:
    python benchmarks/compare.py main -- syndr-curate distort photos --types all --out {out}
    python benchmarks/compare.py HEAD~1 --runs 9 -- python benchmarks/distortions.py
    python benchmarks/compare.py v0.1.0 --commit HEAD -- syndr-curate report train.parquet --out {out}/report.html

`{out}` stands for an empty folder of each run. A command that writes nothing into it may leave it out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "syndr_curate"


@dataclass(frozen=True)
class Cost:
    """What one run of the command took.

    Attributes:
        seconds: Of the clock.
        processor: Seconds of the processor, of the command and all that it started.
        megabytes: Of memory at the peak of its largest process.
    """

    seconds: float
    processor: float
    megabytes: float


def main() -> int:
    arguments = _arguments()
    commits = {"this": _commit(arguments.commit), "other": _commit(arguments.other)}
    with tempfile.TemporaryDirectory(prefix="compare-") as folder, _trees(Path(folder), commits) as trees:
        costs = measure(trees, arguments.command, runs=arguments.runs, folder=Path(folder))
    for line in lines(costs, commits):
        print(line)
    if arguments.json:
        arguments.json.write_text(json.dumps({side: [asdict(cost) for cost in found] for side, found in costs.items()}))
    return 0


def measure(trees: dict[str, Path], command: Sequence[str], *, runs: int, folder: Path) -> dict[str, list[Cost]]:
    """Run a command by turns in two trees.

    Args:
        trees: `this` and `other`.
        command: With `{out}` where it takes an empty folder.
        runs: Of each, after one that is not counted: it compiles and fills the caches of the system.
        folder: For the empty folders.

    Returns:
        Costs by tree, in the order of the pairs.

    Raises:
        SystemExit: The command failed; its output is shown.
    """
    costs: dict[str, list[Cost]] = {side: [] for side in trees}
    for number in range(-1, runs):
        order = list(trees) if number % 2 == 0 else list(reversed(trees))
        for side in order:
            found = _run(trees[side], command, folder / "out")
            if number >= 0:
                costs[side].append(found)
        print(f"{number + 1} of {runs} pairs", file=sys.stderr, flush=True)
    return costs


def lines(costs: dict[str, list[Cost]], commits: dict[str, str]) -> Iterator[str]:
    """Say what each side took and the ratio of each pair, this by other: below 1 this is faster, or smaller."""
    names = ", ".join(f"{side} {commit[:10]}" for side, commit in commits.items())
    yield f"{names}; {len(costs['this'])} pairs; ratio = this / other"
    for field, unit in (("seconds", "s"), ("processor", "s of the processor"), ("megabytes", "MB at the peak")):
        this, other = ([getattr(cost, field) for cost in costs[side]] for side in ("this", "other"))
        ratios = [mine / theirs for mine, theirs in zip(this, other, strict=True)]
        yield (
            f"{field}: median ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); "
            f"{statistics.median(this):.2f} and {statistics.median(other):.2f} {unit}"
        )


def _run(tree: Path, command: Sequence[str], out: Path) -> Cost:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    filled = [part.replace("{out}", str(out)) for part in command]
    # The tree's package comes before an installed one, and its scripts do, too.
    paths = [str(tree.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(filled, cwd=tree, env=environment, stdout=said, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            text = said.read().decode(errors="replace")[-2000:]
            raise SystemExit(
                f"error: exit status {process.returncode} in {tree.parent.name}: {' '.join(filled)}\n{text}"
            )
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@contextmanager
def _trees(folder: Path, commits: dict[str, str]) -> Iterator[dict[str, Path]]:
    """Check commits out, each as a package of the toolkit's name in a folder of its own."""
    trees = {side: folder / side / PACKAGE for side in commits}
    try:
        for side, tree in trees.items():
            _git("worktree", "add", "--quiet", "--detach", str(tree), commits[side])
        yield trees
    finally:
        for tree in trees.values():
            subprocess.run(
                ["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=False, capture_output=True
            )


def _commit(name: str) -> str:
    return _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", what=f"no commit {name!r}")


def _git(*arguments: str, what: str | None = None) -> str:
    found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"error: {what or found.stderr.strip()}")
    return found.stdout.strip()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/compare.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("other", help="the commit to compare with")
    parser.add_argument(
        "--commit", default="HEAD", help="what is compared; default: HEAD, without what is not committed"
    )
    parser.add_argument("--runs", type=int, default=5, help="pairs that count, after one that does not; default: 5")
    parser.add_argument("--json", type=Path, help="also write every run's cost to this file")
    parser.add_argument("command", nargs="+", help="after --: the command, run in the tree of each commit")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error(f"--runs {arguments.runs}: expected 1 or more")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
