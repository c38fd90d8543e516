"""Scores are read, two choices are made on half A, and every arm is compared with the baseline."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from syndr_curate.curate.manifest.provenance import digest_file, digest_json
from syndr_curate.curate.storage.atomic import write_bytes
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from .arms import BASELINE, SELECTED, Arm, read_arms, read_random_sets
from .finetuning.comparison import compare_finetuned
from .finetuning.training import Training
from .heads import FINALISTS, read_heads
from .predictions import read_predictions, read_random_predictions
from .scores import (
    Target,
    linear_correlations,
    picture_resamples,
    rank_correlations,
    read_scores,
    read_target_scores,
)
from .settings import PARTS, PENALTIES, PRESETS, Run
from .spread import scores_of, spread
from .supervised import ceiling, from_other_set
from .target import SECOND, TARGET, read_target
from .thinning.comparison import compare_thinning
from .training_rows import read_rows
from .type_selection import selected_types

Vector = NDArray[np.float64]
_INTERVAL = (2.5, 97.5)  # percentiles
_AGREEING = 0.9  # share of resamples of references that an arm called better has on its side


def collect_results(run: Run, training: Training | None = None) -> dict[str, Any]:
    """Return everything that the report shows, as JSON values; all predictions have to be there.

    Args:
        run: The run.
        training: How networks were fine-tuned; None: leave them out.
    """
    with threadpool_limits(limits=1):
        return _collect(run, training)


def _collect(run: Run, training: Training | None) -> dict[str, Any]:
    ids, features = read_target(run, TARGET)
    target = read_target_scores(run.inputs.target, ids)
    arms = read_arms(run)
    predicted = {arm.key: read_predictions(run, arm) for arm in arms}
    by_penalty = _penalty_scores(target, predicted)
    penalty = int(np.argmax(by_penalty))
    chosen = {key: values[:, penalty] for key, values in predicted.items()}
    lines = _compare(run, target, arms, chosen)
    heads, steps = _heads(run, target)
    thinning = compare_thinning(run, target)
    tuned = [] if training is None else compare_finetuned(run, target, training)
    results = {
        "pictures": {part: len(places) for part, places in target.parts.items()},
        "penalty": PENALTIES[penalty],
        "penalty_scores": {str(value): score for value, score in zip(PENALTIES, by_penalty.tolist(), strict=True)},
        "comparisons": sum(line["key"] != BASELINE for line in lines) + len(heads) + len(thinning) + len(tuned),
        "arms": lines,
        "random": _random(run, target, read_random_predictions(run)[:, penalty], chosen),
        "heads": heads,
        "head_steps": steps,
        "thinning": thinning,
        "finetuned": tuned,
        "real_scores": _real_scores(run, target, features.astype(np.float64)),
    }
    return {
        **results,
        "selected": list(selected_types(run)["selected"]),
        "looks_at_half_b": _count_looks(run, results),
    }


def _penalty_scores(target: Target, predicted: dict[str, Vector]) -> Vector:
    """Return, by penalty, the mean SRCC on half A of all types and the presets, references not resampled."""
    half_a = target.parts["a"]
    keys = [key for key in (BASELINE, *PRESETS) if key in predicted]
    scores = [rank_correlations(target.scores[half_a], predicted[key][0][:, half_a]) for key in keys]
    mean: Vector = np.mean(scores, axis=0)
    return mean


def _compare(run: Run, target: Target, arms: tuple[Arm, ...], predicted: dict[str, Vector]) -> list[dict[str, Any]]:
    """Compare arms with the baseline: by part, over pictures, over resamples of the references."""
    keys = [arm.key for arm in arms]
    baseline = keys.index(BASELINE)
    plain = np.stack([predicted[key][0] for key in keys])
    scores, linear, intervals = {}, {}, {}
    for part, places in target.parts.items():
        scores[part] = rank_correlations(target.scores[places], plain[:, places])
        linear[part] = linear_correlations(target.scores[places], plain[:, places])
        draws = picture_resamples(places, run.size.picture_resamples, part)
        drawn = np.stack([rank_correlations(target.scores[draw], plain[:, draw]) for draw in draws])
        intervals[part] = np.percentile(drawn - drawn[:, [baseline]], _INTERVAL, axis=0)
    lines = []
    others = rank_correlations(target.scores, predicted[BASELINE][1:])
    for number, arm in enumerate(arms):
        resampled = rank_correlations(target.scores, predicted[arm.key][1:])
        differences = resampled - others
        rows = read_rows(run, arm)
        line: dict[str, Any] = {
            "key": arm.key,
            "title": arm.title,
            "types": list(arm.types),
            "rows": len(rows.labels),
            "srcc": {part: float(scores[part][number]) for part in PARTS},
            "plcc": {part: float(linear[part][number]) for part in PARTS},
            "resampled": {"mean": float(resampled.mean()), "sd": float(resampled.std(ddof=1))},
        }
        if number != baseline:
            line["difference"] = {
                part: {
                    "mean": float(scores[part][number] - scores[part][baseline]),
                    "low": float(intervals[part][0, number]),
                    "high": float(intervals[part][1, number]),
                }
                for part in PARTS
            }
            line["by_references"] = {
                "mean": float(differences.mean()),
                "sd": float(differences.std(ddof=1)),
                "positive": int((differences > 0).sum()),
                "of": len(differences),
            }
            line["verdict"] = _verdict(line)
        lines.append(line)
    return lines


def _verdict(line: dict[str, Any]) -> str:
    """Say whether an arm is better or worse by the protocol; an empty text where it is neither."""
    halves = [line["difference"][part] for part in ("a", "b")]
    positive, of = line["by_references"]["positive"], line["by_references"]["of"]
    if all(half["low"] > 0 for half in halves) and positive >= _AGREEING * of:
        return "better"
    if all(half["high"] < 0 for half in halves) and of - positive >= _AGREEING * of:
        return "worse"
    return ""


def _random(run: Run, target: Target, predicted: Vector, arms: dict[str, Vector]) -> dict[str, Any]:
    """Compare arms of few types with random sets of types, which have condition labels, too."""
    found: dict[str, Any] = {"types": len(read_random_sets(run)[0]), "sets": len(predicted), "parts": {}}
    compared = [key for key in (SELECTED, *PRESETS) if key in arms]
    for part, places in target.parts.items():
        scores = rank_correlations(target.scores[places], predicted[:, places])
        shown = scores[: run.size.shown_sets]
        own = {key: float(rank_correlations(target.scores[places], arms[key][0][places])) for key in compared}
        found["parts"][part] = {
            "shown": len(shown),
            "mean": float(shown.mean()),
            "sd": float(shown.std(ddof=1)),
            "best": float(shown.max()),
            "beaten": {key: float((scores < score).mean()) for key, score in own.items()},
        }
    return found


def _heads(run: Run, target: Target) -> tuple[list[dict[str, Any]], int | None]:
    """Score heads that saw all rows; the number of steps is chosen on half A."""
    found = {key: answers for key in FINALISTS if (answers := read_heads(run, key))}
    if not found:
        return [], None
    half_a = target.parts["a"]
    every = [answers for seeds in found.values() for answers in seeds.values()]
    by_steps = np.mean([rank_correlations(target.scores[half_a], each[:, half_a]) for each in every], axis=0)
    step = int(np.argmax(by_steps))
    lines = [
        {"key": key, **spread(scores_of(target, {seed: each[step] for seed, each in seeds.items()}))}
        for key, seeds in found.items()
    ]
    return lines, run.size.head_steps[step]


def _real_scores(run: Run, target: Target, features: Vector) -> list[dict[str, Any]]:
    """Return what real scores are worth: the target's own, and another set's where one is given."""
    rows = [("supervised, 5 folds of the target's own scores", ceiling(features, target.scores))]
    if run.inputs.second is not None:
        ids, others = read_target(run, SECOND)
        scores = read_scores(run.inputs.second, ids)
        predicted = from_other_set(others.astype(np.float64), scores, features)
        rows.append((f"trained on the other real set ({len(ids)} pictures)", predicted))
    return [
        {
            "title": title,
            "srcc": {
                part: float(rank_correlations(target.scores[places], predicted[places]))
                for part, places in target.parts.items()
            },
        }
        for title, predicted in rows
    ]


def _count_looks(run: Run, results: dict[str, Any]) -> int:
    """Return how often half B was looked at in this folder, with different results each time."""
    path = run.path("looks.json")
    looks: list[str] = json.loads(path.read_text()) if path.is_file() else []
    digest = digest_json({"results": results, "arms": digest_file(run.path("arms.json"))})
    if digest not in looks:
        looks.append(digest)
        write_bytes(path, json.dumps(looks).encode())
    return len(looks)
