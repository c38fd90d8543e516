"""Label files of any format, converted to quality on [0, 10], higher is better."""

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError, CurateWarning
from ..manifest.ids import (
    list_ids,
    make_sample_id,
    refuse_one_text,
    require_unique,
    stem_id,
)
from ..manifest.schema import LABEL_MAXIMUM
from ..runs.progress import Reporter
from ..storage.paths.regular_files import refuse_special
from ..storage.texts.csv_tables import read_csv
from .label_cells import conditions_of, numbers_of, refuse_other_references, require_column
from .label_columns import LabelColumns
from .label_direction import describe_reversed_labels

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LabelScale:
    """The scale that labels came from: its ends and its direction."""

    minimum: float
    maximum: float
    higher_is_better: bool = True

    def to_quality(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map scores of this scale to [0, 10], higher is better (float64).

        >>> LabelScale(1.0, 5.0).to_quality(np.array([1.0, 4.0])).tolist()
        [0.0, 7.5]
        >>> LabelScale(0.0, 100.0, higher_is_better=False).to_quality(np.array([25.0])).tolist()
        [7.5]
        """
        share = (values - self.minimum) / (self.maximum - self.minimum)
        return LABEL_MAXIMUM * (share if self.higher_is_better else 1.0 - share)

    def spread_to_quality(self, spread: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map standard deviations on this scale to [0, 10] (float64).

        >>> LabelScale(1.0, 5.0).spread_to_quality(np.array([1.0])).tolist()
        [2.5]
        """
        return spread * (LABEL_MAXIMUM / (self.maximum - self.minimum))

    def as_json(self) -> dict[str, float | bool]:
        """Return the scale as it is in a manifest's metadata."""
        return {"min": self.minimum, "max": self.maximum, "higher_is_better": self.higher_is_better}


@dataclass(frozen=True)
class Labels:
    """A labeled set, one entry per distorted image, in file order.

    Attributes:
        sample_ids: Ids of the distorted images (file stems).
        image_names: Their file names as the label file has them.
        reference_ids: Ids of their references.
        reference_names: File names of their references.
        distortion_ids: int16, 1-25, and 200-999 of users' types.
        levels: int8, 1-5.
        quality: float64 on [0, 10], higher is better.
        standard_errors: float64 on the same scale, NaN where unknown.
        scale: The scale of the source.
        source: `mos` or `proxy`.
        seeds: int64 stream seeds of images that this toolkit rendered; None for other people's images.
    """

    sample_ids: tuple[str, ...]
    image_names: tuple[str, ...]
    reference_ids: tuple[str, ...]
    reference_names: tuple[str, ...]
    distortion_ids: NDArray[np.int16]
    levels: NDArray[np.int8]
    quality: NDArray[np.float64]
    standard_errors: NDArray[np.float64]
    scale: LabelScale
    source: str = "mos"
    seeds: NDArray[np.int64] | None = None

    def references(self) -> tuple[str, ...]:
        """Return the distinct reference ids, in order of first appearance."""
        return tuple(dict.fromkeys(self.reference_ids))

    def reference_of(self) -> dict[str, str]:
        """Return the reference id of each distorted image, by its id."""
        return dict(zip(self.sample_ids, self.reference_ids, strict=True))

    def by_condition(self) -> dict[tuple[str, int, int], float]:
        """Return quality by (reference id, distortion id, level)."""
        keys = zip(self.reference_ids, self.distortion_ids.tolist(), self.levels.tolist(), strict=True)
        return dict(zip(keys, self.quality.tolist(), strict=True))

    def of_references(self, ids: Iterable[str]) -> "Labels":
        """Return the labels of some references alone, on the same scale.

        Raises:
            CurateError: `ids` is one text.
        """
        refuse_one_text(ids, "the references wanted")
        wanted = set(ids)
        rows = [row for row, identifier in enumerate(self.reference_ids) if identifier in wanted]
        return replace(
            self,
            sample_ids=tuple(self.sample_ids[row] for row in rows),
            image_names=tuple(self.image_names[row] for row in rows),
            reference_ids=tuple(self.reference_ids[row] for row in rows),
            reference_names=tuple(self.reference_names[row] for row in rows),
            distortion_ids=self.distortion_ids[rows],
            levels=self.levels[rows],
            quality=self.quality[rows],
            standard_errors=self.standard_errors[rows],
            seeds=None if self.seeds is None else self.seeds[rows],
        )


@dataclass(frozen=True)
class LabelFile:
    """A label CSV and how to read it."""

    path: Path
    columns: LabelColumns = field(default_factory=LabelColumns)
    lower_is_better: bool = False
    label_range: tuple[float, float] | None = None

    def read(self, reporter: Reporter | None = None) -> Labels:
        """Read the file; see `read_labels`."""
        return read_labels(
            self.path,
            self.columns,
            lower_is_better=self.lower_is_better,
            label_range=self.label_range,
            reporter=reporter,
        )


def read_labels(
    path: Path | str,
    columns: LabelColumns | None = None,
    *,
    lower_is_better: bool = False,
    label_range: tuple[float, float] | None = None,
    reporter: Reporter | None = None,
) -> Labels:
    """Read a label CSV.

    Quality should fall with the level. Where it rises in most types, the scores probably run the other way than
    `lower_is_better` says, and this is said.

    Args:
        path: Comma-separated, or tab-separated if it ends in `.tsv`; with a header.
        columns: Which columns mean what.
        lower_is_better: The scores are of degradation (DMOS in the usual sense): flip them.
        label_range: Ends of the source scale; by default the smallest and largest score of the whole file, whichever
            references a split holds out later. Give them where no held-out label may have a part in the scale.
        reporter: Told when the scores look upside down; None: a `UserWarning` says it.

    Raises:
        CurateError: A column is missing, a score is not a number or outside `label_range`, an id repeats, does not say
            its type and level, or names another reference of the file than its row.
    """
    path, columns = Path(path), columns or LabelColumns()
    frame = read_label_table(path)
    for name in (columns.id, columns.label, columns.distortion, columns.level):
        if name is not None:
            require_column(path, frame, name)
    image_names = frame[columns.id].tolist()
    if not image_names:
        raise CurateError(f"{path} has a header and no rows; expected a row per image")
    sample_ids = [stem_id(name) for name in image_names]
    require_unique(sample_ids, f"{path}, column {columns.id!r}")
    scores = numbers_of(path, frame, columns.label, sample_ids)
    scale = scale_of(path, scores, sample_ids, label_range, higher_is_better=not lower_is_better)
    reference_names, distortions, levels = conditions_of(path, frame, columns, sample_ids)
    if columns.distortion is None or columns.level is None:
        refuse_other_references(path, columns, sample_ids, reference_names)
    conditions = zip((stem_id(name) for name in reference_names), distortions, levels, strict=True)
    require_unique((make_sample_id(*condition) for condition in conditions), f"{path}: reference, type and level")
    quality = scale.to_quality(scores)
    doubt = describe_reversed_labels(distortions, levels, quality, lower_is_better=lower_is_better)
    if doubt and reporter is None:
        warnings.warn(f"{path}: {doubt}", CurateWarning, stacklevel=2)
    elif doubt and reporter is not None:
        reporter.note(f"warning: {path}: {doubt}")
    return Labels(
        sample_ids=tuple(sample_ids),
        image_names=tuple(image_names),
        reference_ids=tuple(stem_id(name) for name in reference_names),
        reference_names=tuple(reference_names),
        distortion_ids=np.array(distortions, np.int16),
        levels=np.array(levels, np.int8),
        quality=quality,
        standard_errors=standard_errors_of(path, frame, columns, sample_ids)
        * (LABEL_MAXIMUM / (scale.maximum - scale.minimum)),
        scale=scale,
    )


def read_label_table(path: Path) -> "pd.DataFrame":
    """Read a label file unchanged, every cell a text.

    Raises:
        CurateError: There is no such file, or it is no readable CSV.
    """
    refuse_special(path)
    if not path.is_file():
        raise CurateError(f"no label file at {path}: give a CSV with a score per image")
    return read_csv(path)


def scale_of(
    path: Path,
    scores: NDArray[np.float64],
    ids: list[str],
    label_range: tuple[float, float] | None,
    *,
    higher_is_better: bool,
) -> LabelScale:
    """Return the scale of a label file: the ends that are given, or those of its scores.

    Raises:
        CurateError: The ends are no range, or a score is outside; the message names the ids.
    """
    low, high = label_range or (float(scores.min()), float(scores.max()))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise CurateError(f"{path}: the label range {low:g},{high:g} has no width; give one with --label-range MIN,MAX")
    if not math.isfinite(high - low) or not math.isfinite(LABEL_MAXIMUM / (high - low)):
        raise CurateError(
            f"{path}: the label range {low:g},{high:g} is too wide or too narrow; expected the ends of a scale of "
            "scores, such as 0,100"
        )
    outside = [ids[int(i)] for i in np.flatnonzero((scores < low) | (scores > high))]
    if outside:
        raise CurateError(
            f"{path}: {len(outside)} scores are outside {low:g} to {high:g}: {list_ids(outside)} (give the ends of "
            "the scale with --label-range MIN,MAX)"
        )
    return LabelScale(low, high, higher_is_better)


def standard_errors_of(path: Path, frame: "pd.DataFrame", columns: LabelColumns, ids: list[str]) -> NDArray[np.float64]:
    """Return the standard error of every score of a label file, on the file's own scale; NaN without a spread.

    Raises:
        CurateError: The column of the spread is missing, or holds something else than numbers from 0.
    """
    if columns.std is None or (columns.std == LabelColumns.std and columns.std not in frame.columns):
        return np.full(len(ids), np.nan)
    require_column(path, frame, columns.std)
    deviations = numbers_of(path, frame, columns.std, ids)
    negative = [ids[int(i)] for i in np.flatnonzero(deviations < 0)]
    if negative:
        raise CurateError(
            f"{path}: column {columns.std!r} is negative for {len(negative)} rows: {list_ids(negative)}; expected a "
            "spread (name its column with --std-column)"
        )
    return deviations / math.sqrt(columns.raters)
