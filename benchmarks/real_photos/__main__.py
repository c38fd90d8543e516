"""Which training set helps on real photographs? One command, and it goes on where it stopped.

Pristine photographs are distorted by the toolkit's stages, encoded by a frozen network, and labeled; a ridge regression
on each training set then rates a set of real photographs that people have scored. `protocol.md` beside this file says
what may be chosen by which scores.

Examples:
    python -m benchmarks.real_photos --size small
    python -m benchmarks.real_photos --target koniq.parquet --second livec.parquet --out out/koniq
    python -m benchmarks.real_photos --finetune --minutes 300
    python -m benchmarks.real_photos --finetune --device cuda --steps 720 --crop 224 --seeds 5
    python -m benchmarks.real_photos --write-evidence docs/evidence.md
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from syndr_curate import write_manifest
from syndr_curate.curate.errors import CurateError

from .evidence import require_section, write_section
from .finetuning.networks import LITE0, NETWORKS, require_weights
from .finetuning.tasks import TRIALS, name_of
from .finetuning.training import Training
from .report import as_markdown
from .settings import SIZES, Inputs, NeighborLabels, Run
from .stages import Clock, carry_on
from .target import read_livec_dev

DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", "../shared/data"))
MINUTES = 40.0
NEIGHBOR_ENCODER = "resnet50"
_OF_FINE_TUNING = ("network", "weights", "device", "steps", "batch", "crop", "seeds")
_LEAST_CROP = 32


def main() -> int:
    arguments = _arguments()
    try:
        _refuse_without_effect(arguments)
        return _run(arguments)
    except CurateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(arguments: argparse.Namespace) -> int:
    out = arguments.out or Path("out") / f"real-photos-{arguments.size}"
    deadline = time.monotonic() + 60 * arguments.minutes
    run = Run(out, SIZES[arguments.size], _inputs(arguments, out), tuple(arguments.arms or ()))
    training = _training(arguments) if arguments.finetune else None
    trials = tuple(arguments.trials or ())
    results = carry_on(run, Clock(arguments.workers, deadline), training, trials)
    complete = results is not None and results["complete"]
    if results is not None:
        text = as_markdown(results)
        if arguments.write_evidence and complete:
            write_section(arguments.write_evidence, text)
        print(text)
        print(f"\nreport.md, report.json and report.png are in {out}")
    if not complete:
        unwritten = f"; {arguments.write_evidence} is left as it is" if arguments.write_evidence else ""
        print(f"time is up; the same command goes on{unwritten}", file=sys.stderr)
    if arguments.neighbor_labels is None:
        print("no labels by the neighbor rule: they need --neighbor-labels and --neighbor-features", file=sys.stderr)
    return 0


def _refuse_without_effect(arguments: argparse.Namespace) -> None:
    """Refuse, before hours of work, what would be passed over or would fail at their end."""
    for name in (*_OF_FINE_TUNING, "trials"):
        if getattr(arguments, name) is not None and not arguments.finetune:
            raise CurateError(f"--{name} has no effect without --finetune: leave it out, or give --finetune")
    for name in ("steps", "batch", "seeds"):
        number = getattr(arguments, name)
        if number is not None and number < 1:
            raise CurateError(f"--{name} {number}: expected 1 or more")
    frame = SIZES[arguments.size].frame
    if arguments.finetune and not _LEAST_CROP <= _training(arguments).crop <= frame:
        raise CurateError(
            f"--crop: expected {_LEAST_CROP} to {frame}, the side of the pictures of --size {arguments.size}"
        )
    if arguments.finetune:
        require_weights(_training(arguments).network, arguments.weights)
    if arguments.neighbor_encoder is not None and arguments.neighbor_labels is None:
        raise CurateError("--neighbor-encoder has no effect without --neighbor-labels: leave it out")
    if arguments.workers < 1:
        raise CurateError(f"--workers {arguments.workers}: expected 1 or more")
    if not arguments.minutes > 0:
        raise CurateError(f"--minutes {arguments.minutes:g}: expected more than 0")
    if arguments.write_evidence is not None:
        require_section(arguments.write_evidence)


def _training(arguments: argparse.Namespace) -> Training:
    """Return how networks are fine-tuned: what was given, and the defaults."""
    given = {name: getattr(arguments, name) for name in _OF_FINE_TUNING if getattr(arguments, name) is not None}
    frame = SIZES[arguments.size].frame
    fitting = {"crop": min(Training.crop, frame), "feature_crop": min(Training.feature_crop, frame)}
    return Training(**{**fitting, **given})


def _inputs(arguments: argparse.Namespace, out: Path) -> Inputs:
    target = arguments.target
    if target is None:
        target = out / "livec_dev.parquet"
        if not target.is_file():
            write_manifest(read_livec_dev(DATA / "livec_dev"), target)
    lent = (arguments.neighbor_labels, arguments.neighbor_features)
    if (lent[0] is None) != (lent[1] is None):
        raise CurateError("--neighbor-labels and --neighbor-features go together: give both, or neither")
    encoder = arguments.neighbor_encoder or NEIGHBOR_ENCODER
    return Inputs(
        pristine=arguments.pristine,
        candidates=tuple(arguments.candidates),
        target=target,
        second=arguments.second,
        classifier=arguments.classifier,
        neighbor_labels=None if lent[0] is None else NeighborLabels(*lent, encoder),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.real_photos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    images = DATA / "images"
    parser.add_argument(
        "--size", choices=tuple(SIZES), default="default", help="tiny shows that it runs; default: default"
    )
    parser.add_argument(
        "--target", type=Path, help="manifest of a real set with scores (`testset`); default: livec_dev"
    )
    parser.add_argument("--second", type=Path, help="manifest of another real set: what training on it is worth")
    parser.add_argument("--pristine", type=Path, default=images / "cid22", help="folder of pristine photographs")
    parser.add_argument(
        "--candidates",
        type=Path,
        nargs="+",
        default=[images / "kodak", images / "bsds"],
        help="folders of photographs with new content",
    )
    parser.add_argument("--classifier", type=Path, help="what `domains fit` wrote; default: one fitted to --pristine")
    parser.add_argument("--neighbor-labels", type=Path, help="label file for the published neighbor rule")
    parser.add_argument("--neighbor-features", type=Path, help="features of its references")
    parser.add_argument("--neighbor-encoder", help=f"what gave them; default: {NEIGHBOR_ENCODER}")
    parser.add_argument("--out", type=Path, help="default: out/real-photos-<size>")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes; they change no figure")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="start nothing new after so long; default: 40")
    parser.add_argument("--arms", nargs="+", metavar="KEY", help="only these, beside all types and the presets")
    _add_fine_tuning(parser.add_argument_group("training a network end to end"))
    parser.add_argument("--write-evidence", type=Path, help="write the tables between the markers of this document")
    return parser.parse_args()


def _add_fine_tuning(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--finetune", action="store_true", help="also train networks end to end: hours on two cores")
    group.add_argument("--network", choices=NETWORKS, help=f"default: {LITE0}")
    group.add_argument("--weights", type=Path, help="file of its ImageNet weights; resnet18 has none without")
    group.add_argument("--device", choices=("cpu", "cuda"), help=f"default: {Training.device}")
    group.add_argument("--steps", type=int, help=f"of every training; default: {Training.steps}")
    group.add_argument("--batch", type=int, help=f"crops per step; default: {Training.batch}")
    group.add_argument("--crop", type=int, help=f"side of a crop in pixels; default: {Training.crop}")
    group.add_argument("--seeds", type=int, help=f"trainings of each; default: {Training.seeds}")
    names = [name_of(trial) for trial in TRIALS]
    group.add_argument(
        "--trials", nargs="+", metavar="ARM:WAY", choices=names, help=f"only these of {', '.join(names)}"
    )


if __name__ == "__main__":
    sys.exit(main())
