"""A CSV dataset of FiftyOne."""

from collections import Counter
from pathlib import Path

from ..runs.progress import SILENT, Reporter
from .images import write_images
from .rows import ExportRows
from .tables import FACTS, columns_of, facts_of, write_csv

LABELS = "labels.csv"


def export_fiftyone(
    rows: ExportRows,
    folder: Path,
    *,
    hardlink: bool = False,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> Counter[str]:
    """Write `labels.csv` and `data/…`, the layout of FiftyOne's `CSVDataset`; `filepath` is relative to `data/`.

    FiftyOne reads every column as text unless `fields={"label": float, …}` says otherwise.

    Args:
        rows: What to export.
        folder: An empty folder.
        hardlink: As for `write_images`.
        workers: Threads.
        reporter: Shows progress.

    Returns:
        How many images were `copied`, `linked` and `rendered`.

    Raises:
        CurateError: Pixels cannot be had, or a file cannot be written.
    """
    names, made = write_images(rows, rows.table, folder / "data", hardlink=hardlink, workers=workers, reporter=reporter)
    table = facts_of(rows.table, (*FACTS, "split"))
    columns = columns_of(table, table.column_names)
    write_csv(folder / LABELS, ("filepath", *table.column_names), zip(names, *columns, strict=True))
    return made
