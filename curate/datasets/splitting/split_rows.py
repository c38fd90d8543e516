"""What is to be split: rows with their references, from a manifest, a label file or labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import CurateError
from ...manifest.ids import folded_id, list_ids, parse_sample_id, require_unique, stem_id
from ...manifest.split_names import Split
from ...storage.texts.csv_tables import read_csv
from ..label_cells import require_column
from ..label_columns import LabelColumns
from ..labels import Labels

SPLIT_COLUMN = "split"
# How sets write their own splits (KonIQ-10k: training, validation, test).
SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class SplitRows:
    """Rows to split.

    Attributes:
        source: Where they come from, for messages.
        ids: Their ids.
        references: Id of each row's reference; None where it has none, as a photograph.
        official: The split that each row has by its own set; None where the set has no split.
    """

    source: str
    ids: tuple[str, ...]
    references: tuple[str | None, ...]
    official: tuple[Split, ...] | None = None

    def units(self) -> list[str]:
        """Return what must stay in one split, for each row: its reference, or itself, whatever its spelling."""
        return [folded_id(reference or row) for row, reference in zip(self.ids, self.references, strict=True)]

    @property
    def are_by_reference(self) -> bool:
        """Whether every row has a reference."""
        return all(reference is not None for reference in self.references)

    def named(self, splits: Mapping[str, str]) -> dict[str, str]:
        """Return the split of each reference, or of each row where not every row has a reference.

        Args:
            splits: The split of each unit.
        """
        names = [reference or row for row, reference in zip(self.ids, self.references, strict=True)]
        if not self.are_by_reference:
            names = list(self.ids)
        return {name: splits[unit] for name, unit in zip(names, self.units(), strict=True)}

    def official_splits(self) -> dict[str, str]:
        """Return the official split of each unit.

        Raises:
            CurateError: The set has no split, or a reference is in two.
        """
        if self.official is None:
            raise CurateError(
                f"{self.source} has no split of its own; expected rows of several splits (without --split-column or "
                "with --redraw, a split is drawn)"
            )
        splits: dict[str, str] = {}
        torn = [
            row
            for row, unit, split in zip(self.ids, self.units(), self.official, strict=True)
            if splits.setdefault(unit, split) != split
        ]
        if torn:
            raise CurateError(
                f"{self.source}: {len(torn)} rows are in another split than other rows of their reference: "
                f"{list_ids(torn)}; expected each reference in one split (--redraw draws a split instead)"
            )
        return splits


def manifest_rows(table: pa.Table, source: str) -> SplitRows:
    """Take the rows of a manifest; it has an official split where its rows are of several splits.

    Raises:
        CurateError: Rows are mixes, each of which shows two references.
    """
    _refuse_mixes(table, source)
    splits = tuple(table["split"].to_pylist())
    return SplitRows(
        source,
        tuple(table["sample_id"].to_pylist()),
        tuple(table["reference_id"].to_pylist()),
        splits if len(set(splits)) > 1 else None,
    )


def _refuse_mixes(table: pa.Table, source: str) -> None:
    if "source_a" not in table.column_names or not pa.types.is_struct(table["source_a"].type):
        return
    mixes = table.filter(pc.is_valid(table["source_a"]))["sample_id"].to_pylist()
    if mixes:
        raise CurateError(
            f"{source}: {len(mixes)} rows are mixes of two pictures, whose references could be on both sides of a "
            f"split: {list_ids(mixes)}; expected rows of one reference each: split the images that were mixed, and mix "
            "those of the training references (mix leaves held-out ones out)"
        )


def labeled_rows(labels: Labels) -> SplitRows:
    """Take the rows of labels that were read."""
    return SplitRows("the labels", labels.sample_ids, labels.reference_ids)


def label_file_rows(
    path: Path,
    *,
    id_column: str = LabelColumns.id,
    reference_column: str = LabelColumns.reference,
    split_column: str = SPLIT_COLUMN,
) -> SplitRows:
    """Read the rows of a label file; its scores are not looked at.

    Args:
        path: CSV or TSV with a header.
        id_column: File names of the images.
        reference_column: File names of their references. Where the file has no such column and none is asked for, the
            part of an id before `_<type>_<level>`; a photograph without has no reference.
        split_column: The set's own split; where the file has no such column and none is asked for, it has none.

    Raises:
        CurateError: No such file or column, no row, an image without a name, two of one name, or a word that is no
            split.
    """
    if not path.is_file():
        raise CurateError(f"no label file at {path}: give a CSV with a row per image, or a manifest")
    frame = read_csv(path)
    require_column(path, frame, id_column)
    ids = tuple(stem_id(name) for name in frame[id_column])
    if not all(ids):
        raise CurateError(f"{path}: {ids.count('')} rows have nothing in column {id_column!r}; expected image names")
    if not ids:
        raise CurateError(f"{path} has a header and no rows; expected a row per image")
    hint = "the file names without folder; a manifest, as `testset csv --ids path` writes it, keeps the folder"
    require_unique(ids, f"{path}, column {id_column!r} ({hint})")
    references: tuple[str | None, ...]
    if reference_column in frame.columns or reference_column != LabelColumns.reference:
        require_column(path, frame, reference_column)
        references = tuple(stem_id(name) or None for name in frame[reference_column])
    else:
        references = tuple(parts[0] if (parts := parse_sample_id(identifier)) else None for identifier in ids)
    official = None
    if split_column in frame.columns or split_column != SPLIT_COLUMN:
        if split_column not in frame.columns:
            raise CurateError(f"{path} has no column {split_column!r}; it has {', '.join(map(str, frame.columns))}")
        official = tuple(_split(path, word, split_column) for word in frame[split_column])
    return SplitRows(str(path), ids, references, official)


def _split(path: Path, word: str, column: str) -> Split:
    if word.casefold() not in SPLIT_WORDS:
        raise CurateError(f"{path}: column {column!r} holds {word!r}; expected {', '.join(SPLIT_WORDS)}")
    return SPLIT_WORDS[word.casefold()]
