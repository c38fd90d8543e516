"""What other tools read, from a manifest: folders of images with a table, tar shards, lists of ids."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

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
from .rows import ExportJob, Supply, check_supply, read_rows
from .settings import TARGETS, ExportSettings, Target
from .tables import write_ids
from .webdataset import export_webdataset

_EXPORTERS: dict[str, Callable[[ExportJob], Counter[str]]] = {
    "hf": export_hf,
    "pyiqa": export_pyiqa,
    "webdataset": export_webdataset,
    "fiftyone": export_fiftyone,
}


def export(
    manifest: Path | str,
    target: Target,
    out: Path | str,
    *,
    split: str | None = None,
    render: bool = ExportSettings.render,
    hardlink: bool = ExportSettings.hardlink,
    rows_per_shard: int = ExportSettings.rows_per_shard,
    follow_links: bool = ExportSettings.follow_links,
    roots: Mapping[str, Path] | None = None,
    max_pixels: int = MAX_PIXELS,
    workers: int | None = None,
    overwrite: bool = ExportSettings.overwrite,
    dry_run: bool = False,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Write a manifest's ok rows in the form that another tool reads.

    The result appears complete or not at all, and the same manifest gives the same bytes.

    Args:
        manifest: The manifest file.
        target: Who shall read it.
        out: The folder to make; for `ids` the text file.
        split: Only rows of this split.
        render: Whether rows without stored pixels are rendered.
        hardlink: Whether stored files are linked rather than copied (not into tars).
        rows_per_shard: Of `webdataset`.
        follow_links: Whether stored files are taken that a link leads to outside their root.
        roots: Folders of roots that have moved.
        max_pixels: References with more pixels are refused.
        workers: Threads; None uses every core.
        overwrite: Whether an earlier export at `out` is replaced.
        dry_run: Say what would be written, and write nothing.
        reporter: Shows progress.

    Returns:
        `rows, rows_not_ok, by_split`, `images` (how many were copied, linked, rendered; for a dry run stored and to
        render) and `out`.

    Raises:
        CurateError: Pixels are missing and may not be rendered, a stored file is no image or is outside its root,
            labels that the target needs are missing, or `out` may not be written to; nothing is written then.
    """
    manifest, out = Path(manifest), Path(out)
    if target not in TARGETS:
        raise CurateError(f"--to {target!r}: expected {', '.join(TARGETS)}")
    rows = read_rows(manifest, split=split, roots=roots, max_pixels=max_pixels, labeled=target == "pyiqa")
    counts = {split: len(part) for split, part in rows.splits()}
    summary: dict[str, Any] = {"rows": len(rows.table), "rows_not_ok": rows.not_ok, "by_split": counts}
    dry = {"dry_run": True} if dry_run else {}
    if target == "ids":
        refuse_overwriting(out, manifest)
        if not dry_run:
            write_ids(out, rows.table["sample_id"].to_pylist())
        return {**summary, **dry, "out": str(out)}
    folders = {f"root {name!r}": path for name, path in rows.pixels.roots.folders.items() if path is not None}
    place = require_free(out, overwrite=overwrite, inputs={"the manifest": manifest, **folders})
    supply = check_supply(rows, render=render, follow_links=follow_links, workers=workers)
    if dry_run:
        return {**summary, **_forecast(supply), **dry, "out": str(out)}
    facts = {"target": target, "rows": len(rows.table), "manifest": digest_table(rows.table)}
    with export_folder(place, {**facts, "provenance": rows.provenance}) as folder:
        made = _EXPORTERS[target](
            ExportJob(
                rows=rows,
                folder=folder,
                hardlink=hardlink,
                rows_per_shard=rows_per_shard,
                workers=workers,
                reporter=reporter,
            )
        )
    summary["images"] = dict(sorted(made.items()))
    if made["rendered"]:
        # Stored files are copied as they are, with their profiles.
        unstored = (row for row in pixel_rows(rows.table) if not rows.pixels.is_stored(row))
        summary |= rows.pixels.note_images(unstored, workers=workers, reporter=reporter)
    return {**summary, "out": str(out)}


def _forecast(supply: Supply) -> dict[str, Any]:
    images = {"stored": supply.stored, "to render": supply.rendered}
    return {"images": images, "megabytes_stored": round(supply.stored_bytes / 1e6, 1)}
