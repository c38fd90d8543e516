"""Stage `testset`: a labeled test set, an official one or one's own, becomes a manifest."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from ...manifest.manifest import ok_rows, write_manifest
from ...manifest.provenance import attach, digest_file, digest_json, digest_listing, make_provenance
from ...manifest.roots import Roots
from ...runs.progress import SILENT, Reporter
from ...storage.atomic import refuse_overwriting, require_parquet_name
from ..image_notes import note_images
from ..label_columns import LabelColumns
from ..labels import LabelFile
from ..settings import IdStyle
from .rated_set import RatedSet, read_test_set

_LABEL_FILES_NAMED = 4  # PIPAL has 200, which are one input of its manifest


def testset(
    name: str,
    root: Path | str | None = None,
    *,
    images: Path | str | None = None,
    labels: Path | str | None = None,
    columns: LabelColumns | None = None,
    lower_is_better: bool = False,
    label_range: tuple[float, float] | None = None,
    ids: IdStyle = "stem",
    dataset: str | None = None,
    split_file: Path | str | None = None,
) -> pa.Table:
    """Make the manifest of a labeled test set, in memory.

    Args:
        name: Which set: `koniq10k`, `livec`, `bid`, `spaq`, `biq2021`, `cid2013`, `tid2013`, `live`, `csiq`, `pipal`,
            `kadid10k`, or `csv`: a set of one's own.
        root: The set's folder, with its own label file in it. `csv` needs none.
        images: Folder of the images, relative to `root`, where it is not the official one. For `csv` without a `root`,
            a folder as it is; by default that of the label file.
        labels: For `csv`: a label file, with a name and a score per image.
        columns: For `csv`: which columns of it mean what. Types and levels are read where both columns are named.
        lower_is_better: For `csv`: the scores are of degradation.
        label_range: For `csv`: ends of the scale; by default the smallest and largest score of the file.
        ids: For `csv`: an id is the file stem, or the name with its folders.
        dataset: For `csv`: what the manifest calls the set; by default the name of the label file's folder.
        split_file: A CSV of `split` and `reference_id` or `id` that replaces the split of the set.

    Returns:
        A manifest: a row per image in the label file's order, with labels on [0, 10], higher is better. `pipal` has one
        more column, `distortion_class`, and `cid2013` `image_set`.

    Raises:
        CurateError: An unknown set, a label file that is missing or not as it should be, or not one image that can be
            read.
    """
    file = None
    if labels is not None:
        file = LabelFile(Path(labels), columns or LabelColumns(), lower_is_better, label_range)
    rated = read_test_set(name, root, images=images, labels=file, ids=ids, dataset=dataset, split_file=split_file)
    # Nobody knows yet where the table will be written, so its root is not relative to a file.
    return _manifest(rated, {rated.name: rated.root.resolve().as_posix()})


def run_testset(rated: RatedSet, out: Path, *, reporter: Reporter = SILENT) -> dict[str, Any]:
    """Write the manifest of a labeled test set.

    Args:
        rated: The set as read.
        out: The manifest.
        reporter: Notes what was left out and which images are missing.

    Returns:
        `dataset, rows, rows_not_ok, left_out, label_scale, higher_is_better, splits, out`; `groups` where the set has
        some.

    Raises:
        CurateError: Not a single image can be read, or `out` is a file that was read or has another suffix than
            `.parquet`; nothing is written then.
    """
    inputs = rated.label_files if rated.split_file is None else (*rated.label_files, rated.split_file)
    refuse_overwriting(out, *inputs)
    require_parquet_name(out)
    table = manifest_of(rated, out)
    missing = len(table) - len(ok_rows(table))
    if rated.left_out:
        reporter.note(f"left out: {rated.left_out}")
    if missing:
        reporter.note(f"{missing} of {len(table)} images cannot be read: their rows say why")
    write_manifest(table, out)
    noted = note_images((rated.root / rating.path for rating in rated.ratings), reporter=reporter)
    groups = {} if rated.group_column is None else {"groups": {rated.group_column: _counts(table, rated.group_column)}}
    return {
        "dataset": rated.name,
        "rows": len(table),
        "rows_not_ok": missing,
        "left_out": rated.left_out or "nothing",
        "label_scale": [rated.scale.minimum, rated.scale.maximum],
        "higher_is_better": rated.scale.higher_is_better,
        "splits": _counts(table, "split"),
        **groups,
        **noted,
        "out": str(out),
    }


def manifest_of(rated: RatedSet, out: Path) -> pa.Table:
    """Return a test set's manifest, as it would be written to `out`.

    Args:
        rated: The set as read.
        out: The manifest's file, which its root's folder is relative to.

    Raises:
        CurateError: Not a single image can be read.
    """
    return _manifest(rated, Roots({rated.name: rated.root}).as_json(out))


def _manifest(rated: RatedSet, roots: dict[str, str | None] | dict[str, str]) -> pa.Table:
    sizes = ((rating.path, _size(rated.root / rating.path)) for rating in rated.ratings)
    inputs = {file.name: digest_file(file) for file in rated.label_files}
    if len(inputs) > _LABEL_FILES_NAMED:
        inputs = {"label_files": digest_json(inputs)}
    if rated.split_file is not None:
        inputs["split_file"] = digest_file(rated.split_file)
    provenance = make_provenance(
        "testset",
        {"dataset": rated.name, **rated.options},
        {**inputs, "images": digest_listing(sizes)},
        label_scale=rated.scale.as_json(),
        left_out=rated.left_out,
        roots=roots,
    )
    return attach(rated.rows(), provenance)


def _counts(table: pa.Table, column: str) -> dict[str, int]:
    values = table[column].to_pylist()
    return {value: values.count(value) for value in sorted(set(values))}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
