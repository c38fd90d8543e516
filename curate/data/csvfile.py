"""Tables that people write by hand: CSV with a header, every cell a text."""

import warnings
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
        Its cells as text, an empty cell as an empty text.

    Raises:
        CurateError: The file cannot be read, or its rows do not fit its header.
    """
    import pandas as pd

    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # Without index_col, rows that are all longer than the header move every column by one.
            return pd.read_csv(
                path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False
            )
    except pd.errors.ParserWarning as error:
        raise CurateError(f"{path}: rows have more cells than the header has names") from error
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise CurateError(f"{path} is not a readable CSV file: {' '.join(str(error).split())}") from error
