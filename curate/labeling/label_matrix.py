"""A labeled set as matrices: references by conditions, features beside them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...distortions.catalog import IDENTITY_CELLS, PRISTINE
from ..datasets.features import Features
from ..datasets.labels import Labels
from ..errors import CurateError
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.ids import list_ids, make_sample_id
from ..similarity import check_rows

Matrix = NDArray[np.float64]
Condition = tuple[int, int]  # distortion id and level


@dataclass(frozen=True)
class LabelMatrix:
    """A labeled set as matrices.

    Attributes:
        features: N references, with ids.
        conditions: C pairs (distortion id, level), ascending.
        quality: NxC on [0, 10], NaN where there is no label.
        rater_noise: NxC standard errors on the same scale, NaN where unknown; None if none is known.
        pristine: N labels of the undistorted references, see `pristine_labels`; NaN where unknown.
    """

    features: Features
    conditions: tuple[Condition, ...]
    quality: Matrix
    rater_noise: Matrix | None
    pristine: Matrix

    def quality_of(self, conditions: Sequence[Condition]) -> Matrix:
        """Return the labels of all references under some conditions.

        Args:
            conditions: W pairs; (0, 0) is the undistorted reference.

        Returns:
            NxW on [0, 10], NaN where there is no label.
        """
        column = dict(zip(self.conditions, self.quality.T, strict=True))
        column[PRISTINE, 0] = self.pristine
        unknown = np.full(len(self.pristine), np.nan)
        return np.stack([column.get(condition, unknown) for condition in conditions], axis=1)

    def without(self, row: int) -> "LabelMatrix":
        """Return the set without one reference."""
        keep = np.arange(len(self.quality)) != row
        ids, names = self.features.require_ids(), self.features.names
        others = replace(
            self.features,
            matrix=np.asarray(self.features.matrix)[keep],
            ids=tuple(i for i, kept in zip(ids, keep, strict=True) if kept),
            names=None if names is None else tuple(n for n, kept in zip(names, keep, strict=True) if kept),
        )
        noise = None if self.rater_noise is None else self.rater_noise[keep]
        return LabelMatrix(others, self.conditions, self.quality[keep], noise, self.pristine[keep])


def label_matrix(labels: Labels, references: Features) -> LabelMatrix:
    """Lay a labeled set out as matrices; it may have gaps.

    Args:
        labels: The labeled set; labels of other references than the given ones are left out.
        references: Features of N references, with ids.

    Returns:
        References in the order of their features, conditions ascending by type and level.
    """
    ids = references.require_ids()
    cells = list(zip(labels.distortion_ids.tolist(), labels.levels.tolist(), strict=True))
    conditions = tuple(sorted(set(cells)))
    row = {identifier: number for number, identifier in enumerate(ids)}
    column = {condition: number for number, condition in enumerate(conditions)}
    used = [place for place, identifier in enumerate(labels.reference_ids) if identifier in row]
    where = ([row[labels.reference_ids[place]] for place in used], [column[cells[place]] for place in used])
    quality = np.full((len(ids), len(conditions)), np.nan)
    noise = quality.copy()
    quality[where], noise[where] = labels.quality[used], labels.standard_errors[used]
    pristine = pristine_labels(labels)
    return LabelMatrix(
        features=references,
        conditions=conditions,
        quality=quality,
        rater_noise=noise if np.isfinite(noise).any() else None,
        pristine=np.array([pristine.get(identifier, np.nan) for identifier in ids]),
    )


def columns_of(known: Sequence[Condition], wanted: Condition) -> list[int]:
    """Find the columns that give the label under a condition: their mean is the label.

    Args:
        known: Conditions of a labeled set, each once.
        wanted: A pair; (0, 0) is the undistorted reference.

    Returns:
        The column of the condition itself. For an undistorted reference that has none: those of the identity cells, in
        which the generator changes nothing. Empty where the labeled set has no such columns.
    """
    if wanted in known:
        return [known.index(wanted)]
    return [known.index(cell) for cell in IDENTITY_CELLS if cell in known] if wanted == (PRISTINE, 0) else []


def complete_label_matrix(labels: Labels, references: Features) -> LabelMatrix:
    """Lay a labeled set without gaps out as matrices.

    Args:
        labels: Every reference with one label for every (type, level) that occurs.
        references: Features of its references, in any order.

    Returns:
        References ascending by id, conditions ascending by type and level: the order of the files does not matter.

    Raises:
        CurateError: Labels are missing or given twice, features and labels are of different references, or features
            have no direction.
    """
    references.require_ids()
    ids = tuple(sorted(set(labels.reference_ids)))
    matrix = references.aligned_to(ids, "the labeled references")
    check_rows(matrix, ids, references.source)
    _require_one_each(labels, ids)
    return label_matrix(labels, replace(references, matrix=matrix, ids=ids, names=None))


def pristine_labels(labels: Labels) -> dict[str, float]:
    """Return the label of each undistorted reference, by its id; references whose label is unknown are left out.

    It is the mean over the identity cells that have a label, or else the label of the reference itself.
    """
    lookup = labels.by_condition()
    found: dict[str, float] = {}
    for reference in labels.references():
        cells = [lookup[reference, kind, level] for kind, level in IDENTITY_CELLS if (reference, kind, level) in lookup]
        if cells:
            found[reference] = sum(cells) / len(cells)
        elif (reference, PRISTINE, 0) in lookup:
            found[reference] = lookup[reference, PRISTINE, 0]
    return found


def require_same_references(references: Features, labels: Labels) -> None:
    """Refuse feature and label files of different references.

    Raises:
        CurateError: Names the references that only one of them has, and why their ids do not match, or feature rows
            without a direction.
    """
    ids = references.require_ids()
    labeled = set(labels.reference_ids)
    without_features = [identifier for identifier in labels.references() if identifier not in set(ids)]
    without_labels = [identifier for identifier in ids if identifier not in labeled]
    if without_features:
        reason = explain_mismatch(labels.references(), ids, wanted_in="the labels", given_in=references.source)
        raise CurateError(
            f"{references.source} has no features for {len(without_features)} labeled references: "
            f"{list_ids(without_features)}{reason}"
        )
    if without_labels:
        raise CurateError(
            f"{references.source} has {len(without_labels)} references without any label: "
            f"{list_ids(without_labels)}; give the features of labeled references alone"
        )
    check_rows(references.matrix, ids, references.source)


def _require_one_each(labels: Labels, ids: Sequence[str]) -> None:
    cells = zip(labels.reference_ids, labels.distortion_ids.tolist(), labels.levels.tolist(), strict=True)
    counts = Counter(cells)
    conditions = sorted({(kind, level) for _, kind, level in counts})
    every = [(identifier, kind, level) for identifier in ids for kind, level in conditions]
    missing = [make_sample_id(*cell) for cell in every if counts[cell] == 0]
    repeated = [make_sample_id(*cell) for cell in every if counts[cell] > 1]
    for wrong, what in ((missing, "missing"), (repeated, "given more than once")):
        if wrong:
            raise CurateError(
                f"{len(wrong)} labels are {what}: {list_ids(wrong)} "
                "(every reference needs one label for each type and level that any of them has)"
            )
