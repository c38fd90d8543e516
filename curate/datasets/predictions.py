"""Files of predictions: an id and a score per image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ..errors import CurateError
from ..manifest.ids import list_ids, require_texts, require_unique
from ..storage.texts.csv_tables import read_csv
from ..storage.texts.strict_numbers import finite_number

ID_COLUMNS = ("id", "sample_id")
SUFFIXES = (".csv", ".tsv", ".parquet")
LARGEST = 1e100  # whose squares, summed up, are still finite
LONE_TABLE = "predictions"

PredictionSource: TypeAlias = Path | str | pa.Table
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """Scores of a model, higher is better.

    Attributes:
        source: Where they come from, for messages.
        scores: Finite float64 by id.
    """

    source: str
    scores: Mapping[str, float]


def read_predictions(source: PredictionSource, *, score_column: str, lower_is_better: bool = False) -> Predictions:
    """Read predictions.

    Args:
        source: A CSV, TSV or Parquet file, or a table: with a column `id` or `sample_id`, and the scores.
        score_column: The column of scores.
        lower_is_better: The scores measure degradation: negate them.

    Raises:
        CurateError: No such file or column, no row, an id twice, or a score that is not a finite number.
    """
    if isinstance(source, pa.Table):
        name, columns = "the predictions", source
    else:
        name, columns = str(source), _read(Path(source))
    found = [column for column in ID_COLUMNS if column in columns.column_names]
    if len(found) != 1 or any(columns.column_names.count(column) != 1 for column in (*found, score_column)):
        raise CurateError(
            f"{name} has the columns {', '.join(columns.column_names)}; expected one 'id' (or 'sample_id') and one "
            f"{score_column!r} (name yours with --score-column)"
        )
    ids = columns[found[0]].to_pylist()
    if not ids:
        raise CurateError(f"{name} has no predictions; expected a row per image")
    require_texts(ids, f"{name}, column {found[0]!r}")
    require_unique(ids, f"{name}, column {found[0]!r}")
    scores = _numbers(name, ids, columns[score_column])
    return Predictions(name, dict(zip(ids, (-scores if lower_is_better else scores).tolist(), strict=True)))


def named_sources(
    sources: PredictionSource | Sequence[Path | str] | Mapping[str, PredictionSource],
) -> dict[str, PredictionSource]:
    """Name each run: by its key, by its file's stem, or, where stems repeat, by its file's folder.

    Args:
        sources: One source, several files, or sources by name.

    Raises:
        CurateError: There are none, or two files have the same name and folders of the same name.
    """
    if isinstance(sources, Mapping):
        named = dict(sources)
    elif isinstance(sources, pa.Table):
        named = {LONE_TABLE: sources}
    else:
        paths = [Path(sources)] if isinstance(sources, Path | str) else [Path(source) for source in sources]
        names = [path.stem for path in paths]
        if len(set(names)) < len(names):
            names = [path.absolute().parent.name for path in paths]
            alike = sorted({name for name in names if names.count(name) > 1})
            if alike:
                raise CurateError(
                    "runs are known by the names of their files, or where these are alike by those of their folders; "
                    f"several would be called {list_ids(alike)}: give each file once, under a name of its own"
                )
        named = dict(zip(names, paths, strict=True))
    if not named:
        raise CurateError("no predictions are given; expected at least one file")
    return named


def files_in(folder: Path, runs: Sequence[str], what: str) -> dict[str, Path]:
    """Find the file of each run in a folder, by its name without suffix.

    Args:
        folder: The folder.
        runs: Names of the runs.
        what: What the files are, for the message.

    Raises:
        CurateError: A run has no file there, or several.
    """
    there: dict[str, list[Path]] = {}
    for file in sorted(folder.iterdir()):
        if file.suffix in SUFFIXES:
            there.setdefault(file.stem, []).append(file)
    lacking = [run for run in runs if run not in there]
    if lacking:
        raise CurateError(
            f"{folder} has no {what} for {list_ids(lacking)}; expected files named like those of the predictions, such "
            f"as {lacking[0]}.csv; it has {list_ids(list(there)) or 'none'}"
        )
    several = [run for run in runs if len(there[run]) > 1]
    if several:
        names = ", ".join(file.name for file in there[several[0]])
        raise CurateError(f"{folder} has several files for {several[0]!r}: {names}; expected one")
    return {run: there[run][0] for run in runs}


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise CurateError(f"no predictions at {path}: give a CSV or Parquet file with an id and a score per image")
    if path.suffix != ".parquet":
        frame = read_csv(path)
        return pa.table({name: pa.array(frame[name].tolist(), pa.string()) for name in frame.columns})
    try:
        table = pq.read_table(path, partitioning=None)
        table.validate(full=True)
        "".join(table.column_names)  # a damaged name is found here and not later
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise CurateError(f"{path} is not a readable Parquet file: {error}") from error
    return table


def _numbers(name: str, ids: list[str], column: pa.ChunkedArray) -> Vector:
    values = column.to_pylist()
    read = [
        finite_number(value) if isinstance(value, str) else float(value) if _is_number(value) else None
        for value in values
    ]
    bad = [row for row, number in enumerate(read) if number is None or not abs(number) < LARGEST]  # NaN is bad too
    if bad:
        raise CurateError(
            f"{name}: {len(bad)} scores are not finite numbers below {LARGEST:g}: "
            f"{list_ids([ids[row] for row in bad])}; the first is {values[bad[0]]!r}"
        )
    return np.array(read, np.float64)


def _is_number(value: object) -> bool:
    # pyarrow gives numbers of 16 bits as numpy's.
    return isinstance(value, int | float | np.floating) and not isinstance(value, bool)
