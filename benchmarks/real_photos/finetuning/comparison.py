"""Fine-tuned networks beside their controls, seed by seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arms import read_arms
from ..scores import Target
from ..settings import Run
from ..spread import paired, paired_by_part, scores_of, spread, verdict
from .tasks import PLAIN, RANDOM, TRIALS, Trial, Tuned, read_tuned
from .training import Training

_BASELINE = TRIALS[0]


def compare_finetuned(run: Run, target: Target, training: Training) -> list[dict[str, Any]]:
    """Return a line per trial, as JSON values; none before anything is trained."""
    titles = {arm.key: arm.title for arm in read_arms(run)}
    tuned = read_tuned(run, training)
    return [_line(target, tuned, trial, runs, titles[trial.arm]) for trial, runs in tuned.items()]


def _line(
    target: Target, tuned: dict[Trial, dict[int, Tuned]], trial: Trial, runs: dict[int, Tuned], title: str
) -> dict[str, Any]:
    own = {seed: each.answers[-1] for seed, each in runs.items()}
    line: dict[str, Any] = {
        "arm": trial.arm,
        "way": trial.way,
        "row": trial.row,
        "title": title,
        "kept": float(np.mean([each.counts.mean() / each.rows for each in runs.values()])),
        **spread(scores_of(target, own)),
    }
    thinned = [each for each in runs.values() if len(each.bounds)]
    if thinned:
        line["bound"] = float(np.mean([each.bounds.mean() for each in thinned]))
        line["largest"] = float(np.mean([each.largest.mean() for each in thinned]))
    plain = next((found for other, found in tuned.items() if (other.arm, other.way) == (trial.arm, PLAIN)), {})
    both = sorted(runs.keys() & plain.keys())
    if trial.way != PLAIN and both:
        mine = scores_of(target, {seed: own[seed] for seed in both})
        line["difference"] = paired_by_part(mine, scores_of(target, {seed: plain[seed].answers[-1] for seed in both}))
        line["verdict"] = verdict(line["difference"])
        fewer = {seed: _asked_near(plain[seed], line["kept"]) for seed in both}
        line["difference_to_fewer_steps"] = paired(mine["all"], scores_of(target, fewer)["all"])
    control = tuned.get(Trial(trial.arm, f"{trial.way}{RANDOM}"), {})
    both = sorted(runs.keys() & control.keys())
    if both:
        mine = scores_of(target, {seed: own[seed] for seed in both})
        others = scores_of(target, {seed: control[seed].answers[-1] for seed in both})
        line["difference_to_random"] = paired(mine["all"], others["all"])
    first = tuned.get(_BASELINE, {})
    both = sorted(runs.keys() & first.keys())
    if trial != _BASELINE and both:
        mine = scores_of(target, {seed: own[seed] for seed in both})
        line["to_baseline"] = paired_by_part(mine, scores_of(target, {seed: first[seed].answers[-1] for seed in both}))
    return line


def _asked_near(tuned: Tuned, share: float) -> Any:
    """Return the answers of a network that saw all rows, after about this share of its steps: half, 3/4 or all."""
    shares = np.array([0.5, 0.75, 1.0])[-len(tuned.answers) :]
    return tuned.answers[int(np.argmin(np.abs(shares - share)))]
