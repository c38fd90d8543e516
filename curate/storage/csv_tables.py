"""Tables that people write by hand: CSV with a header, every cell a text."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CurateError

if TYPE_CHECKING:
    import pandas as pd


def read_csv(path: Path) -> "pd.DataFrame":
    """Read a CSV file, or a tab-separated one if its name ends in `.tsv`.

    Args:
        path: The file, UTF-8 with or without a byte order mark.

    Returns:
        Its cells as text, an empty cell as an empty text; blank lines are passed over.

    Raises:
        CurateError: The file cannot be read, or a row does not fit the header. pandas' own reader would move all
            columns by one, or drop the rest of a row, depending on its version.
    """
    import pandas as pd

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file, delimiter=separator, strict=True)
            header = next(lines, None)
            if not header:
                raise CurateError(f"{path} is not a readable CSV file: no columns in its first line")
            rows = [_fitted(path, header, row, lines.line_num) for row in lines if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CurateError(f"{path} is not a readable CSV file: {' '.join(str(error).split())}") from error
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise CurateError(f"{path} is not a readable CSV file: its header repeats {', '.join(map(repr, repeated))}")
    return pd.DataFrame(rows, columns=header, dtype=object)


def _fitted(path: Path, header: list[str], row: list[str], line: int) -> list[str]:
    if len(row) != len(header):
        raise CurateError(
            f"{path} is not a readable CSV file: line {line} has {len(row)} cells, its header {len(header)} names"
        )
    return row
