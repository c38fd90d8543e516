"""Tar shards for webdataset: per row one image and one JSON, under one key."""

from collections import Counter
from pathlib import Path

import pyarrow as pa

from ..errors import CurateError
from ..rendering.mix_recipes import PixelRow, pixel_rows
from ..runs.threads import ordered_map
from ..storage.pixel_store import open_sink, stored_path
from .names import safe_name
from .rows import ExportJob, find_or_make, suffix_of
from .tables import FACTS, facts_of


def export_webdataset(job: ExportJob) -> Counter[str]:
    """Write `<split>/00000.tar`, `<split>/00001.tar`, …, in the manifest's order."""
    made: Counter[str] = Counter()
    with job.reporter.task("export", len(job.rows.table)) as task:
        for split, part in job.rows.splits():
            for shard, start in enumerate(range(0, len(part), job.rows_per_shard)):
                chunk = part.slice(start, job.rows_per_shard)
                made += _write_shard(job, chunk, job.folder / split, shard)
                task.advance(len(chunk))
    return made


def _write_shard(job: ExportJob, chunk: pa.Table, folder: Path, shard: int) -> Counter[str]:
    made: Counter[str] = Counter()

    def read(row: PixelRow) -> tuple[PixelRow, bytes, str]:
        found, made = find_or_make(row, job.rows.pixels)
        try:
            content = found if isinstance(found, bytes) else found.read_bytes()
        except OSError as error:
            raise CurateError(f"{row.sample_id!r}: cannot read {found!s}: {error.strerror or error}") from error
        return row, content, "rendered" if made else "copied"

    facts = facts_of(chunk, job.rows.fact_names((*FACTS, "split", "seed", "neighbors"))).to_pylist()
    with open_sink("webdataset", folder, shard, schema=chunk.schema) as sink:
        for fact, (row, content, how) in zip(facts, ordered_map(read, pixel_rows(chunk), job.workers), strict=True):
            path = stored_path(
                "webdataset",
                reference_id="",
                # Spelled here: a key must do as a file name too, for those who unpack the tar.
                sample_id=safe_name(row.sample_id),
                suffix=suffix_of(row, job.rows.pixels.roots),
                shard=shard,
            )
            sink.put({**fact, "image_path": path}, content)
            made[how] += 1
    return made
