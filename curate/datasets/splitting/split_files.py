"""The command `split`: one split file per seed."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...manifest.split_names import SPLITS
from ...runs.progress import SILENT, Reporter
from ...storage.atomic import refuse_overwriting, write_bytes
from ..settings import SplitSettings
from .split import OFFICIAL, splits_of
from .split_rows import SplitRows


def run_split(
    rows: SplitRows, source: Path, out: Path, settings: SplitSettings, *, reporter: Reporter = SILENT
) -> dict[str, Any]:
    """Write the splits of rows, a CSV file each, as `--split-file` takes them.

    Args:
        rows: The rows.
        source: The file that they come from.
        out: The folder of the split files.
        settings: How splits are drawn.
        reporter: Told what an official split means, and of other split files in the folder.

    Returns:
        `split_by, references` or `rows, train, val, test, splits, official, out`.

    Raises:
        CurateError: As `splits_of`, or a file cannot be written.
    """
    found = splits_of(rows, settings)
    files = {out / f"{name}.csv": splits for name, splits in found.items()}
    for file in files:
        refuse_overwriting(file, source)
    if OFFICIAL in found:
        reporter.note(f"{source} has a split of its own: it is written as it is (--redraw draws splits instead)")
    column = "reference_id" if rows.are_by_reference else "id"
    for file, splits in files.items():
        write_bytes(file, _content(column, splits))
    others = sorted(file.name for file in out.glob("*.csv") if file not in files)
    if others:
        reporter.note(f"warning: {out} holds {len(others)} other CSV files, e.g. {others[0]}: they stay")
    first = list(next(iter(found.values())).values())
    return {
        "split_by": "reference" if rows.are_by_reference else "row",
        "references" if rows.are_by_reference else "rows": len(first),
        **{name: first.count(name) for name in SPLITS},
        "splits": len(files),
        "official": OFFICIAL in found,
        "out": str(out),
    }


def _content(column: str, splits: Mapping[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((column, "split"))
    writer.writerows(splits.items())
    return text.getvalue().encode()
