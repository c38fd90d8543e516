"""The labeled rows of a test manifest, and the groups that they are scored in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..datasets.predictions import Predictions
from ..errors import CurateError
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.ids import folded_id, list_ids
from ..manifest.manifest import ok_rows, read_manifest, validate
from ..manifest.split_names import SPLITS
from ..manifest.splits import TRAIN

NO_VALUE = "(none)"
TYPE = "type"  # `--by type` groups by `distortion_id`

Vector = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class LabeledRows:
    """The rows of a test manifest that have a label, in its order.

    Attributes:
        table: Their columns.
        name: Where they come from, for messages.
        left_out: How many rows have no label or a status other than `ok`.
        reference_of: The reference of each row of the manifest, by its id, those left out among them; a row without a
            reference is its own.
    """

    table: pa.Table
    name: str
    left_out: int
    reference_of: Mapping[str, str]

    @property
    def ids(self) -> list[str]:
        """Their ids."""
        ids: list[str] = self.table["sample_id"].to_pylist()
        return ids

    @property
    def labels(self) -> Vector:
        """Their labels, float64 on [0, 10]."""
        labels: Vector = self.table["label"].to_numpy().astype(np.float64)
        return labels

    def units(self) -> NDArray[np.intp]:
        """Number the bootstrap units: the reference of each row, in the order of their names.

        The same references have the same numbers in any order of the rows. Names that `split` takes for one reference
        are one here, too.
        """
        references = [self.reference_of[row] for row in self.ids]
        number_of: dict[str, int] = {}
        for name in sorted(set(references)):
            number_of.setdefault(folded_id(name), len(number_of))
        return np.array([number_of[folded_id(name)] for name in references], np.intp)

    def scores_of(self, predictions: Predictions, rows: Rows) -> Vector:
        """Return the score of each of some rows.

        Raises:
            CurateError: A row has none.
        """
        ids = self.ids
        wanted = [ids[row] for row in rows.tolist()]
        lacking = [row for row in wanted if row not in predictions.scores]
        if lacking:
            reason = explain_mismatch(wanted, predictions.scores, wanted_in=self.name, given_in=predictions.source)
            raise CurateError(
                f"{predictions.source} has no score for {len(lacking)} of {len(wanted)} labeled rows of {self.name}: "
                f"{list_ids(lacking)}{reason}; expected one for each"
            )
        return np.array([predictions.scores[row] for row in wanted], np.float64)

    def scored(self, rows: Rows, scores: Vector) -> pa.Table:
        """Return the id, label and score of some rows.

        Args:
            rows: Their numbers.
            scores: Their scores.
        """
        return pa.table({"sample_id": self.table["sample_id"].take(rows), "label": self.labels[rows], "score": scores})

    def of_split(self, split: str | None, splits: Mapping[str, str] | None) -> Rows:
        """Return the rows of a split.

        Args:
            split: `train`, `val` or `test`; None: all rows.
            splits: The split of each reference, or of rows by their ids; what it does not name is for training. None:
                the manifest's own.

        Raises:
            CurateError: No such split, no row is of it, or `splits` names what the manifest does not.
        """
        if split is None:
            return np.arange(len(self.table))
        if split not in SPLITS:
            raise CurateError(f"split is {split!r}; expected {', '.join(SPLITS)}")
        found = self.table["split"].to_pylist() if splits is None else self._splits(splits)
        rows = np.array([row for row, name in enumerate(found) if name == split], np.intp)
        if not len(rows):
            raise CurateError(f"no labeled row of {self.name} is of split {split!r}; expected some to score")
        return rows

    def groups(self, column: str) -> dict[str, Rows]:
        """Return the rows of each value of a column, in the order of the values; rows without one are the last.

        Args:
            column: A column of the manifest, or `type`.

        Raises:
            CurateError: No such column, or one that holds lists.
        """
        name = "distortion_id" if column == TYPE else column
        if name not in self.table.column_names:
            raise CurateError(
                f"{self.name} has no column {column!r} to group by; expected {TYPE} or one of "
                f"{', '.join(self.table.column_names)}"
            )
        if pa.types.is_nested(self.table[name].type):
            raise CurateError(f"column {column!r} of {self.name} holds lists; expected one value per row to group by")
        cells = self.table[name]
        if column == TYPE:  # a chain is of no one type, whatever else its row says
            cells = pc.if_else(pc.is_null(self.table["chain"]), cells, None)
        values = cells.to_pylist()
        rows: dict[object, list[int]] = {}
        for row, value in enumerate(values):
            known = value == value  # NaN is no value  # noqa: PLR0124
            rows.setdefault(value if known else None, []).append(row)
        ordered = sorted((value for value in rows if value is not None), key=_order)
        names = self._type_names() if column == TYPE else {}
        found = {names.get(value, str(value)): np.array(rows[value], np.intp) for value in ordered}
        if None in rows:
            # A column may hold the words themselves.
            found[NO_VALUE if NO_VALUE not in found else f"({NO_VALUE})"] = np.array(rows[None], np.intp)
        return found

    def _type_names(self) -> dict[object, str]:
        kinds = zip(self.table["distortion_id"].to_pylist(), self.table["distortion"].to_pylist(), strict=True)
        return {kind: f"{kind} {name}" for kind, name in kinds if name is not None}

    def _splits(self, splits: Mapping[str, str]) -> list[str]:
        known = {*self.reference_of, *self.reference_of.values()}
        stray = [name for name in splits if name not in known]
        if stray:
            reason = explain_mismatch(splits, known, wanted_in="the splits", given_in=self.name)
            raise CurateError(f"the splits name {len(stray)} ids that {self.name} does not: {list_ids(stray)}{reason}")
        return [splits.get(row, splits.get(self.reference_of[row], TRAIN)) for row in self.ids]


def read_labeled_rows(test: pa.Table | Path | str) -> LabeledRows:
    """Take the labeled rows of a manifest.

    Args:
        test: The manifest, or its file.

    Raises:
        CurateError: It is no manifest, or has no labeled row.
    """
    name = "the test manifest" if isinstance(test, pa.Table) else str(test)
    table = validate(test) if isinstance(test, pa.Table) else read_manifest(test)
    labeled = ok_rows(table)
    labeled = labeled.filter(pc.is_valid(labeled["label"]))
    if not len(labeled):
        raise CurateError(f"{name} has no row with status ok and a label; expected a labeled test set")
    return LabeledRows(labeled, name, len(table) - len(labeled), _reference_of(table))


def _reference_of(table: pa.Table) -> dict[str, str]:
    columns = (table[name].to_pylist() for name in ("sample_id", "reference_id"))
    return {row: reference or row for row, reference in zip(*columns, strict=True)}


def _order(value: object) -> tuple[bool, float, str]:
    is_number = isinstance(value, int | float)
    return not is_number, float(value) if isinstance(value, int | float) else 0.0, str(value)
