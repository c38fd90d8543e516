"""The labeled set that `upsample` learns from: a label file's, or references that are measured here."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from ..datasets.features import Features
from ..datasets.image_folders import KADID_IMAGES, ImageSource
from ..datasets.labels import Labels
from ..errors import CurateError
from ..labeling.label_matrix import require_same_references
from ..manifest.outcomes import Outcome, with_outcomes
from ..manifest.roots import Roots
from ..manifest.splits import mark_held_out
from ..runs.options import run_folder
from ..runs.progress import SILENT, Reporter
from ..runs.run_folder import remove_run_folder
from .grids import reference_rows
from .input_folders import InputFolders, open_references
from .inputs import labeled_and_readable, read_features, read_split_file
from .manifest_paths import ManifestPaths, manifest_paths, manifest_roots
from .proxy_labels import proxy_labels
from .render_rows import RowsToRender, measured, measured_in_memory, rows_to_render
from .request import KADID, UpsampleRequest, completed
from .rows import original_rows


@dataclass(frozen=True)
class LabeledSet:
    """Labels, and what making them has left behind.

    Attributes:
        labels: The labels.
        unmeasured: Rows of references that could not be measured, and why; None where the labels come from a file.
        archives: How many archives the pixels of measured rows take up.
    """

    labels: Labels
    unmeasured: pa.Table | None = None
    archives: int = 0


def read_labeled_set(request: UpsampleRequest, reporter: Reporter = SILENT) -> tuple[Labels, Features, dict[str, str]]:
    """Read the labeled set that `upsample` would learn from; what has to be encoded or measured leaves no file behind.

    Args:
        request: What to do; candidates are not looked at.
        reporter: Shows progress.

    Returns:
        The labels, the features of exactly their references, and the split of each reference that the split file names.

    Raises:
        CurateError: Inputs that are missing or do not fit each other.
    """
    request = completed(request, labeled_set_only=True)
    folders = InputFolders(references=open_references(request), candidates=None)
    folders.note_skipped(reporter)
    labels = None if request.labels is None else request.labels.read(reporter)
    splits = read_split_file(request, labels, folders.references)
    references = read_features("reference", request, folders.references, reporter, keep=False).features
    if labels is None:
        roots = manifest_roots(request, folders, manifest_paths(request, folders, labels))
        rows = rows_to_render(
            reference_rows(folders.references, request.settings), roots, request, layout=None, measure=True
        )
        labels, _ = _labels_of(request, rows, measured_in_memory(rows, request.run, reporter))
    if request.reference_features is None:
        references = labeled_and_readable(references, labels, reporter)
        labels = labels.of_references(references.require_ids())
    require_same_references(references, labels)
    return labels, references, splits


def measure_references(
    request: UpsampleRequest, source: ImageSource | None, roots: Roots, reporter: Reporter
) -> LabeledSet:
    """Distort the references and label them by a full-reference metric, in a run that can be resumed.

    The run folder stays until `remove_measuring_run`: the new rows may still have to be rendered.

    Args:
        request: What to do.
        source: The references.
        roots: Folders of the references and of the pixels.
        reporter: Shows progress.

    Raises:
        CurateError: There are no references, or none could be measured.
    """
    rows = rows_to_render(
        reference_rows(source, request.settings), roots, request, layout=request.stored_layout, measure=True
    )
    result = request.references_result
    outcomes = measured(rows, run_folder(result), result, request.run, reporter)
    labels, unmeasured = _labels_of(request, rows, outcomes)
    return LabeledSet(labels, unmeasured=unmeasured, archives=rows.shards)


def remove_measuring_run(request: UpsampleRequest) -> None:
    """Remove the run folder of `measure_references`, if there is one."""
    folder = run_folder(request.references_result)
    if folder.exists():
        remove_run_folder(folder)


def originals_of(
    request: UpsampleRequest,
    labeled: LabeledSet,
    paths: ManifestPaths,
    *,
    splits: Mapping[str, str],
    roots: Roots,
    reporter: Reporter,
) -> pa.Table:
    """Lay out the rows of a labeled set for the manifest, those among them that have no pixels.

    Args:
        request: What the user said.
        labeled: The labeled set.
        paths: How the manifest names its files.
        splits: Split of each reference that is not for training.
        roots: Folders of the files.
        reporter: Notes how many labeled images are missing.

    Raises:
        CurateError: No labeled image is of the types asked for, or none is where it should be.
    """
    settings = request.settings
    rows = original_rows(labeled.labels, settings.types, paths, splits, with_pristine=settings.with_pristine)
    if labeled.unmeasured is None:
        return _without_missing(rows, request, roots, reporter)
    return pa.concat_tables([rows, mark_held_out(labeled.unmeasured, splits)])


def _labels_of(request: UpsampleRequest, rows: RowsToRender, outcomes: list[Outcome]) -> tuple[Labels, pa.Table]:
    try:
        return proxy_labels(rows.table, outcomes)
    except CurateError as error:
        raise CurateError(f"{request.references}: {error}") from error


def _without_missing(originals: pa.Table, request: UpsampleRequest, roots: Roots, reporter: Reporter) -> pa.Table:
    """Note which labeled images are not where `root` says; without a root this is not known."""
    if request.root is None:
        return originals
    files = zip(originals["image_root"].to_pylist(), originals["image_path"].to_pylist(), strict=True)
    outcomes = [
        Outcome("ok") if roots.resolve(root, path).is_file() else Outcome("unreadable", "No such file")
        for root, path in files
    ]
    missing = sum(outcome.status != "ok" for outcome in outcomes)
    if missing == len(outcomes):
        example = roots.resolve(originals["image_root"][0].as_py(), originals["image_path"][0].as_py())
        layout = f" ({KADID}: the folder that holds {KADID_IMAGES}/; for another set, add --dataset NAME)"
        raise CurateError(
            f"none of the {missing} labeled images is below --root {request.root}: {example} does not exist. Give the "
            f"folder of the labeled images as --root{layout if originals['dataset'][0].as_py() == KADID else ''}"
        )
    if missing:
        reporter.note(f"{missing} labeled images are not below --root {request.root}: their rows get a status")
    return with_outcomes(originals, outcomes)
