"""A CSV dataset of FiftyOne."""

from collections import Counter

from .images import write_images
from .rows import ExportJob
from .tables import FACTS, columns_of, facts_of, write_csv

LABELS = "labels.csv"


def export_fiftyone(job: ExportJob) -> Counter[str]:
    """Write `labels.csv` and `data/…`, the layout of FiftyOne's `CSVDataset`; `filepath` is relative to `data/`.

    FiftyOne reads every column as text unless `fields={"label": float, …}` says otherwise.
    """
    names, made = write_images(job, job.rows.table, job.folder / "data")
    table = facts_of(job.rows.table, job.rows.fact_names((*FACTS, "split")))
    columns = columns_of(table, table.column_names)
    write_csv(job.folder / LABELS, ("filepath", *table.column_names), zip(names, *columns, strict=True))
    return made
