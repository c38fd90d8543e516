"""Image files of an export: copied, linked or rendered into its folder."""

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ..rendering.mix_recipes import PixelRow, pixel_rows
from ..runs.threads import ordered_map
from ..storage.atomic import cannot_write
from .names import image_name
from .rows import ExportJob, ExportRows, find_or_make, suffix_of


def write_images(job: ExportJob, part: pa.Table, folder: Path) -> tuple[list[str], Counter[str]]:
    """Put the images of some rows into a folder.

    Stored files go over as they are, byte for byte; they are never decoded and encoded again.

    Args:
        job: The export.
        part: Those of its rows that are written.
        folder: Where to; made here.

    Returns:
        The images' paths below `folder`, in the rows' order, and how many were `copied`, `linked` and `rendered`.

    Raises:
        CurateError: Pixels cannot be had, or a file cannot be written.
    """
    names = _names(part, job.rows)
    made: Counter[str] = Counter()
    for parent in sorted({(folder / name).parent for name in names}):
        parent.mkdir(parents=True, exist_ok=True)

    def write(task: tuple[PixelRow, str]) -> str:
        row, name = task
        return _write_image(row, folder / name, job.rows, hardlink=job.hardlink)

    with job.reporter.task("export", len(names)) as progress:
        for how in ordered_map(write, zip(pixel_rows(part), names, strict=True), job.workers):
            made[how] += 1
            progress.advance()
    return names, made


def _names(part: pa.Table, rows: ExportRows) -> list[str]:
    references: Sequence[str | None] = part["reference_id"].to_pylist()
    return [
        image_name(row.sample_id, reference, suffix_of(row, rows.pixels.roots))
        for row, reference in zip(pixel_rows(part), references, strict=True)
    ]


def _write_image(row: PixelRow, target: Path, rows: ExportRows, *, hardlink: bool) -> str:
    content, made = find_or_make(row, rows.pixels)
    try:
        if isinstance(content, bytes):
            target.write_bytes(content)
            return "rendered" if made else "copied"
        if hardlink:
            with contextlib.suppress(OSError):  # another file system, or one without links
                os.link(os.path.realpath(content), target)
                return "linked"
        shutil.copyfile(content, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    return "copied"
