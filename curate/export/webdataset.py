"""Tar shards for webdataset: per row one image and one JSON, under one key."""

from collections import Counter
from pathlib import Path

import pyarrow as pa

from ..errors import CurateError
from ..rendering.mix_recipes import PixelRow, pixel_rows
from ..runs.progress import SILENT, Reporter
from ..runs.threads import ordered_map
from ..storage.pixel_store import open_sink, stored_path
from .names import safe_name
from .rows import ExportRows, find_or_make, suffix_of
from .settings import ExportSettings
from .tables import FACTS, facts_of


def export_webdataset(
    rows: ExportRows,
    folder: Path,
    *,
    rows_per_shard: int = ExportSettings.rows_per_shard,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> Counter[str]:
    """Write `<split>/00000.tar`, `<split>/00001.tar`, …, in the manifest's order.

    Args:
        rows: What to export.
        folder: An empty folder.
        rows_per_shard: Rows in each tar but the last of a split.
        workers: Threads that read and render; each tar is written by one.
        reporter: Shows progress.

    Returns:
        How many images were `copied` and `rendered`.

    Raises:
        CurateError: Pixels cannot be had, or a file cannot be written.
    """
    made: Counter[str] = Counter()
    with reporter.task("export", len(rows.table)) as task:
        for split, part in rows.splits():
            for shard, start in enumerate(range(0, len(part), rows_per_shard)):
                chunk = part.slice(start, rows_per_shard)
                made += _write_shard(rows, chunk, folder / split, shard, workers)
                task.advance(len(chunk))
    return made


def _write_shard(rows: ExportRows, chunk: pa.Table, folder: Path, shard: int, workers: int | None) -> Counter[str]:
    made: Counter[str] = Counter()

    def read(row: PixelRow) -> tuple[PixelRow, bytes, str]:
        found, made = find_or_make(row, rows.pixels)
        try:
            content = found if isinstance(found, bytes) else found.read_bytes()
        except OSError as error:
            raise CurateError(f"{row.sample_id!r}: cannot read {found!s}: {error.strerror or error}") from error
        return row, content, "rendered" if made else "copied"

    facts = facts_of(chunk, (*FACTS, "split", "seed", "neighbors")).to_pylist()
    with open_sink("webdataset", folder, shard, schema=chunk.schema) as sink:
        for fact, (row, content, how) in zip(facts, ordered_map(read, pixel_rows(chunk), workers), strict=True):
            path = stored_path(
                "webdataset",
                reference_id="",
                # Spelled here: a key must do as a file name too, for those who unpack the tar.
                sample_id=safe_name(row.sample_id),
                suffix=suffix_of(row, rows.pixels.roots),
                shard=shard,
            )
            sink.put({**fact, "image_path": path}, content)
            made[how] += 1
    return made
