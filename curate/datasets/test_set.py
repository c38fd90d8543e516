"""Stage `testset`: a labelled test set in its official layout becomes a manifest."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from ..manifest.manifest import ok_rows, write_manifest
from ..manifest.provenance import attach, digest_file, digest_listing, make_provenance
from ..manifest.roots import Roots
from ..runs.progress import SILENT, Reporter
from ..storage.atomic import refuse_overwriting
from .image_notes import note_images
from .test_sets import RatedSet, read_test_set


def run_test_set(
    name: str, root: Path, out: Path, *, images: str | None = None, reporter: Reporter = SILENT
) -> dict[str, Any]:
    """Write the manifest of a labelled test set.

    Args:
        name: Which set; see `read_test_set`.
        root: The set's folder.
        out: The manifest.
        images: Folder of the images below `root`, where it is not the official one.
        reporter: Is told what was left out and which images are missing.

    Returns:
        `dataset, rows, rows_not_ok, left_out, label_scale, higher_is_better, splits, out`.

    Raises:
        CurateError: As `read_test_set`; nothing is written then.
    """
    rated = read_test_set(name, root, images=images)
    refuse_overwriting(out, *rated.label_files)
    table = manifest_of(rated, out)
    missing = len(table) - len(ok_rows(table))
    if rated.left_out:
        reporter.note(f"left out: {rated.left_out}")
    if missing:
        reporter.note(f"{missing} of {len(table)} images cannot be read: their rows say why")
    write_manifest(table, out)
    noted = note_images((rated.root / rating.path for rating in rated.ratings), reporter=reporter)
    splits = table["split"].to_pylist()
    return {
        "dataset": name,
        "rows": len(table),
        "rows_not_ok": missing,
        "left_out": rated.left_out or "nothing",
        "label_scale": [rated.scale.minimum, rated.scale.maximum],
        "higher_is_better": rated.scale.higher_is_better,
        "splits": {split: splits.count(split) for split in sorted(set(splits))},
        **noted,
        "out": str(out),
    }


def manifest_of(rated: RatedSet, out: Path) -> pa.Table:
    """Return a test set's manifest, as it would stand at `out`.

    Args:
        rated: The set as read.
        out: The manifest's file, which its root's folder is relative to.

    Raises:
        CurateError: Not a single image can be read.
    """
    sizes = ((rating.path, _size(rated.root / rating.path)) for rating in rated.ratings)
    inputs = {file.name: digest_file(file) for file in rated.label_files}
    provenance = make_provenance(
        "testset",
        {"dataset": rated.name},
        {**inputs, "images": digest_listing(sizes)},
        label_scale=rated.scale.as_json(),
        left_out=rated.left_out,
        roots=Roots({rated.name: rated.root}).as_json(out),
    )
    return attach(rated.rows(), provenance)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
