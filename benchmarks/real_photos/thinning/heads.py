"""A small head per way of thinning: with as many steps, and with as many epochs, as the paper has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.storage.atomic import atomic_path

from ...shared.work import Task
from ..arms import ALL, BID, SELECTED, Arm, read_arms
from ..heads import BATCH, HeadSet, head_set, train_head
from ..settings import Run
from ..training_rows import read_rows
from .epochs import AllRows, Chooser, RandomRows, ThinnedRows
from .length import Length
from .variants import VARIANTS, Variant

ARMS = (ALL, BID, SELECTED, f"{BID}-candidates", f"{SELECTED}-candidates")
STEPS, EPOCHS = "steps", "epochs"
PLAIN, RANDOM = "plain", "random"
ASKED_EVERY = 5  # steps at which the head that sees all rows is asked: the control with fewer steps
Answers = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """What one training gave.

    Attributes:
        answers: T labels of the target's pictures.
        kept: Mean share of rows that an epoch kept.
        made: Steps.
        bound: Mean cosine above which rows were alike.
        largest: Mean share of the thinned rows in the largest cluster.
    """

    answers: Answers
    kept: float
    made: int
    bound: float
    largest: float


def thinning_tasks(run: Run) -> list[Task]:
    """Return what is left to train, seed by seed."""
    return [
        (_train_all, (run, arm, seed), {})
        for seed in range(run.size.thinning_seeds)
        for arm in read_arms(run)
        if arm.key in ARMS and not _path(run, arm.key, seed).is_file()
    ]


def read_thinning(run: Run, key: str) -> dict[int, dict[str, Trained]]:
    """Return the trainings of an arm by seed and name (`variant/length`), of what is done."""
    found = {}
    for seed in range(run.size.thinning_seeds):
        if _path(run, key, seed).is_file():
            with np.load(_path(run, key, seed), allow_pickle=False) as stored:
                facts = dict(zip(stored["names"].tolist(), stored["facts"], strict=True))
                answers = dict(zip(stored["names"].tolist(), stored["answers"], strict=True))
            found[seed] = {
                name: Trained(answers[name], kept, int(made), bound, largest)
                for name, (kept, made, bound, largest) in facts.items()
            }
    return found


def name_of(key: str, length: str) -> str:
    """Return the name of a training: of a variant, `plain`, or a variant with `random` behind it."""
    return f"{key}/{length}"


def fewer_steps(trained: dict[str, Trained], made: int) -> Trained:
    """Return the head that saw all rows for about as many steps as another training made."""
    asked = [int(name.partition("@")[2]) for name in trained if name.startswith(f"{PLAIN}@")]
    return trained[f"{PLAIN}@{min(asked, key=lambda steps: (abs(steps - made), steps))}"]


def epochs_for(steps: int, batch: int, rows: int) -> int:
    """Return how many epochs of all rows come nearest to a number of steps; one at least."""
    return max(1, round(steps * batch / rows))


def _train_all(run: Run, arm: Arm, seed: int) -> None:
    trained = dict(_trainings(run, arm, seed))
    facts = [(each.kept, each.made, each.bound, each.largest) for each in trained.values()]
    with atomic_path(_path(run, arm.key, seed)) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            names=np.array(list(trained)),
            answers=np.stack([each.answers for each in trained.values()]),
            facts=np.array(facts, np.float64),
        )


def _trainings(run: Run, arm: Arm, seed: int) -> Iterator[tuple[str, Trained]]:
    data, rows = head_set(run, arm), read_rows(run, arm)
    is_new = np.isin(rows.pools, arm.added)
    count, steps = len(rows.labels), run.size.thinning_steps
    lengths = {STEPS: Length(steps=steps), EPOCHS: Length(epochs=epochs_for(steps, BATCH, count))}
    asked = tuple(range(ASKED_EVERY, steps + 1, ASKED_EVERY))
    answers, _ = train_head(data, AllRows(count), lengths[STEPS], seed, asked)
    for number, each in zip(asked, answers, strict=True):
        yield f"{PLAIN}@{number}", Trained(each, 1.0, number, 1.0, 0.0)
    for name, length in lengths.items():
        yield name_of(PLAIN, name), _trained(data, AllRows(count), length, seed, 1.0, 1.0, 0.0)
        for variant in _variants_for(run, arm):
            chooser = ThinnedRows(
                rows.sample_ids.tolist(), data.labels, is_new, variant, seed, keep_min=run.size.keep_min
            )
            answer, made = train_head(data, chooser, length, seed)
            kept = float(np.mean(chooser.counts)) / count
            found = Trained(answer[-1], kept, made, float(np.mean(chooser.bounds)), float(np.mean(chooser.largest)))
            yield name_of(variant.key, name), found
            if variant.has_random_control:
                control = RandomRows(count, chooser.counts, seed)
                yield name_of(f"{variant.key}-{RANDOM}", name), _trained(data, control, length, seed, kept, 1.0, 0.0)


def _trained(
    data: HeadSet, chooser: Chooser, length: Length, seed: int, kept: float, bound: float, largest: float
) -> Trained:
    answers, made = train_head(data, chooser, length, seed)
    return Trained(answers[-1], kept, made, bound, largest)


def _variants_for(run: Run, arm: Arm) -> list[Variant]:
    ways = run.size.thinning_ways
    wanted = [variant for variant in VARIANTS if ways is None or variant.key in ways]
    return [variant for variant in wanted if arm.added or not variant.needs_new_contents]


def _path(run: Run, key: str, seed: int) -> Path:
    return run.path("thinning", f"{key}-{seed:02d}.npz")
