"""Stage `split`: which references are for training and which are for testing."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ...manifest.manifest import read_manifest, validate
from ..label_columns import LabelColumns
from ..labels import Labels
from ..settings import SplitSettings
from .draw import draw_split, split_sizes
from .split_rows import SPLIT_COLUMN, SplitRows, label_file_rows, labeled_rows, manifest_rows

OFFICIAL = "official"


def split(
    source: Labels | pa.Table | Path | str,
    *,
    fractions: Sequence[float] = SplitSettings.fractions,
    seeds: int = SplitSettings.seeds,
    seed: int = SplitSettings.seed,
    redraw: bool = SplitSettings.redraw,
    id_column: str = LabelColumns.id,
    reference_column: str = LabelColumns.reference,
    split_column: str = SPLIT_COLUMN,
) -> dict[str, dict[str, str]]:
    """Draw splits by reference, or read the one that a set has.

    All rows of a reference are in the same split; a row without a reference, such as a photograph, is drawn by itself.
    Ids that differ in upper and lower case or in their Unicode form alone count as one reference.

    Args:
        source: Labels, a manifest or its file (`.parquet`), or a label file (CSV).
        fractions: Shares for train and test, or for train, val and test; they add up to 1.
        seeds: How many splits to draw, each under a seed of its own.
        seed: The first seed.
        redraw: Draw where the set has an official split, too.
        id_column: Of a label file: file names of the images.
        reference_column: Of a label file: file names of their references.
        split_column: Of a label file: the official split.

    Returns:
        The splits by name: `seed_123` and so on, or `official`. Each says the split of every reference, as `label` and
        `upsample` take it; of every row, where not all rows have a reference.

    Raises:
        CurateError: Bad fractions, too few references, a reference in two official splits, or a bad input.
    """
    settings = SplitSettings(fractions=tuple(fractions), seeds=seeds, seed=seed, redraw=redraw)
    columns = {"id_column": id_column, "reference_column": reference_column, "split_column": split_column}
    return splits_of(rows_to_split(source, **columns), settings)


def rows_to_split(
    source: Labels | pa.Table | Path | str,
    *,
    id_column: str = LabelColumns.id,
    reference_column: str = LabelColumns.reference,
    split_column: str = SPLIT_COLUMN,
) -> SplitRows:
    """Read what is to be split; see `split`.

    Raises:
        CurateError: A bad input.
    """
    if isinstance(source, Labels):
        return labeled_rows(source)
    if isinstance(source, pa.Table):
        return manifest_rows(validate(source), "the manifest")
    path = Path(source)
    if path.suffix == ".parquet":
        return manifest_rows(read_manifest(path), str(path))
    return label_file_rows(path, id_column=id_column, reference_column=reference_column, split_column=split_column)


def splits_of(rows: SplitRows, settings: SplitSettings) -> dict[str, dict[str, str]]:
    """Draw the splits of rows, or take their official one; see `split`.

    Raises:
        CurateError: Bad fractions, too few references, or a reference in two official splits.
    """
    if rows.official is not None and not settings.redraw:
        return {OFFICIAL: rows.named(rows.official_splits())}
    units = list(dict.fromkeys(rows.units()))
    split_sizes(settings.fractions, len(units))
    return {
        f"seed_{seed}": rows.named(draw_split(units, settings.fractions, seed))
        for seed in range(settings.seed, settings.seed + settings.seeds)
    }
