"""What other tools read, from a manifest: folders of images with a table, tar shards, lists of ids."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import CurateError
from ..manifest.provenance import digest_table
from ..rendering.mix_recipes import pixel_rows
from ..runs.progress import SILENT, Reporter
from ..storage.atomic import refuse_overwriting
from ..storage.limits import MAX_PIXELS
from .fiftyone import export_fiftyone
from .folder import export_folder, require_free
from .huggingface import export_hf
from .pyiqa import export_pyiqa
from .rows import ExportJob, ExportRows, Supply, check_supply, read_rows
from .settings import ExportSettings
from .tables import write_ids
from .webdataset import export_webdataset

Target = Literal["hf", "pyiqa", "webdataset", "fiftyone", "ids"]
TARGETS: tuple[Target, ...] = get_args(Target)


@dataclass(frozen=True)
class ExportRequest:
    """What to export, to where, and how.

    Attributes:
        manifest: The manifest file.
        target: Who shall read it.
        out: The folder to make; for `ids` the text file.
        split: Only rows of this split.
        render: Whether rows without stored pixels are rendered.
        hardlink: Whether stored files are linked rather than copied (not into tars).
        rows_per_shard: Of `webdataset`.
        roots: Folders of roots that have moved.
        max_pixels: References with more pixels are refused.
        workers: Threads.
        overwrite: Whether an earlier export at `out` is replaced.
        dry_run: Say what would be written, and write nothing.
    """

    manifest: Path
    target: Target
    out: Path
    split: str | None = None
    render: bool = ExportSettings.render
    hardlink: bool = ExportSettings.hardlink
    rows_per_shard: int = ExportSettings.rows_per_shard
    roots: Mapping[str, Path] = field(default_factory=dict)
    max_pixels: int = MAX_PIXELS
    workers: int | None = None
    overwrite: bool = ExportSettings.overwrite
    dry_run: bool = False


def run_export(request: ExportRequest, reporter: Reporter = SILENT) -> dict[str, Any]:
    """Export a manifest.

    Only rows with status `ok` go out. The result appears whole or not at all, and the same manifest gives the same
    bytes.

    Args:
        request: What to export.
        reporter: Shows progress.

    Returns:
        `rows, rows_not_ok, by_split`, `images` (how many were copied, linked, rendered; for a dry run stored and to
        render) and `out`.

    Raises:
        CurateError: Pixels are missing and may not be rendered, labels that the target needs are, or `out` may not be
            written to; nothing is written then.
    """
    rows = read_rows(
        request.manifest,
        split=request.split,
        roots=request.roots,
        max_pixels=request.max_pixels,
        labelled=request.target == "pyiqa",
    )
    counts = {split: len(part) for split, part in rows.splits()}
    summary: dict[str, Any] = {"rows": len(rows.table), "rows_not_ok": rows.not_ok, "by_split": counts}
    if request.target == "ids":
        refuse_overwriting(request.out, request.manifest)
        if not request.dry_run:
            write_ids(request.out, rows.table["sample_id"].to_pylist())
        return {**summary, **_dry(request), "out": str(request.out)}
    folders = {f"root {name!r}": path for name, path in rows.pixels.roots.folders.items() if path is not None}
    inputs = {"the manifest": request.manifest, **folders}
    out = require_free(request.out, overwrite=request.overwrite, inputs=inputs)
    supply = check_supply(rows, render=request.render, workers=request.workers)
    if request.dry_run:
        return {**summary, **_forecast(supply), **_dry(request), "out": str(request.out)}
    facts = {"target": request.target, "rows": len(rows.table), "manifest": digest_table(rows.table)}
    with export_folder(out, {**facts, "provenance": rows.provenance}) as folder:
        made = _write(request, rows, folder, reporter)
    summary["images"] = dict(sorted(made.items()))
    if made["rendered"]:
        # Stored files are copied as they are, with their profiles.
        unstored = (row for row in pixel_rows(rows.table) if not rows.pixels.is_stored(row))
        summary |= rows.pixels.note_images(unstored, workers=request.workers, reporter=reporter)
    return {**summary, "out": str(request.out)}


def _write(request: ExportRequest, rows: ExportRows, folder: Path, reporter: Reporter) -> Counter[str]:
    exporters = {"hf": export_hf, "pyiqa": export_pyiqa, "webdataset": export_webdataset, "fiftyone": export_fiftyone}
    if request.target not in exporters:
        raise CurateError(f"--to {request.target!r}: expected {', '.join(TARGETS)}")
    job = ExportJob(
        rows=rows,
        folder=folder,
        hardlink=request.hardlink,
        rows_per_shard=request.rows_per_shard,
        workers=request.workers,
        reporter=reporter,
    )
    return exporters[request.target](job)


def _forecast(supply: Supply) -> dict[str, Any]:
    images = {"stored": supply.stored, "to render": supply.rendered}
    return {"images": images, "megabytes_stored": round(supply.stored_bytes / 1e6, 1)}


def _dry(request: ExportRequest) -> dict[str, Any]:
    return {"dry_run": True} if request.dry_run else {}
