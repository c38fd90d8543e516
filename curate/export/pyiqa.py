"""The meta_info CSV of pyiqa: path, score, and a column for the split."""

from collections import Counter

from .images import write_images
from .rows import ExportJob
from .tables import columns_of, facts_of, write_csv

META_INFO = "meta_info.csv"


def export_pyiqa(job: ExportJob) -> Counter[str]:
    """Write `meta_info.csv` and `images/…` for pyiqa's `GeneralNRDataset`.

    Its options: `dataroot_target` the folder, `meta_info_file` the CSV, `split_index: split`, and `phase` one of train,
    val and test. pyiqa takes the first two columns by place: the path below the folder, and the score (on [0, 10],
    higher is better: `mos_range: [0, 10]`, `lower_better: false`).
    """
    names, made = write_images(job, job.rows.table, job.folder / "images")
    # pyiqa takes every column with "split" in its name for one: there may be no other.
    usual = ("label", "label_std", "split", "sample_id", "reference_id", "distortion_id", "level", "label_source")
    fields = job.rows.fact_names(usual)
    columns = columns_of(facts_of(job.rows.table, fields), fields)
    header = ("img_name", "mos", "mos_std", *fields[2:])
    paths = [f"images/{name}" for name in names]
    write_csv(job.folder / META_INFO, header, zip(paths, *columns, strict=True))
    return made
