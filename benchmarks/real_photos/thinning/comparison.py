"""Ways of thinning beside all rows, as many rows at random, and fewer steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arms import read_arms
from ..scores import Target
from ..settings import Run
from ..spread import paired, paired_by_part, scores_of, spread, verdict
from .heads import ARMS, EPOCHS, PLAIN, RANDOM, STEPS, Trained, fewer_steps, name_of, read_thinning
from .variants import VARIANTS

ByName = dict[int, dict[str, Trained]]


def compare_thinning(run: Run, target: Target) -> list[dict[str, Any]]:
    """Return a line per arm and way of thinning, as JSON values; none before anything is trained."""
    titles = {arm.key: arm.title for arm in read_arms(run)}
    lines = []
    for key in ARMS:
        trained = read_thinning(run, key)
        if not trained:
            continue
        plain = scores_of(target, _answers(trained, name_of(PLAIN, STEPS)))
        published = scores_of(target, _answers(trained, name_of(PLAIN, EPOCHS)))
        first = {"arm": key, "title": titles[key], "way": PLAIN, "words": "all rows", "kept": 1.0}
        lines.append({**first, **spread(plain), "published": spread(published)})
        lines += [
            _line(
                target,
                trained,
                variant.key,
                {"arm": key, "title": titles[key], "words": variant.title},
                plain,
                published,
            )
            for variant in VARIANTS
            if name_of(variant.key, STEPS) in next(iter(trained.values()))
        ]
    return lines


def _line(
    target: Target, trained: ByName, key: str, start: dict[str, Any], plain: dict[str, Any], published: dict[str, Any]
) -> dict[str, Any]:
    runs = [each[name_of(key, STEPS)] for each in trained.values()]
    own = scores_of(target, _answers(trained, name_of(key, STEPS)))
    by_epochs = scores_of(target, _answers(trained, name_of(key, EPOCHS)))
    fewer = scores_of(
        target, {seed: fewer_steps(each, each[name_of(key, EPOCHS)].made).answers for seed, each in trained.items()}
    )
    difference = paired_by_part(own, plain)
    line: dict[str, Any] = {
        **start,
        "way": key,
        "kept": float(np.mean([each.kept for each in runs])),
        "bound": float(np.mean([each.bound for each in runs])),
        "largest": float(np.mean([each.largest for each in runs])),
        **spread(own),
        "difference": difference,
        "verdict": verdict(difference),
        "published": spread(by_epochs),
        "published_difference": paired(by_epochs["all"], published["all"]),
        "published_to_fewer_steps": paired(by_epochs["all"], fewer["all"]),
    }
    control = name_of(f"{key}-{RANDOM}", STEPS)
    if control in next(iter(trained.values())):
        line["difference_to_random"] = paired(own["all"], scores_of(target, _answers(trained, control))["all"])
    return line


def _answers(trained: ByName, name: str) -> dict[int, Any]:
    return {seed: each[name].answers for seed, each in trained.items()}
