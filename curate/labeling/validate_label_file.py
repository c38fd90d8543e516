"""`label --cross-validate`: from a labelled set to figures."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..datasets.feature_files import load_features
from ..datasets.features import Features
from ..datasets.labels import LabelFile, Labels
from ..runs.progress import SILENT, Reporter, counting
from .cross_validation import (
    CrossValidation,
    Labeler,
    comparison_text,
    cross_validate,
    default_labelers,
    labeler_named,
)
from .knn import LabelerName, NeighborSettings


@dataclass(frozen=True)
class Validated:
    """How good the labels of a labelled set are.

    Attributes:
        chosen: The labeller asked about.
        others: With `--compare`, all labellers in the order of the table; otherwise empty.
    """

    chosen: CrossValidation
    others: tuple[CrossValidation, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return `mae, rmse, srcc, plcc, by, ...` of the chosen labeller, and a list of the same for all compared."""
        facts = self.chosen.as_json()
        return {**facts, "compare": [each.as_json() for each in self.others]} if self.others else facts

    def as_text(self) -> str:
        """Return the chosen labeller by level and type, or one line for each compared."""
        return comparison_text(list(self.others)) if self.others else self.chosen.as_text()


def cross_validate_label_file(
    labels: LabelFile,
    reference_features: Path,
    labeler: LabelerName,
    settings: NeighborSettings,
    *,
    compare: bool = False,
    reporter: Reporter = SILENT,
) -> Validated:
    """Predict each labelled reference's labels from the others, and score them.

    Args:
        labels: The label file.
        reference_features: Features of its references.
        labeler: `knn` or `gp`.
        settings: For `knn`.
        compare: Score the other labellers too.
        reporter: Shows progress.

    Raises:
        CurateError: Labels and features do not fit each other, or labels are missing.
    """
    labelled = (labels.read(), load_features(reference_features))
    return validate_labels(*labelled, labeler, settings, compare=compare, reporter=reporter)


def validate_labels(
    labels: Labels,
    references: Features,
    labeler: LabelerName,
    settings: NeighborSettings,
    *,
    compare: bool,
    reporter: Reporter,
) -> Validated:
    """Predict each labelled reference's labels from the others, and score them.

    Args:
        labels: The labelled set.
        references: Features of its references.
        labeler: `knn` or `gp`.
        settings: For `knn`.
        compare: Score the other labellers too.
        reporter: Shows progress.

    Raises:
        CurateError: Labels and features do not fit each other, or labels are missing.
    """
    count = len(labels.references())

    def score(which: Labeler) -> CrossValidation:
        with reporter.task(f"leave out one reference ({which.name})", count) as task:
            return cross_validate(labels, references, which, progress=counting(task))

    if not compare:
        return Validated(score(labeler_named(labeler, settings)))
    others = tuple(score(each) for each in default_labelers())
    return Validated(_among(others, labeler, settings) or score(labeler_named(labeler, settings)), others)


def _among(
    results: tuple[CrossValidation, ...], labeler: LabelerName, settings: NeighborSettings
) -> CrossValidation | None:
    """Return the labeller asked about, where it is one of those compared anyway."""
    if labeler == "gp":
        return next(result for result in results if result.labeler == labeler)
    return replace(results[0], labeler=labeler) if settings == NeighborSettings() else None
