"""What official label files are written in: MATLAB matrices, spreadsheets, CSV."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import CurateError
from ...storage.texts.csv_tables import read_csv
from ..feature_files import DAMAGE

_HEADER_ROWS = 20  # CSIQ's header is in the fourth row, below a title


def find_file(root: Path, *names: str) -> Path | None:
    """Return the first of `names` that is in `root` or in one of its folders (an unpacked archive often adds one)."""
    for name in names:
        for path in (root / name, *sorted(root.glob(f"*/{name}"))):
            if path.is_file():
                return path
    return None


def require_file(root: Path, *names: str) -> Path:
    """Return what `find_file` finds.

    Raises:
        CurateError: None of the names is there.
    """
    path = find_file(root, *names)
    if path is None:
        raise CurateError(f"{root} has no {' and no '.join(names)}; expected the set's own label file there")
    return path


def first_folder(root: Path, *names: str) -> str:
    """Return the first of `names` that is a folder below `root`, the first of all if none is."""
    return next((name for name in names if (root / name).is_dir()), names[0])


def read_mat(path: Path, name: str) -> list[Any]:
    """Read one variable of a MATLAB file as a flat list; a cell array of texts becomes a list of texts.

    Args:
        path: A MATLAB file up to version 7, which holds plain arrays: nothing is unpickled.
        name: The variable.

    Raises:
        CurateError: Not such a file, or without the variable.
    """
    import scipy.io
    from scipy.io.matlab import MatReadError

    try:
        content = scipy.io.loadmat(path, variable_names=[name])
    except NotImplementedError as error:
        raise CurateError(f"{path} is a MATLAB 7.3 file; save it again with -v7") from error
    except (MatReadError, *DAMAGE) as error:
        raise CurateError(f"{path} is not a readable MATLAB file: {' '.join(str(error).split())}") from error
    if name not in content:
        raise CurateError(f"{path} has no variable {name!r}; expected the official file of the set: download it again")
    values = np.asarray(content[name]).ravel()
    return [_text_of_cell(path, value) for value in values] if values.dtype == object else values.tolist()


def read_sheet(path: Path, columns: Sequence[str], *, sheet: str | None = None) -> list[dict[str, str]]:
    """Read some columns of a spreadsheet, `.xlsx` or the same exported as `.csv`.

    Args:
        path: The file.
        columns: Their names; the header is the first row that has them all.
        sheet: Name of the sheet in an `.xlsx`; by default the first one.

    Returns:
        One dictionary of texts per row below the header; rows in which all these cells are empty are passed over.

    Raises:
        CurateError: No such file, no such sheet, no row with these names, or no reader for `.xlsx` installed.
    """
    if path.suffix.lower() == ".csv":
        frame = read_csv(path)
        missing = [name for name in columns if name not in frame.columns]
        if missing:
            raise CurateError(
                f"{path} has no column {missing[0]!r}; it has {', '.join(map(str, frame.columns))}; expected the "
                "official file of the set: download it again"
            )
        found = zip(*(frame[name].tolist() for name in columns), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in found if any(row)]
    lines = _xlsx_rows(path, sheet)
    for number, line in enumerate(lines[:_HEADER_ROWS]):
        if set(columns) <= set(line):
            places = [(name, line.index(name)) for name in columns]
            rows = [{name: row[at] if at < len(row) else "" for name, at in places} for row in lines[number + 1 :]]
            return [row for row in rows if any(row.values())]
    raise CurateError(
        f"{path} has no row that names the columns {', '.join(columns)}; expected the official file of the set: "
        "download it again"
    )


def _xlsx_rows(path: Path, sheet: str | None) -> list[list[str]]:
    try:
        import openpyxl
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise CurateError(
            f"reading {path.name} needs openpyxl: pip install 'syndr-curate[xlsx]', or export the sheet as "
            f"{path.with_suffix('.csv').name} beside it"
        ) from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            if sheet is not None and sheet not in book.sheetnames:
                raise CurateError(
                    f"{path} has no sheet {sheet!r}; it has {', '.join(book.sheetnames)}; expected the official file "
                    "of the set: download it again"
                )
            page = book.worksheets[0] if sheet is None else book[sheet]
            return [[_text(cell) for cell in row] for row in page.iter_rows(values_only=True)]
        finally:
            book.close()
    except CurateError:
        raise
    except (InvalidFileException, SyntaxError, *DAMAGE) as error:
        raise CurateError(f"{path} is not a readable .xlsx file: {' '.join(str(error).split())}") from error


def _text(value: object) -> str:
    # A spreadsheet holds the image name 1600 as a number, often as 1600.0.
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _text_of_cell(path: Path, value: Any) -> str:
    inner = np.asarray(value).ravel()
    if inner.size != 1:
        raise CurateError(
            f"{path} has a cell that is not one text: {value!r:.60}; expected the official file of the set: download "
            "it again"
        )
    return str(inner[0]).strip()
