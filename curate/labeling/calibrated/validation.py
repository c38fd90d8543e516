"""The error of calibrated labels: on references and on types that the map did not see."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import CurateError
from .model import QualityMap, mdsi_quality
from .spread import COVERED, Spread

REFERENCE_FOLDS = 5
FEWEST_REFERENCES, FEWEST_TYPES, FEWEST_ROWS = 2, 3, 60

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class FitRows:
    """Labeled pictures that a map is fitted to.

    Attributes:
        measures: (n, M), as `MEASURES` names them.
        labels: n on [0, 10].
        references: n ids.
        types: n distortion ids.
        families: n names of the families of the types.
    """

    measures: Vector
    labels: Vector
    references: Sequence[str]
    types: Sequence[int]
    families: Sequence[str]


@dataclass(frozen=True)
class Errors:
    """Mean absolute errors on [0, 10], of labels predicted by a map that did not see them.

    Attributes:
        rows: How many labels were predicted.
        references: Unseen references, types seen; in five folds.
        types: Unseen types, references seen; one type at a time.
        families: Unseen families of types, one at a time: what a type unlike all others has to
            expect; None where there is one family.
        mdsi: Of the proxy label on the same pictures, which is fitted to none.
        types_by_family: `types` of each family.
        mdsi_by_family: `mdsi` of each family.
        coverage: Share of labels of unseen types within their `label_std`, which comes from the other types.
    """

    rows: int
    references: float
    types: float
    families: float | None
    mdsi: float
    types_by_family: dict[str, float]
    mdsi_by_family: dict[str, float]
    coverage: float

    def as_summary(self) -> dict[str, Any]:
        """Return the numbers over all rows."""
        return {
            "fit_rows": self.rows,
            "mae_unseen_references": self.references,
            "mae_unseen_types": self.types,
            "mae_unseen_families": self.families,
            "mae_mdsi": self.mdsi,
            "coverage": self.coverage,
        }

    def as_json(self) -> dict[str, Any]:
        """Return all numbers, as the provenance has them."""
        return {
            **self.as_summary(),
            "mae_unseen_types_by_family": self.types_by_family,
            "mae_mdsi_by_family": self.mdsi_by_family,
        }

    def as_lines(self) -> list[str]:
        """Return the numbers as lines for reading."""
        lines = [
            f"calibrated on {self.rows} rows; mean absolute errors, and MDSI's on the same rows:",
            f"  unseen references: {self.references:.3f} (MDSI {self.mdsi:.3f})",
            f"  unseen types: {self.types:.3f}",
        ]
        for family, error in self.types_by_family.items():
            lines.append(f"    of {family}: {error:.3f} (MDSI {self.mdsi_by_family[family]:.3f})")
        right = f"{COVERED:.0%} would be right"
        lines.append(f"  unseen families of types: {'-' if self.families is None else f'{self.families:.3f}'}")
        lines.append(f"  labels of unseen types within label_std: {self.coverage:.0%} ({right})")
        return lines


def validate_map(rows: FitRows) -> tuple[Errors, Spread]:
    """Predict labels from maps that did not see them.

    Args:
        rows: What the map will be fitted to.

    Returns:
        The errors, and the spread of labels of unseen types.

    Raises:
        CurateError: There are too few rows, references or types.
    """
    _refuse_too_few(rows)
    by_reference = _predict_left_out(rows, _reference_folds(rows.references))
    types = np.array(rows.types)
    by_type = _predict_left_out(rows, types)
    proxies = np.abs(mdsi_quality(rows.measures) - rows.labels)
    errors = np.abs(by_type - rows.labels)
    within = np.empty(len(types), bool)
    for kind in np.unique(types):
        left_out = types == kind
        spread = Spread.of(by_type[~left_out], errors[~left_out])
        within[left_out] = errors[left_out] <= spread.at(by_type[left_out])
    return (
        Errors(
            rows=len(types),
            references=float(np.abs(by_reference - rows.labels).mean()),
            types=float(errors.mean()),
            families=_error_on_unseen_families(rows),
            mdsi=float(proxies.mean()),
            types_by_family=_means(errors, rows.families),
            mdsi_by_family=_means(proxies, rows.families),
            coverage=float(within.mean()),
        ),
        Spread.of(by_type, errors),
    )


def _refuse_too_few(rows: FitRows) -> None:
    found = {
        "labeled rows": (len(rows.labels), FEWEST_ROWS),
        "references": (len(set(rows.references)), FEWEST_REFERENCES),
        "types": (len(set(rows.types)), FEWEST_TYPES),
    }
    for what, (count, least) in found.items():
        if count < least:
            raise CurateError(
                f"a calibrated label is fitted to at least {least} {what} of single distortions; there are {count} "
                "(more would be better: two dozen references and all types)"
            )


def _reference_folds(references: Sequence[str]) -> NDArray[np.int64]:
    """Assign references to folds, in the order of their ids."""
    ids = sorted(set(references))
    fold = {identifier: number % REFERENCE_FOLDS for number, identifier in enumerate(ids)}
    return np.array([fold[identifier] for identifier in references])


def _predict_left_out(rows: FitRows, groups: NDArray[Any]) -> Vector:
    """Predict each group's labels from a map of the others."""
    found = np.empty(len(groups))
    for group in np.unique(groups):
        left_out = groups == group
        found[left_out] = QualityMap(rows.measures[~left_out], rows.labels[~left_out]).predict(rows.measures[left_out])
    return found


def _error_on_unseen_families(rows: FitRows) -> float | None:
    if len(set(rows.families)) == 1:
        return None
    return float(np.abs(_predict_left_out(rows, np.array(rows.families)) - rows.labels).mean())


def _means(errors: Vector, families: Sequence[str]) -> dict[str, float]:
    marks = np.array(families)
    return {str(family): float(errors[marks == family].mean()) for family in np.unique(marks)}
