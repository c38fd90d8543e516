"""Rated images from a label file with any columns: one row per image, with or without references."""

import math
from typing import TYPE_CHECKING

from ...errors import CurateError
from ...manifest.ids import require_unique, stem_id, strip_image_suffix
from ..label_cells import conditions_of, numbers_of, refuse_other_references, require_column
from ..label_columns import LabelColumns
from ..labels import LabelFile, read_label_table, scale_of, standard_errors_of
from ..settings import IdStyle
from .image_names import ImageFolder
from .ratings import Rating, Reading

if TYPE_CHECKING:
    import pandas as pd


def read_labeled_csv(
    file: LabelFile, images: ImageFolder, *, ids: IdStyle = "stem", conditions: bool = False
) -> Reading:
    """Read a label file as a test set.

    Args:
        file: The label file, its columns and its scale. References may be missing, in single rows too.
        images: Folder of the images and the references; names in the file may lack their suffix.
        ids: `stem`: an id is the file name without its suffix. `path`: the name as the file has it, without it.
        conditions: Whether every row has a type and a level of KADID-10k; otherwise only where `file.columns` names the
            columns of the two.

    Raises:
        CurateError: A column is missing, a score is not a number or outside the scale, an image has no name, or two
            have one id.
    """
    path, columns = file.path, file.columns
    frame = read_label_table(path)
    for name in (columns.id, columns.label, columns.distortion, columns.level):
        if name is not None:
            require_column(path, frame, name)
    names = frame[columns.id].tolist()
    if not names:
        raise CurateError(f"{path} has a header and no rows; expected a row per image")
    sample_ids = [_id_of(name, ids) for name in names]
    nameless = [repr(name) for name, identifier in zip(names, sample_ids, strict=True) if not identifier]
    if nameless:
        raise CurateError(
            f"{path}: column {columns.id!r} names no image in {len(nameless)} rows, e.g. {nameless[0]}; expected the "
            "name of an image file in every row"
        )
    hint = " (the file names without folder; --ids path keeps the folder)" if ids == "stem" else ""
    require_unique(sample_ids, f"{path}, column {columns.id!r}{hint}")
    scores = numbers_of(path, frame, columns.label, sample_ids)
    scale = scale_of(path, scores, sample_ids, file.label_range, higher_is_better=not file.lower_is_better)
    errors = standard_errors_of(path, frame, columns, sample_ids).tolist()
    known: list[tuple[int, int] | None] = [None] * len(names)
    if conditions or columns.distortion is not None or columns.level is not None:
        references, types, levels = conditions_of(file.path, frame, columns, sample_ids)
        if columns.distortion is None or columns.level is None:
            refuse_other_references(path, columns, sample_ids, references)
        known = list(zip(types, levels, strict=True))
    else:
        references = _references(file, frame, len(names))
    ratings = [
        Rating(
            identifier,
            images.find_stem(name),
            score,
            None if math.isnan(error) else error,
            reference_id=_id_of(reference, ids) if reference else None,
            reference=images.get(reference) if reference else None,
            condition=condition,
        )
        for identifier, name, score, error, reference, condition in zip(
            sample_ids, names, scores.tolist(), errors, references, known, strict=True
        )
    ]
    return Reading((path,), ratings, scale)


def _id_of(name: str, ids: IdStyle) -> str:
    return stem_id(name) if ids == "stem" else strip_image_suffix(name)


def _references(file: LabelFile, frame: "pd.DataFrame", rows: int) -> list[str]:
    name = file.columns.reference
    if name not in frame.columns:
        if name != LabelColumns().reference:
            require_column(file.path, frame, name)
        return [""] * rows
    return [str(cell) for cell in frame[name]]
