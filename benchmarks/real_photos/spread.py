"""Scores over seeds: their spread, and the difference of two ways that share their seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..shared.paired import compare_pairs
from .scores import Target, rank_correlations

Vector = NDArray[np.float64]
Scores = dict[str, Vector]


def scores_of(target: Target, answers: Mapping[int, Vector]) -> Scores:
    """Return the SRCC of answers (T,) by part of the target, in the order of their seeds."""
    ordered = [answers[seed] for seed in sorted(answers)]
    return {
        part: np.array([rank_correlations(target.scores[places], each[places]) for each in ordered])
        for part, places in target.parts.items()
    }


def spread(scores: Scores) -> dict[str, Any]:
    """Return mean and standard deviation by part, and the number of seeds."""
    found = {part: {"mean": float(each.mean()), "sd": _deviation(each)} for part, each in scores.items()}
    return {"seeds": len(scores["all"]), "srcc": found}


def paired(values: Vector, others: Vector) -> dict[str, Any]:
    """Return the mean difference, half of its 95 % interval over seeds, and how many seeds are above 0."""
    found = compare_pairs(values, others)
    return {"mean": found.mean, "half_width": found.half_width, "better": found.better, "of": len(values)}


def paired_by_part(scores: Scores, others: Scores) -> dict[str, dict[str, Any]]:
    """Return `paired` for every part."""
    return {part: paired(scores[part], others[part]) for part in scores}


def verdict(difference: Mapping[str, Mapping[str, Any]]) -> str:
    """Say whether a way helps or hurts: on both halves its interval over seeds leaves out zero."""
    halves = [difference[part] for part in ("a", "b")]
    if any(half["half_width"] is None for half in halves):
        return ""
    if all(half["mean"] - half["half_width"] > 0 for half in halves):
        return "helps"
    return "hurts" if all(half["mean"] + half["half_width"] < 0 for half in halves) else ""


def _deviation(values: Vector) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None
