"""Training runs of a reproduction: each has a folder, is carried out once, and goes on where it was stopped."""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from commands import digest, digest_file, done_once, run
from paper import Method, Target
from places import Places
from stages import TESTED_SPLIT, Manifests
from syndr_curate import CurateError, evaluate

TRAINER = Path(__file__).resolve().parent.parent / "train_baseline"
METRICS = ("srcc", "plcc")
CHECKPOINT = "checkpoint.safetensors"

Scores = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Experiments:
    """Carries out training runs below a folder.

    Attributes:
        places: Where data lies, and what every run has in common.
        out: Folder of manifests and runs.
    """

    places: Places
    out: Path

    @property
    def manifests(self) -> Manifests:
        """Makes the manifests that runs train and are tested on."""
        return Manifests(self.places, self.out / "manifests")

    def scores(
        self, method: Method, targets: tuple[Target, ...], *, seed: int, split_file: Path | None = None
    ) -> Scores:
        """Train once and test on some sets.

        Args:
            method: What is trained.
            targets: What it is tested on; all are trained on with the same distortion types.
            seed: Of the training.
            split_file: A split of KADID-10k's references; then only rows of split `test` are scored.

        Returns:
            SRCC and PLCC by the target's name.
        """
        folder, tests = self._trained(method, targets, seed, split_file, keep_model=False)
        split = None if split_file is None else TESTED_SPLIT
        return {
            target.name: _scored(folder / f"{test.stem}.csv", test, split)
            for target, test in zip(targets, tests, strict=True)
        }

    def predictions(self, method: Method, target: Target, *, seed: int) -> tuple[Path, Path]:
        """Return the predictions of a model for a test set, and the set's manifest."""
        folder, tests = self._trained(method, (target,), seed, None, keep_model=False)
        return folder / f"{tests[0].stem}.csv", tests[0]

    def model(self, method: Method, types: str, *, seed: int) -> tuple[Path, list[str]]:
        """Return the folder of a trained model and the flags that it was trained with."""
        target = Target("none", "none", types)
        folder, _ = self._trained(method, (target,), seed, None, keep_model=True)
        return folder, self._flags(method, target, (), seed, None)

    def _trained(
        self, method: Method, targets: tuple[Target, ...], seed: int, split_file: Path | None, *, keep_model: bool
    ) -> tuple[Path, tuple[Path, ...]]:
        """Return the folder of a run that is done, and the manifests that it was tested on."""
        tests = () if keep_model else tuple(self._test(target, split_file) for target in targets)
        flags = self._flags(method, targets[0], tests, seed, split_file)
        # The manifests' bytes, since a run is worth nothing for others under the same names.
        inputs = [digest_file(Path(text)) for text in flags if text.endswith(".parquet")]
        asked = {"flags": _decisive(flags), "inputs": inputs, "keep_model": keep_model}
        if self.places.launcher:
            asked["launcher"] = self.places.launcher  # so many processes are so much larger a batch
        network, _ = self.places.backbone_of(method.backbone)
        name = "-".join((targets[0].types, method.variant, network.replace(":", "-"), f"seed{seed}", digest(asked)))
        folder = self.out / "runs" / name

        def work() -> None:
            resume = ["--resume"] if (folder / CHECKPOINT).is_file() else []
            self._train([*flags, "--out", str(folder), *resume], name)
            if not keep_model:
                (folder / CHECKPOINT).unlink()  # hundreds of runs would fill a disk

        done_once(folder, asked, work)
        return folder, tests

    def _test(self, target: Target, split_file: Path | None) -> Path:
        return self.manifests.test_set(target, split_file if target.test == "kadid10k" else None)

    def _flags(
        self, method: Method, target: Target, tests: tuple[Path, ...], seed: int, split_file: Path | None
    ) -> list[str]:
        network, weights = self.places.backbone_of(method.backbone)
        settings: dict[str, Any] = {
            "train": self.manifests.training(method, target, split_file),
            "variant": method.variant,
            "backbone": network,
            "weights": weights,
            "seed": seed,
            "test-short-side": target.short_side,
        }
        if method.variant.startswith("candidates"):
            settings["all-candidates"] = self.manifests.all_candidates(method, target, split_file)
        if split_file is not None:
            settings["test-split"] = TESTED_SPLIT
        settings |= {**self.places.train, **method.flags}
        flags = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
        return flags + [text for test in tests for text in ("--test", str(test))]

    def _train(self, arguments: list[str], name: str) -> None:
        script = TRAINER / "train.py"
        if self.places.launcher:
            run([*shlex.split(self.places.launcher), str(script), *arguments], "train.py")
            return
        print("$ python", script, *arguments, file=sys.stderr, flush=True)
        if str(TRAINER) not in sys.path:
            sys.path.append(str(TRAINER))
        from run import Run
        from train import parse_arguments

        for line in Run(parse_arguments(arguments)).epochs():
            print(f"{name}: {line}", file=sys.stderr, flush=True)


def _decisive(flags: list[str]) -> list[str]:
    """Leave out how many processes read images: patches and their order are the same with any number of them."""
    pairs = zip(flags[::2], flags[1::2], strict=True)
    return [text for name, value in pairs if name != "--workers" for text in (name, value)]


def _scored(predictions: Path, test: Path, split: str | None) -> dict[str, float]:
    overall = evaluate(predictions, test, split=split).overall
    found = {metric: overall.statistics(cast(Any, metric)) for metric in METRICS}
    lacking = [metric for metric, statistics in found.items() if statistics is None]
    if lacking:
        raise CurateError(f"{predictions}: no {lacking[0]} can be had of it; expected predictions that differ")
    return {metric: statistics.mean for metric, statistics in found.items() if statistics is not None}
