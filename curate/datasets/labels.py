"""Anybody's label file, brought to quality on [0, 10], higher is better."""

import math
import unicodedata
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import CurateError
from ..manifest.ids import (
    list_ids,
    make_sample_id,
    parse_sample_id,
    refuse_one_text,
    require_unique,
    stem_id,
    strip_image_suffix,
)
from ..manifest.schema import LABEL_MAXIMUM
from ..runs.progress import Reporter
from ..storage.texts.csv_tables import read_csv
from ..storage.texts.strict_numbers import finite_number, whole_number
from ..whole_numbers import hold_whole_numbers
from .label_direction import doubt_direction

if TYPE_CHECKING:
    import pandas as pd

KADID_RATERS = 30
TYPE_COUNT = 25
LEVEL_COUNT = 5


@dataclass(frozen=True)
class LabelColumns:
    """Which columns of a label file mean what; the defaults are KADID-10k's.

    Attributes:
        id: File name of the distorted image.
        label: Its score.
        reference: File name of its reference; where the file has no such column, the part of the id before
            `_<type>_<level>`.
        std: Spread of the votes; None if there is none. KADID-10k's `var` is the population standard deviation; as the
            default, it is used where the file has it.
        raters: Votes per image: `std / sqrt(raters)` is the standard error. 1 if `std` is a standard error already.
        distortion: Column with the distortion id (1-25); None: taken from the id.
        level: Column with the level (1-5); None: taken from the id.
    """

    id: str = "dist_img"
    label: str = "dmos"
    reference: str = "ref_img"
    std: str | None = "var"
    raters: int = KADID_RATERS
    distortion: str | None = None
    level: str | None = None

    def __post_init__(self) -> None:
        """Refuse a number of votes that is none."""
        hold_whole_numbers(self, raters=1)

    @classmethod
    def chosen(
        cls,
        *,
        id: str,
        label: str,
        reference: str,
        std: str | None = None,
        raters: int | None = None,
        distortion: str | None = None,
        level: str | None = None,
    ) -> "LabelColumns":
        """Fill in what a user left open: spread and raters are KADID-10k's only with KADID-10k's columns."""
        kadid = cls()
        is_kadid = (id, label) == (kadid.id, kadid.label)
        spread = std or (kadid.std if is_kadid else None)
        votes = raters or (kadid.raters if is_kadid and spread == kadid.std else 1)
        return cls(
            id=id, label=label, reference=reference, std=spread, raters=votes, distortion=distortion, level=level
        )


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

    def as_json(self) -> dict[str, float | bool]:
        """Return the scale as it stands in a manifest's metadata."""
        return {"min": self.minimum, "max": self.maximum, "higher_is_better": self.higher_is_better}


@dataclass(frozen=True)
class Labels:
    """A labelled set, one entry per distorted image, in file order.

    Attributes:
        sample_ids: Ids of the distorted images (file stems).
        image_names: Their file names as the label file has them.
        reference_ids: Ids of their references.
        reference_names: File names of their references.
        distortion_ids: int16, 1-25.
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
    frame = _read(path)
    for name in (columns.id, columns.label, columns.distortion, columns.level):
        if name is not None:
            _require_column(path, frame, name)
    image_names = frame[columns.id].tolist()
    if not image_names:
        raise CurateError(f"{path} has a header and no rows")
    sample_ids = [stem_id(name) for name in image_names]
    require_unique(sample_ids, f"{path}, column {columns.id!r}")
    scores = _numbers(path, frame, columns.label, sample_ids)
    scale = _scale(path, scores, sample_ids, label_range, higher_is_better=not lower_is_better)
    reference_names, distortions, levels = _conditions(path, frame, columns, sample_ids)
    if columns.distortion is None or columns.level is None:
        _refuse_other_references(path, columns, sample_ids, reference_names)
    conditions = zip((stem_id(name) for name in reference_names), distortions, levels, strict=True)
    require_unique((make_sample_id(*condition) for condition in conditions), f"{path}: reference, type and level")
    quality = scale.to_quality(scores)
    doubt = doubt_direction(distortions, levels, quality, lower_is_better=lower_is_better)
    if doubt and reporter is None:
        warnings.warn(f"{path}: {doubt}", stacklevel=2)
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
        standard_errors=_standard_errors(path, frame, columns, sample_ids, scale),
        scale=scale,
    )


def _read(path: Path) -> "pd.DataFrame":
    if not path.is_file():
        raise CurateError(f"no label file at {path}")
    return read_csv(path)


def _require_column(path: Path, frame: "pd.DataFrame", name: str) -> None:
    if name not in frame.columns:
        raise CurateError(
            f"{path} has no column {name!r}; it has {', '.join(map(str, frame.columns))} "
            "(name yours with --id-column, --label-column, --reference-column, --std-column)"
        )


def _numbers(path: Path, frame: "pd.DataFrame", name: str, ids: list[str]) -> NDArray[np.float64]:
    values = [finite_number(text) for text in frame[name]]
    bad = [number for number, value in enumerate(values) if value is None]
    if bad:
        raise CurateError(
            f"{path}: column {name!r} is not a finite number for {len(bad)} images: "
            f"{list_ids([ids[number] for number in bad])}; the first holds {frame[name].iloc[bad[0]]!r}, expected "
            "digits such as 3.25"
        )
    return np.array(values, np.float64)


def _scale(
    path: Path,
    scores: NDArray[np.float64],
    ids: list[str],
    label_range: tuple[float, float] | None,
    *,
    higher_is_better: bool,
) -> LabelScale:
    low, high = label_range or (float(scores.min()), float(scores.max()))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise CurateError(f"{path}: the label range {low:g},{high:g} has no width; give one with --label-range MIN,MAX")
    outside = [ids[int(i)] for i in np.flatnonzero((scores < low) | (scores > high))]
    if outside:
        raise CurateError(f"{path}: {len(outside)} scores lie outside {low:g} to {high:g}: {list_ids(outside)}")
    return LabelScale(low, high, higher_is_better)


def _conditions(
    path: Path, frame: "pd.DataFrame", columns: LabelColumns, ids: list[str]
) -> tuple[list[str], list[int], list[int]]:
    parsed = [parse_sample_id(identifier) for identifier in ids]
    unparsed = [identifier for identifier, parts in zip(ids, parsed, strict=True) if parts is None]

    def from_ids(part: int, what: str) -> list[str]:
        if unparsed:
            raise CurateError(
                f"{path}: {what} cannot be told from {len(unparsed)} ids, which do not end in _<type>_<level>: "
                f"{list_ids(unparsed)} (name a column with --{what}-column)"
            )
        return [str(parts[part]) for parts in parsed if parts is not None]

    has_references = columns.reference in frame.columns
    if not has_references and columns.reference != LabelColumns().reference:
        _require_column(path, frame, columns.reference)
    references = frame[columns.reference].tolist() if has_references else from_ids(0, "reference")
    distortions = frame[columns.distortion].tolist() if columns.distortion else from_ids(1, "distortion")
    levels = frame[columns.level].tolist() if columns.level else from_ids(2, "level")
    nameless = [i for i, name in zip(ids, references, strict=True) if not strip_image_suffix(name)]
    if nameless:
        raise CurateError(f"{path}: {len(nameless)} rows name no reference: {list_ids(nameless)}")
    return (
        references,
        _whole_numbers(path, distortions, ids, "distortion id", TYPE_COUNT),
        _whole_numbers(path, levels, ids, "level", LEVEL_COUNT),
    )


def _refuse_other_references(path: Path, columns: LabelColumns, ids: list[str], reference_names: list[str]) -> None:
    """Refuse images whose id names one reference of the file and whose row another, as after columns were shifted."""
    references = [stem_id(name) for name in reference_names]
    # Label files do not agree with themselves about upper and lower case.
    known = {_alike(reference) for reference in references}
    wrong = []
    for identifier, reference in zip(ids, references, strict=True):
        parts = parse_sample_id(identifier)
        if parts is not None and _alike(parts[0]) != _alike(reference) and _alike(parts[0]) in known:
            wrong.append((identifier, reference))
    if wrong:
        identifier, reference = wrong[0]
        raise CurateError(
            f"{path}: {len(wrong)} images are of one reference by their id and of another by column "
            f"{columns.reference!r}, e.g. {identifier!r} beside {reference!r}; expected an id "
            f"<reference>_<type>_<level>: correct the rows, or, where ids do not name their reference, give "
            f"--distortion-column and --level-column"
        )


def _alike(identifier: str) -> str:
    return unicodedata.normalize("NFC", identifier.casefold())


def _whole_numbers(path: Path, texts: Iterable[str], ids: list[str], what: str, highest: int) -> list[int]:
    values, bad = [], []
    for identifier, text in zip(ids, texts, strict=True):
        value = whole_number(text) or 0
        values.append(value)
        if not 1 <= value <= highest:
            bad.append(identifier)
    if bad:
        raise CurateError(f"{path}: the {what} of {len(bad)} rows is not a whole number 1-{highest}: {list_ids(bad)}")
    return values


def _standard_errors(
    path: Path, frame: "pd.DataFrame", columns: LabelColumns, ids: list[str], scale: LabelScale
) -> NDArray[np.float64]:
    if columns.std is None or (columns.std == LabelColumns.std and columns.std not in frame.columns):
        return np.full(len(ids), np.nan)
    _require_column(path, frame, columns.std)
    deviations = _numbers(path, frame, columns.std, ids)
    negative = [ids[int(i)] for i in np.flatnonzero(deviations < 0)]
    if negative:
        raise CurateError(f"{path}: column {columns.std!r} is negative for {len(negative)} rows: {list_ids(negative)}")
    return deviations / math.sqrt(columns.raters) * (LABEL_MAXIMUM / (scale.maximum - scale.minimum))
