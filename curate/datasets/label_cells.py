"""The cells of a label file, read strictly: what a row says of its image, and whether its id says the same."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...distortions.catalog import CATALOG, LEVELS, USER_IDS
from ..errors import CurateError
from ..manifest.ids import folded_id, list_ids, parse_sample_id, stem_id, strip_image_suffix
from ..storage.texts.strict_numbers import finite_number, whole_number
from .label_columns import LabelColumns

if TYPE_CHECKING:
    import pandas as pd

# Of KADID-10k, and of users.
_TYPES = frozenset({*(entry.id for entry in CATALOG), *USER_IDS})
_TYPES_SHOWN = f"1-{CATALOG[-1].id}, or {USER_IDS[0]}-{USER_IDS[-1]}"


def require_column(path: Path, frame: "pd.DataFrame", name: str) -> None:
    """Refuse a label file without a column."""
    if name not in frame.columns:
        raise CurateError(
            f"{path} has no column {name!r}; it has {', '.join(map(str, frame.columns))} "
            "(name yours with --id-column, --label-column, --reference-column, --std-column)"
        )


def numbers_of(path: Path, frame: "pd.DataFrame", name: str, ids: list[str]) -> NDArray[np.float64]:
    """Read a column of finite numbers; a cell without one is an error that names its row."""
    values = [finite_number(text) for text in frame[name]]
    bad = [number for number, value in enumerate(values) if value is None]
    if bad:
        raise CurateError(
            f"{path}: column {name!r} is not a finite number for {len(bad)} images: "
            f"{list_ids([ids[number] for number in bad])}; the first holds {frame[name].iloc[bad[0]]!r}, expected "
            "digits such as 3.25"
        )
    return np.array(values, np.float64)


def conditions_of(
    path: Path, frame: "pd.DataFrame", columns: LabelColumns, ids: list[str]
) -> tuple[list[str], list[int], list[int]]:
    """Read the name of the reference, the type and the level of every row, from columns or from its id."""
    parsed = [parse_sample_id(identifier) for identifier in ids]
    unparsed = [identifier for identifier, parts in zip(ids, parsed, strict=True) if parts is None]

    def from_ids(part: int, what: str) -> list[str]:
        if unparsed:
            raise CurateError(
                f"{path}: {what} cannot be read from {len(unparsed)} ids, which do not end in _<type>_<level>: "
                f"{list_ids(unparsed)} (name a column with --{what}-column)"
            )
        return [str(parts[part]) for parts in parsed if parts is not None]

    has_references = columns.reference in frame.columns
    if not has_references and columns.reference != LabelColumns().reference:
        require_column(path, frame, columns.reference)
    references = frame[columns.reference].tolist() if has_references else from_ids(0, "reference")
    distortions = frame[columns.distortion].tolist() if columns.distortion else from_ids(1, "distortion")
    levels = frame[columns.level].tolist() if columns.level else from_ids(2, "level")
    nameless = [i for i, name in zip(ids, references, strict=True) if not strip_image_suffix(name)]
    if nameless:
        raise CurateError(
            f"{path}: {len(nameless)} rows name no reference: {list_ids(nameless)} (fill the column, or name another "
            "with --reference-column)"
        )
    return (
        references,
        _whole_numbers(path, distortions, ids, "distortion id", _TYPES, _TYPES_SHOWN),
        _whole_numbers(path, levels, ids, "level", frozenset(LEVELS), "1-5"),
    )


def refuse_other_references(path: Path, columns: LabelColumns, ids: list[str], reference_names: list[str]) -> None:
    """Refuse images whose id names one reference of the file and whose row another, as after columns were shifted."""
    references = [stem_id(name) for name in reference_names]
    # Label files do not agree with themselves about upper and lower case.
    known = {folded_id(reference) for reference in references}
    wrong = []
    for identifier, reference in zip(ids, references, strict=True):
        parts = parse_sample_id(identifier)
        by_id = None if parts is None else folded_id(parts[0])
        if by_id in known and by_id != folded_id(reference):
            wrong.append((identifier, reference))
    if wrong:
        identifier, reference = wrong[0]
        raise CurateError(
            f"{path}: {len(wrong)} images are of one reference by their id and of another by column "
            f"{columns.reference!r}, e.g. {identifier!r} beside {reference!r}; expected an id "
            f"<reference>_<type>_<level>: correct the rows, or, where ids do not name their reference, give "
            f"--distortion-column and --level-column"
        )


def _whole_numbers(
    path: Path, texts: Iterable[str], ids: list[str], what: str, allowed: frozenset[int], shown: str
) -> list[int]:
    values, bad = [], []
    for identifier, text in zip(ids, texts, strict=True):
        value = whole_number(text) or 0
        values.append(value)
        if value not in allowed:
            bad.append(identifier)
    if bad:
        raise CurateError(f"{path}: the {what} of {len(bad)} rows is not a whole number {shown}: {list_ids(bad)}")
    return values
