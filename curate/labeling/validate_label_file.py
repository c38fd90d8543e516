"""`label --cross-validate`: from a labeled set to figures."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..datasets.feature_files import load_features
from ..datasets.features import Features, alike
from ..datasets.labels import LabelFile, Labels
from ..errors import CurateError
from ..manifest.splits import read_splits
from ..runs.progress import SILENT, Reporter, counting
from .cross_validation import CrossValidation, comparison_text, cross_validate
from .held_out import without_held_out
from .label_matrix import require_same_references
from .labeler import Labeler
from .make_labeler import labelers_to_compare, make_labeler
from .settings import LabelSettings


def refuse_validating(settings: LabelSettings) -> None:
    """Refuse to cross-validate labels that need no label file: no single picture has a label.

    Raises:
        CurateError: The settings name a shipped table, or a labeler that validates itself.
    """
    if settings.labeler == "calibrated":
        raise CurateError(
            "--cross-validate compares labelers of a label file; the labeler calibrated says how far it misses "
            "whenever it labels rows: label --manifest ROWS --labeler calibrated --fit-on MANIFEST"
        )
    if settings.conditions is not None:
        raise CurateError(
            "--cross-validate compares labels with those of single images, and --conditions has none: give the label "
            "file of a labeled set, --labels FILE --labeler condition"
        )


@dataclass(frozen=True)
class Validated:
    """How good the labels of a labeled set are.

    Attributes:
        chosen: The labeler asked about.
        others: With `--compare`, all labelers in the order of the table; otherwise empty.
    """

    chosen: CrossValidation
    others: tuple[CrossValidation, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return `mae, rmse, srcc, plcc, by, ...` of the chosen labeler, and a list of the same for all compared."""
        facts = self.chosen.as_json()
        return {**facts, "compare": [each.as_json() for each in self.others]} if self.others else facts

    def as_text(self) -> str:
        """Return the chosen labeler by level and type, or one line for each compared."""
        return comparison_text(list(self.others)) if self.others else self.chosen.as_text()


def cross_validate_label_file(
    labels: LabelFile,
    reference_features: Path | None,
    settings: LabelSettings,
    *,
    split_file: Path | None = None,
    compare: bool = False,
    reporter: Reporter = SILENT,
) -> Validated:
    """Run `validate_labels` on a label file, features of its references and a file of held-out ones.

    Without features the contents of all references are alike, which changes nothing for the labeler `condition`.

    Raises:
        CurateError: See `validate_labels`, or the labelers asked about compare contents and there are no features.
    """
    if reference_features is None and (compare or settings.needs_features):
        raise CurateError("--reference-features FILE is needed: labelers other than condition compare contents")
    known = labels.read(reporter)
    splits = {} if split_file is None else read_splits(split_file, known.reference_of())
    if reference_features is None:
        references = alike(known.references(), str(labels.path))
    else:
        references = load_features(reference_features)
    require_same_references(references, known)
    return validate_labels(known, references, settings, splits=splits, compare=compare, reporter=reporter)


def validate_labels(
    labels: Labels,
    references: Features,
    settings: LabelSettings,
    *,
    splits: Mapping[str, str],
    compare: bool,
    reporter: Reporter,
) -> Validated:
    """Predict each labeled reference's labels from the others, and score them.

    The references are those that `label` would take labels from; labels of held-out ones are not looked at.

    Args:
        labels: The labeled set.
        references: Features of its references.
        settings: The labeler asked about, as `label` would use it.
        splits: Split of each reference that is not for training.
        compare: Score the other labelers too.
        reporter: Shows progress.

    Raises:
        CurateError: Labels and features do not fit each other, or labels are missing.
    """
    references = without_held_out(references, splits, settings, reporter)
    labels = labels.of_references(references.require_ids())
    count = len(labels.references())

    def score(which: Labeler) -> CrossValidation:
        with reporter.task(f"leave out one reference ({which.name})", count) as task:
            return cross_validate(labels, references, which, progress=counting(task))

    chosen = make_labeler(settings.labeler, settings.neighbors)
    if not compare:
        return Validated(score(chosen))
    labelers = labelers_to_compare()
    others = tuple(score(each) for each in labelers)
    if chosen in labelers:
        return Validated(replace(others[labelers.index(chosen)], labeler=chosen.name), others)
    return Validated(score(chosen), others)
