"""What a reader of a test set gives, and the strict reading that all readers share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import CurateError
from ...storage.texts.csv_tables import read_csv
from ...storage.texts.strict_numbers import finite_number
from ..labels import LabelScale

# How far scores may leave the scale that a set states, as a share of its width.
_LARGEST_OVERSHOOT = 0.5


@dataclass(frozen=True)
class Rating:
    """The rating of one image.

    Attributes:
        id: The row's sample id: the file's stem (LIVE: with its folder, since its folders share file names).
        path: The image, relative to the set's root.
        score: On the set's own scale.
        standard_error: Of the score, on the same scale; None where the set does not say how many people voted.
        reference_id: Id of the pristine image; None without one.
        reference: The pristine image, relative to the set's root; None without one.
        condition: Type (1-25) and level (1-5) where they are KADID-10k's; None otherwise.
        group: The group of the set that the image is in, e.g. PIPAL's class; None where there are none.
        split: `train`, `val` or `test`: the official one, otherwise `test`.
    """

    id: str
    path: str
    score: float
    standard_error: float | None = None
    reference_id: str | None = None
    reference: str | None = None
    condition: tuple[int, int] | None = None
    group: str | None = None
    split: str = "test"


@dataclass(frozen=True)
class Reading:
    """What a reader returns: its label files, and every rating in file order.

    Attributes:
        files: The label files.
        ratings: One per image.
        scale: The ends and the direction of the scores.
        left_out: Entries that are no rated test images, and what they are.
        group_column: What the manifest calls the column of groups; None where the set has none.
    """

    files: tuple[Path, ...]
    ratings: list[Rating]
    scale: LabelScale
    left_out: str | None = None
    group_column: str | None = None


def widened_scale(file: Path, scores: Sequence[float], minimum: float, maximum: float) -> LabelScale:
    """Return a set's stated scale, wider where its scores exceed it a little, as normalized or realigned scores do.

    Args:
        file: The label file, for messages.
        scores: All scores of the set, higher is better.
        minimum: The stated lower end.
        maximum: The stated upper end.

    Raises:
        CurateError: A score is so far outside that it is on another scale.
    """
    overshoot = _LARGEST_OVERSHOOT * (maximum - minimum)
    far = [score for score in scores if not minimum - overshoot <= score <= maximum + overshoot]
    if far:
        raise CurateError(
            f"{file}: {len(far)} scores are far outside {minimum:g} to {maximum:g}, the scale of the set, e.g. "
            f"{far[0]:g}; expected the set's own scores"
        )
    return LabelScale(min(minimum, *scores), max(maximum, *scores)) if scores else LabelScale(minimum, maximum)


def read_records(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read some columns of a CSV file, one dictionary per row.

    Raises:
        CurateError: A column is not there, or the file is no readable CSV.
    """
    frame = read_csv(path)
    for name in columns:
        if name not in frame.columns:
            raise CurateError(
                f"{path} has no column {name!r}; it has {', '.join(map(str, frame.columns))}; expected the official "
                "file of the set: download it again"
            )
    return [dict(zip(columns, row, strict=True)) for row in zip(*(frame[c].tolist() for c in columns), strict=True)]


def read_number(path: Path, name: str, value: object, *, least: float = -math.inf) -> float:
    """Read a score or a spread.

    Raises:
        CurateError: It is not a finite number, or below `least`.
    """
    number = finite_number(str(value))
    if number is None:
        raise CurateError(f"{path}: {value!r} for {name!r} is not a finite number; expected digits such as 3.25")
    if number < least:
        raise CurateError(f"{path}: {value!r} for {name!r} is below {least:g}")
    return number


def require_equal_counts(path: Path, values: Sequence[object], other: Path, others: Sequence[object]) -> None:
    """Refuse two files of one set with different numbers of entries.

    Raises:
        CurateError: They have not.
    """
    if len(values) != len(others):
        raise CurateError(
            f"{path} has {len(values)} entries, {other} has {len(others)}; expected as many: download both again"
        )
