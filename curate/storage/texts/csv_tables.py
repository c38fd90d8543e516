"""Tables that people write by hand: CSV with a header, every cell a text."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import CurateError
from .utf8_text import read_utf8

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = (",", ";", "\t", "|")


def read_csv(path: Path) -> "pd.DataFrame":
    """Read a CSV file, or a tab-separated one if its name ends in `.tsv`.

    Args:
        path: The file, UTF-8 with or without a byte order mark.

    Returns:
        Its cells as text, an empty cell as an empty text. Blank lines are passed over, and so are columns that have no
        name and no content, which spreadsheets leave behind the last one.

    Raises:
        CurateError: The file cannot be read, or a row does not fit the header. pandas' own reader would move all
            columns by one, or drop the rest of a row, depending on its version.
    """
    import pandas as pd

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    text = io.StringIO(read_utf8(path, keep_line_breaks=True), newline="")
    try:
        lines = csv.reader(text, delimiter=separator, strict=True)
        header = next(lines, None)
        if not header:
            raise CurateError(
                f"{path} is not a readable CSV file: no columns in its first line; expected a header, as in id,score"
            )
        _refuse_odd_header(path, header, separator)
        rows = [_fitted(path, header, row, lines.line_num) for row in lines if row]
    except csv.Error as error:
        raise CurateError(f"{path} is not a readable CSV file: {' '.join(str(error).split())}") from error
    held = [at for at, name in enumerate(header) if name or any(row[at] for row in rows)]
    header, rows = [header[at] for at in held], [[row[at] for at in held] for row in rows]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise CurateError(
            f"{path} is not a readable CSV file: its header repeats {', '.join(map(repr, repeated))}; expected each "
            "name once"
        )
    return pd.DataFrame(rows, columns=header, dtype=object)


def _refuse_odd_header(path: Path, header: list[str], separator: str) -> None:
    other = next((mark for mark in _SEPARATORS if len(header) == 1 and mark != separator and mark in header[0]), None)
    if other is not None:
        raise CurateError(
            f"{path}: its header {header[0]!r} is separated by {other!r}, expected {separator!r}: save it with commas, "
            "or with tabs under a name that ends in .tsv"
        )
    padded = [name for name in header if name != name.strip()]
    if padded:
        raise CurateError(
            f"{path}: its header has blanks around {', '.join(map(repr, padded))}; expected names and values without: "
            "remove the blanks beside the separators"
        )


def _fitted(path: Path, header: list[str], row: list[str], line: int) -> list[str]:
    if len(row) != len(header):
        raise CurateError(
            f"{path} is not a readable CSV file: line {line} has {len(row)} cells, its header {len(header)} names; "
            "expected as many: quote cells that hold a comma"
        )
    return row
