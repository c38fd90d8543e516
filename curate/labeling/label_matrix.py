"""A complete labelled set as matrices: references by conditions, features beside them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..datasets.features import Features
from ..datasets.labels import Labels
from ..errors import CurateError
from ..manifest.ids import list_ids, make_sample_id
from ..similarity import check_rows

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class LabelCube:
    """A complete labelled set as matrices.

    Attributes:
        features: N references, with ids.
        conditions: C pairs (distortion id, level), ascending.
        quality: NxC on [0, 10].
        rater_noise: NxC standard errors on the same scale, NaN where unknown; None if none is known.
    """

    features: Features
    conditions: tuple[tuple[int, int], ...]
    quality: Matrix
    rater_noise: Matrix | None

    def without(self, row: int) -> "LabelCube":
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
        return LabelCube(others, self.conditions, self.quality[keep], noise)


def label_cube(labels: Labels, references: Features) -> LabelCube:
    """Lay a labelled set out as matrices: references by id, conditions by type and level, both ascending.

    Args:
        labels: Every reference with a label for every (type, level) that occurs.
        references: Features of its references, in any order.

    Raises:
        CurateError: Labels are missing or given twice, features and labels speak of different references, or features
            have no direction.
    """
    references.require_ids()
    ids = tuple(sorted(set(labels.reference_ids)))
    matrix = references.aligned_to(ids, "the labelled references")
    check_rows(matrix, ids, references.source)
    cells = list(zip(labels.distortion_ids.tolist(), labels.levels.tolist(), strict=True))
    conditions = tuple(sorted(set(cells)))
    row = {identifier: number for number, identifier in enumerate(ids)}
    column = {condition: number for number, condition in enumerate(conditions)}
    place = (np.array([row[i] for i in labels.reference_ids]), np.array([column[cell] for cell in cells]))
    counts = np.zeros((len(ids), len(conditions)), np.int64)
    np.add.at(counts, place, 1)
    _require_one_each(counts, ids, conditions)
    quality, noise = np.empty(counts.shape), np.empty(counts.shape)
    quality[place], noise[place] = labels.quality, labels.standard_errors
    features = replace(references, matrix=matrix, ids=ids, names=None)
    return LabelCube(features, conditions, quality, noise if np.isfinite(noise).any() else None)


def _require_one_each(counts: NDArray[np.int64], ids: tuple[str, ...], conditions: tuple[tuple[int, int], ...]) -> None:
    for wrong, what in ((counts == 0, "missing"), (counts > 1, "given more than once")):
        cells = [make_sample_id(ids[i], *conditions[j]) for i, j in np.argwhere(wrong).tolist()]
        if cells:
            raise CurateError(
                f"{len(cells)} labels are {what}: {list_ids(cells)} "
                "(every reference needs one label for each type and level that any of them has)"
            )
