"""Measure what each part of the gp labeler is worth, by nested leave-one-reference-out on KADID-10k.

Every line takes one part away from the labeler, or adds one that was not kept. All settings are chosen within the
references that are not left out.

Examples:
    python benchmarks/label_models.py
    python benchmarks/label_models.py --every 2
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from syndr_curate.curate.datasets.feature_files import load_features
from syndr_curate.curate.datasets.features import Features
from syndr_curate.curate.datasets.labels import Labels, read_labels
from syndr_curate.curate.labeling.cross_validation import CrossValidation, compare, comparison_text, cross_validate
from syndr_curate.curate.labeling.gaussian_process.gp import GpSearch
from syndr_curate.curate.labeling.model_labelers import GpLabeler

DATA = Path(os.environ.get("SYNDR_REFERENCE_DATA", "../shared/data"))
STRAIGHT = 1e5  # an end margin so large that the odds are straight
ALL = GpSearch()
PLAIN = GpSearch((0.0,), (None,), (*ALL.penalties, 2.0, 3.0), (0.0,), STRAIGHT)  # ridge, one penalty for everything
SEARCHES = {
    "gp, all parts": ALL,
    "ridge: none of the parts": PLAIN,
    "ridge + weak directions shrunk more": replace(PLAIN, weakness_powers=ALL.weakness_powers),
    "without shrinking weak directions more": replace(ALL, weakness_powers=(0.0,), penalties=PLAIN.penalties),
    "without weights of features": replace(ALL, relevances=(0.0,)),
    "without squared exponentials": replace(ALL, lengths=(None,)),
    "without odds": replace(ALL, end_margin=STRAIGHT),
    "wider search": replace(
        ALL,
        relevances=(0.0, 0.5, 1.0, 1.5, 2.0, 3.0),
        lengths=(None, 4.0, 2.0, 1.0, 0.5),
        penalties=(0.08, *ALL.penalties, 2.0),
        weakness_powers=(0.0, *ALL.weakness_powers, 2.0),
    ),
}
SHORT = ("gp, all parts", "ridge: none of the parts")
NOT_MONOTONE = (18, 25)  # mean shift and contrast change: their levels go from one direction to the other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="use every n-th reference alone: a smaller labeled set")
    arguments = parser.parse_args()
    labels = read_labels(DATA / "kadid10k" / "dmos.csv")
    references = load_features(DATA / "refset" / "train_ref.npz")
    if arguments.every > 1:
        labels, references = thinned(labels, references, arguments.every)
    results = compare(labels, references)[:-1]
    for name, search in SEARCHES.items():
        if arguments.every > 1 and name not in SHORT:
            continue
        start = time.perf_counter()
        results.append(cross_validate(labels, references, GpLabeler(search=search, name=name)))
        print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)
        if search is ALL:
            results.append(repaired(results[-1]))
    print(comparison_text(results))


def repaired(result: CrossValidation) -> CrossValidation:
    """Make predictions fall from level to level, where KADID-10k's labels do."""
    predicted: NDArray[np.float64] = result.predicted.copy()
    kinds = np.array([kind for kind, _ in result.conditions])
    for kind in set(kinds.tolist()) - set(NOT_MONOTONE):
        for row in predicted:
            row[kinds == kind] = isotonic_regression(row[kinds == kind], increasing=False).x
    return replace(result, labeler="gp, levels made to fall", predicted=predicted)


def thinned(labels: Labels, references: Features, every: int) -> tuple[Labels, Features]:
    ids = references.require_ids()
    kept = set(sorted(ids)[::every])
    places = [i for i, identifier in enumerate(ids) if identifier in kept]
    return labels.of_references(kept), replace(
        references, matrix=references.matrix[places], ids=tuple(ids[i] for i in places), names=None
    )


if __name__ == "__main__":
    main()
