"""What is fine-tuned: the rows a to f of the paper's Table 4, and ways of thinning with their controls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from syndr_curate.curate.storage.atomic import atomic_path

from ...shared.networks import one_thread
from ...shared.work import Task
from ..arms import ALL, BID, SELECTED, Arm, read_arms
from ..settings import Run
from ..thinning.epochs import AllRows, Chooser, RandomRows, ThinnedRows
from ..thinning.variants import variant_of
from ..training_rows import read_rows
from .networks import make_network
from .pixels import TrainingPixels, pixel_tasks, read_centers
from .training import Training, train

PLAIN, RANDOM = "plain", "-random"
WITH_CANDIDATES = f"{SELECTED}-candidates"  # few rows: many epochs, and so many thinnings, within the steps


class Trial(NamedTuple):
    """A training set and a way of thinning it.

    Attributes:
        arm: Key of the arm.
        way: Key of a variant; with `-random` behind it, as many rows are dropped at random; `plain`: none.
        row: Row of the paper's Table 4, or an empty text.
    """

    arm: str
    way: str
    row: str = ""


TRIALS = (
    Trial(BID, PLAIN, "a"),
    Trial(f"{BID}-candidates", PLAIN, "b"),
    Trial(BID, "half", "c"),
    Trial(f"{BID}-candidates", "half", "d"),
    Trial(f"{BID}-kept", PLAIN, "e"),
    Trial(f"{BID}-kept", "half", "f"),
    Trial(ALL, PLAIN),
    Trial(SELECTED, PLAIN),
    Trial(SELECTED, "half"),
    Trial(SELECTED, f"half{RANDOM}"),
    Trial(WITH_CANDIDATES, PLAIN),
    Trial(WITH_CANDIDATES, "published"),
    Trial(WITH_CANDIDATES, "half"),
    Trial(WITH_CANDIDATES, f"half{RANDOM}"),
    Trial(WITH_CANDIDATES, "half-weighted"),
    Trial(WITH_CANDIDATES, "half-stops"),
    Trial(WITH_CANDIDATES, "half-pseudo"),
)


@dataclass(frozen=True)
class Tuned:
    """What a training gave.

    Attributes:
        answers: (asked, T) labels of the target's pictures, on [0, 10].
        counts: Rows kept, by epoch.
        rows: Rows in all.
        bounds: Cosines above which rows were alike, by epoch; empty without thinning.
        largest: Share of the thinned rows in the largest cluster, by epoch; likewise.
    """

    answers: NDArray[np.float64]
    counts: NDArray[np.int64]
    rows: int
    bounds: NDArray[np.float64]
    largest: NDArray[np.float64]


def trials_of(run: Run, only: tuple[str, ...] = ()) -> list[tuple[Trial, Arm]]:
    """Return the trials whose arms this run has.

    Args:
        run: The run.
        only: Names (`arm:way`) of those that are wanted; empty: all.
    """
    arms = {arm.key: arm for arm in read_arms(run)}
    return [(each, arms[each.arm]) for each in TRIALS if each.arm in arms and (not only or name_of(each) in only)]


def name_of(trial: Trial) -> str:
    """Return the name of a trial, as the command line takes it."""
    return f"{trial.arm}:{trial.way}"


def pixels_left(run: Run, training: Training, only: tuple[str, ...] = ()) -> list[Task]:
    """Return what is left to render."""
    return pixel_tasks(run, [arm for _, arm in trials_of(run, only)], training.answer_side)


def trainings_left(run: Run, training: Training, only: tuple[str, ...] = (), *, controls: bool) -> list[Task]:
    """Return what is left to train, seed by seed.

    Args:
        run: The run.
        training: How.
        only: Names of the trials that are wanted; empty: all.
        controls: Those that drop at random, which need the others; or the others.
    """
    trials = trials_of(run, only)
    return [
        (_train_and_save, (run, trial, arm, training, seed), {})
        for seed in range(training.seeds)
        for trial, arm in trials
        if trial.way.endswith(RANDOM) == controls and not _path(run, training, trial, seed).is_file()
    ]


def read_tuned(run: Run, training: Training) -> dict[Trial, dict[int, Tuned]]:
    """Return what is trained, by trial and seed."""
    found = {}
    for trial in TRIALS:
        paths = {seed: _path(run, training, trial, seed) for seed in range(training.seeds)}
        runs = {seed: _read(path) for seed, path in paths.items() if path.is_file()}
        if runs:
            found[trial] = runs
    return found


def _train_and_save(run: Run, trial: Trial, arm: Arm, training: Training, seed: int) -> None:
    rows = read_rows(run, arm)
    count = len(rows.labels)
    chooser: Chooser = AllRows(count)
    counts, bounds, largest = [count], list[float](), list[float]()
    if trial.way.endswith(RANDOM):
        thinned = _read(_path(run, training, trial._replace(way=trial.way.removesuffix(RANDOM)), seed))
        counts = thinned.counts.tolist()
        chooser = RandomRows(count, counts, seed)
    elif trial.way != PLAIN:
        is_new = np.isin(rows.pools, arm.added)
        labels = rows.labels.astype(np.float32)
        chooser = thinned_rows = ThinnedRows(
            rows.sample_ids.tolist(), labels, is_new, variant_of(trial.way), seed, keep_min=run.size.keep_min
        )
        counts, bounds, largest = thinned_rows.counts, thinned_rows.bounds, thinned_rows.largest
    with one_thread() if training.device == "cpu" else torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = make_network(training.network, training.weights)
        pixels, centers = TrainingPixels(run, arm), read_centers(run, training.answer_side)
        answers = train(network, pixels, rows.labels, chooser, training, seed, centers)
    with atomic_path(_path(run, training, trial, seed)) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            answers=answers,
            counts=np.array(counts),
            rows=np.array(count),
            bounds=np.array(bounds, np.float64),
            largest=np.array(largest, np.float64),
        )


def _read(path: Path) -> Tuned:
    with np.load(path, allow_pickle=False) as stored:
        return Tuned(stored["answers"], stored["counts"], int(stored["rows"]), stored["bounds"], stored["largest"])


def _path(run: Run, training: Training, trial: Trial, seed: int) -> Path:
    return run.path("finetuned", training.name, f"{trial.arm}-{trial.way}-{seed:02d}.npz")
