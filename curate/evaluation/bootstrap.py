"""Intervals of paired differences, by drawing images and runs again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..labeling.correlation.logistic import LogisticCurve, fit_logistic
from ..manifest.seeds import context_seed
from ..runs.progress import Task
from .agreement import Agreement, agreement_of
from .settings import METRICS, Metric

CONFIDENCE = 0.95
_LEAST_SHARE = 0.5  # of draws in which a difference is defined

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """A run and its baseline on the same images.

    Attributes:
        labels: N labels.
        scores: N scores of the run.
        baseline: N scores of the baseline.
        units: Bootstrap unit of each image: the number of its reference, or its own.
    """

    labels: Vector
    scores: Vector
    baseline: Vector
    units: NDArray[np.intp]


def paired_intervals(
    pairs: Sequence[Pair], *, draws: int, context: Sequence[str | int], task: Task
) -> dict[Metric, tuple[float, float]]:
    """Return 95 % percentile intervals of the mean difference between runs and their baselines.

    A draw takes as many references as there are, with replacement, each with all of its images, and, where there are
    several pairs, as many pairs as there are. A run and its baseline, and all runs, see the same references. The
    interval then covers other images and other trainings. Draws in which a difference is undefined (equal
    labels only) are left out.

    Args:
        pairs: One per run. Units may differ from run to run, as when each run has a split of its own.
        draws: How many.
        context: What the draws are for: seed, column, group.
        task: Told of each draw.

    Returns:
        Low and high end by metric; a metric is missing where there are fewer than two units, or where fewer than half
        of the draws have one.

    Source: percentile bootstrap; Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    known, codes = np.unique(np.concatenate([pair.units for pair in pairs]), return_inverse=True)
    if len(known) < 2 or not draws:  # noqa: PLR2004
        return {}
    ends = np.cumsum([len(pair.units) for pair in pairs])
    units = np.split(codes, ends[:-1])
    curves = [(fit_logistic(p.scores, p.labels), fit_logistic(p.baseline, p.labels)) for p in pairs]
    # Uniforms of a bit generator are the same in every numpy.
    rng = np.random.Generator(np.random.PCG64(context_seed("evaluate", *context)))
    found: dict[Metric, list[float]] = {metric: [] for metric in METRICS}
    for _ in range(draws):
        times = np.bincount((rng.random(len(known)) * len(known)).astype(np.intp), minlength=len(known))
        drawn = (rng.random(len(pairs)) * len(pairs)).astype(np.intp).tolist()
        differences = {run: _differences(pairs[run], times[units[run]], curves[run]) for run in set(drawn)}
        for metric in METRICS:
            values = [differences[run][metric] for run in drawn]
            defined = [value for value in values if value is not None]
            if len(defined) == len(values):
                found[metric].append(float(np.mean(defined)))
        task.advance()
    tails = (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE))
    return {
        metric: (float(np.percentile(values, tails[0])), float(np.percentile(values, tails[1])))
        for metric, values in found.items()
        if len(values) >= _LEAST_SHARE * draws
    }


def _differences(
    pair: Pair, times: NDArray[np.intp], curves: tuple[LogisticCurve | None, LogisticCurve | None]
) -> dict[Metric, float | None]:
    rows = np.repeat(np.arange(len(times)), times)
    labels = pair.labels[rows]
    run = agreement_of(labels, pair.scores[rows], near=curves[0])
    baseline = agreement_of(labels, pair.baseline[rows], near=curves[1])
    return {metric: difference_of(run, baseline, metric) for metric in METRICS}


def difference_of(run: Agreement, baseline: Agreement, metric: Metric) -> float | None:
    """Return a run's score less its baseline's; None where either is undefined."""
    first, second = run.of(metric), baseline.of(metric)
    return None if first is None or second is None else first - second
