"""An imagefolder with a dataset card, as Hugging Face `datasets` loads it."""

import json
from collections import Counter

import pyarrow as pa

from ..storage.atomic import cannot_write
from .images import write_images
from .rows import ExportJob, ExportRows
from .tables import FACTS, facts_of, write_parquet

# The names under which `datasets` looks for splits.
_SPLIT_FOLDERS = {"train": "train", "val": "validation", "test": "test"}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_MEANINGS = {
    "image": "the image",
    "sample_id": "id of the row",
    "label": "quality on [0, 10], higher is better",
    "label_std": "standard error of the label, same scale; null where it is not known",
    "label_source": "`mos`: from people; `pseudo`: from similar references; `proxy`: from a full-reference metric; "
    "`condition`: what people said on average of its type and level",
    "reference_id": "the pristine picture it was made from",
    "distortion_id": "1-25 as in KADID-10k, from 101 the camera family, from 200 users, 0 for pristine pictures",
    "distortion": "its name",
    "level": "1-5, 0 for a pristine picture",
    "chain": "several distortions, type:level in order",
    "dataset": "where the row comes from",
    "cluster_id": "cluster of alike rows in the epoch",
    "cluster_size": "its size before thinning",
}


def export_hf(job: ExportJob) -> Counter[str]:
    """Write `<split>/images/…`, `<split>/metadata.parquet` and the card `README.md`.

    `datasets.load_dataset(folder)` then yields PIL images with the columns of the metadata.
    """
    made: Counter[str] = Counter()
    for split, part in job.rows.splits():
        place = job.folder / _SPLIT_FOLDERS[split]
        names, counts = write_images(job, part, place / "images")
        made += counts
        table = facts_of(part, job.rows.fact_names((*FACTS, "seed", "neighbors")))
        files = pa.array([f"images/{name}" for name in names], pa.string())
        write_parquet(place / "metadata.parquet", table.add_column(0, "file_name", files))
    card = job.folder / "README.md"
    try:
        card.write_text(_card(job.rows), encoding="utf-8")
    except OSError as error:
        raise cannot_write(card, error) from error
    return made


def _card(rows: ExportRows) -> str:
    parts = rows.splits()
    written = rows.fact_names(FACTS)
    columns = ["image", *(name for name in _MEANINGS if name in written and name in rows.table.column_names)]
    size = next((name for limit, name in _SIZES if len(rows.table) < limit), "n>1M")
    configs = "".join(
        f"  - split: {_SPLIT_FOLDERS[split]}\n    path: {_SPLIT_FOLDERS[split]}/**\n" for split, _ in parts
    )
    sources = Counter(rows.table["label_source"].to_pylist())
    scale = rows.provenance.get("label_scale")
    lines = [
        f"---\ntags:\n- image-quality-assessment\n- syndr-curate\nsize_categories:\n- {size}\n"
        f"configs:\n- config_name: default\n  drop_labels: true\n  data_files:\n{configs}---\n",
        "# Images with quality labels\n",
        f"Exported by syndr-curate from a manifest made by `{rows.provenance.get('stage') or 'hand'}`.\n",
        "| split | rows |\n| --- | ---: |\n"
        + "".join(f"| {_SPLIT_FOLDERS[split]} | {len(part):,} |\n" for split, part in parts),
        "| label source | rows |\n| --- | ---: |\n"
        + "".join(f"| {name or 'none'} | {count:,} |\n" for name, count in sorted(sources.items(), key=str)),
        f"{rows.not_ok:,} rows of the manifest are left out because their status is not `ok`.\n",
        "## Columns\n",
        "| column | meaning |\n| --- | --- |\n" + "".join(f"| `{name}` | {_MEANINGS[name]} |\n" for name in columns),
        "" if scale is None else f"Labels come from one scale: `{_json(scale)}`.\n",
        "## Provenance\n",
        f"```json\n{json.dumps(rows.provenance, sort_keys=True, ensure_ascii=True, indent=1)}\n```\n",
        "Images keep the licenses of the sets they were made from.\n",
    ]
    return "\n".join(line for line in lines if line)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)
