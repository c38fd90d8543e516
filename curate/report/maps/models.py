"""The models whose maps are drawn: their features by id, and the rows that all of them have features of."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ...datasets.feature_files import load_features
from ...datasets.features import Features
from ...errors import CurateError
from ...manifest.id_mismatch import explain_mismatch
from ...manifest.ids import list_ids, require_unique
from ...manifest.manifest import ok_rows
from ...manifest.seeds import uniform_draw
from ...similarity import check_rows
from ..rows import UNUSABLE

UNNAMED = ""  # the one model of features that are given without a name


@dataclass(frozen=True)
class FeaturesById:
    """Features, and the row of each id.

    Attributes:
        matrix: (N, D) features.
        row_of: Id to its row.
    """

    matrix: NDArray[np.floating[Any]]
    row_of: dict[str, int]


def parse_feature_files(texts: Iterable[str]) -> dict[str, tuple[Path, ...]]:
    """Turn `NAME=FILE` texts, or one `FILE`, into the feature files of each model.

    A name may be given several times: the files of one model, each with other rows.

    Args:
        texts: As given to `--features`. A file whose own name has a `=` is taken as a file.

    Returns:
        Name to files, in the order given; a file without a name has the name `UNNAMED`.

    Raises:
        CurateError: A text lacks the name or the file, or one of several has no name.
    """
    found: dict[str, tuple[Path, ...]] = {}
    for text in texts:
        name, separator, file = text.partition("=")
        if not separator or Path(text).exists():
            name, file = UNNAMED, text
        elif not name or not file:
            raise CurateError(f"--features {text!r}: expected FILE, or NAME=FILE for a model's map among several")
        found[name] = (*found.get(name, ()), Path(file))
    check_feature_files(found)
    return found


def check_feature_files(files: Mapping[str, Sequence[Path]]) -> None:
    """Refuse several feature files of which one has no name, a model without a file, and a file given twice.

    Args:
        files: Name of a model to its files.

    Raises:
        CurateError: The message names the files.
    """
    unnamed = files.get(UNNAMED, ())
    if unnamed and sum(map(len, files.values())) > 1:
        raise CurateError(
            f"several feature files are given, and {unnamed[0]} without a name; expected NAME=FILE for each, such as "
            f"resnet50={unnamed[0].name}, where NAME is the model"
        )
    for name, several in files.items():
        if not several:
            raise CurateError(f"model {name!r} has no feature file; expected at least one")
        twice = sorted({str(file) for file in several if several.count(file) > 1})
        if twice:
            raise CurateError(f"model {name!r} has the file {twice[0]} twice; expected each file once")


def read_feature_files(files: Mapping[str, Sequence[Path]]) -> dict[str, Features]:
    """Read the features of each model; several files of one model are put one below the other.

    Args:
        files: Name of a model to its files.

    Raises:
        CurateError: A file cannot be read, or the files of one model have no ids, an id twice or rows of unlike width.
    """
    return {name: _together(name, [load_features(file) for file in several]) for name, several in files.items()}


def features_by_id(features: Features, before: pa.Table) -> FeaturesById:
    """Index the features of samples by id.

    Args:
        features: Features of one model.
        before: The first manifest, whose ok rows a bare `.npy` holds in order.

    Raises:
        CurateError: A bare `.npy` has another number of rows than the manifest has ok rows.
    """
    if features.ids is None:
        ids: list[str] = ok_rows(before)["sample_id"].to_pylist()
        matrix = features.aligned_to(ids, "the first manifest's ok rows")
        return FeaturesById(matrix, {identifier: row for row, identifier in enumerate(ids)})
    return FeaturesById(features.matrix, {identifier: row for row, identifier in enumerate(features.ids)})


def drawn_rows(frame: pd.DataFrame, models: Mapping[str, FeaturesById], limit: int, seed: int) -> pd.DataFrame:
    """Choose the rows that a report draws one by one: all usable ones, or a draw of them, in order.

    Args:
        frame: As `joined_rows` gives it.
        models: Features of each model; only rows that all models have features of are drawn.
        limit: At most so many.
        seed: Seed of the draw.

    Raises:
        CurateError: A model has features of no row, or no row is in all models.
    """
    usable = frame[frame["state"] != UNUSABLE]
    ids = usable["sample_id"]
    in_all = pd.Series(True, index=usable.index)
    for name, model in models.items():
        found = ids.isin(list(model.row_of))
        if not found.any() and len(usable):
            reason = explain_mismatch(ids, model.row_of, wanted_in="the manifest", given_in="the features")
            raise CurateError(
                f"the features{spoken(name)} are of none of the manifest's rows; they have "
                f"{list_ids(list(model.row_of))}, the manifest {list_ids(ids.tolist())}{reason}"
            )
        in_all &= found
    if not in_all.any() and len(usable):
        raise CurateError(
            f"no row of the manifest has features of all the models {', '.join(models)}: their maps show the same "
            "rows, so give each model the features of the same pictures"
        )
    usable = usable[in_all]
    if len(usable) > limit:
        usable = usable[usable["sample_id"].isin(uniform_draw(usable["sample_id"].tolist(), limit, seed, "report map"))]
    return usable.reset_index(drop=True)


def lacking_rows(frame: pd.DataFrame, models: Mapping[str, FeaturesById]) -> dict[str, list[str]]:
    """Find the usable rows that one model has features of and another lacks.

    Args:
        frame: As `joined_rows` gives it.
        models: Features of each model.

    Returns:
        Name of a model to the ids that it lacks, in the order of the rows; models that lack none are left out.
    """
    usable: list[str] = frame["sample_id"][frame["state"] != UNUSABLE].tolist()
    somewhere = [row for row in usable if any(row in model.row_of for model in models.values())]
    lacking = {name: [row for row in somewhere if row not in model.row_of] for name, model in models.items()}
    return {name: ids for name, ids in lacking.items() if ids}


def sample_matrix(rows: pd.DataFrame, features: FeaturesById, name: str = UNNAMED) -> NDArray[np.floating[Any]]:
    """Return the features of drawn rows, in their order.

    Args:
        rows: The drawn rows.
        features: Features of one model.
        name: The model, for the message.

    Raises:
        CurateError: A row without a direction.
    """
    ids = rows["sample_id"].tolist()
    order = np.array([features.row_of[i] for i in ids], dtype=np.int64)
    # A file that has just these rows is read as it lies, block by block; 50,000 x 2048 would be another 0.4 GB.
    as_it_lies = np.array_equal(order, np.arange(len(features.matrix)))
    matrix = features.matrix if as_it_lies else np.asarray(features.matrix[order])
    check_rows(matrix, ids, f"the features{spoken(name)}")
    return matrix


def spoken(name: str) -> str:
    """Return ` of NAME` for messages; nothing for the model without a name."""
    return f" of {name}" if name != UNNAMED else ""


def _together(name: str, parts: Sequence[Features]) -> Features:
    if len(parts) == 1:
        return parts[0]
    source = " and ".join(part.source for part in parts)
    ids = tuple(identifier for part in parts for identifier in part.require_ids())
    require_unique(ids, f"the features of {name}, {source}")
    widths = [part.matrix.shape[1] for part in parts]
    if len(set(widths)) > 1:
        raise CurateError(
            f"the features of {name} have {', '.join(map(str, widths))} numbers per row in {source}: expected files of "
            "one encoder"
        )
    matrix = np.concatenate([part.matrix for part in parts])
    return Features(matrix=matrix, ids=ids, names=None, source=source, provenance={})
