"""The rows of `upsample`: labeled originals, new references with their pseudo-labels, and both in one manifest."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ...distortions.catalog import IDENTITY_CELLS, PRISTINE
from ..datasets.features import Features
from ..datasets.labels import Labels
from ..errors import CurateError, CurateWarning
from ..labeling.label_matrix import pristine_labels
from ..labeling.label_rows import drop_uncertain, features_of_references, label_rows
from ..labeling.make_labeler import make_labeler
from ..labeling.pools.sources import warn_of_unlike_labels
from ..manifest.id_mismatch import explain_mismatch, look_alikes
from ..manifest.ids import list_ids, make_sample_id, stem_id
from ..manifest.joining.rows import join
from ..manifest.manifest import validate
from ..manifest.provenance import attach
from ..manifest.recipes import Reference, distortion_name, recipe_rows
from ..manifest.roots import CANDIDATES
from ..manifest.schema import build_table
from ..manifest.selection import kept_rows
from ..manifest.splits import split_column
from .grids import grid_of
from .manifest_paths import ManifestPaths
from .settings import UpsampleSettings

_PAIRS_SHOWN = 3


def original_rows(
    labels: Labels,
    types: Sequence[int],
    paths: ManifestPaths,
    splits: Mapping[str, str],
    *,
    with_pristine: bool = False,
) -> pa.Table:
    """Lay out the labeled images of the given types, at every level they have.

    Args:
        labels: The labeled set.
        types: Distortion ids to keep.
        paths: How files are named.
        splits: Split of each reference that is not for training.
        with_pristine: Add each reference itself, labeled as its identity cells are.

    Returns:
        Manifest rows with labels, in the label file's order.

    Raises:
        CurateError: No labeled image is of these types.
    """
    has_pristine = PRISTINE in labels.distortion_ids
    wanted = [PRISTINE, *types] if with_pristine and has_pristine else list(types)
    chosen = np.flatnonzero(np.isin(labels.distortion_ids, wanted))
    if not len(chosen):
        raise CurateError(f"no labeled image is of the types {', '.join(map(str, types))}: choose others with --types")
    picked = chosen.tolist()
    references = [labels.reference_ids[i] for i in picked]
    names = {kind: distortion_name(kind) for kind in wanted}
    errors = labels.standard_errors[chosen].astype(np.float32)
    columns = {
        "sample_id": [labels.sample_ids[i] for i in picked],
        "image_path": [paths.image_prefix + labels.image_names[i] for i in picked],
        "image_root": paths.image_root,
        "reference_id": references,
        "reference_path": [_reference_path(labels.reference_names[i], paths) for i in picked],
        "reference_root": paths.reference_root,
        "distortion_id": pa.array(labels.distortion_ids[chosen]),
        "distortion": [names[int(kind)] for kind in labels.distortion_ids[chosen]],
        "level": pa.array(labels.levels[chosen]),
        "label": pa.array(labels.quality[chosen].astype(np.float32)),
        "label_std": pa.array(errors, from_pandas=True),
        "label_source": labels.source,
        "dataset": paths.dataset,
        "split": split_column(references, splits),
        "seed": None if labels.seeds is None else pa.array(labels.seeds[chosen]),
        "status": "ok",
    }
    rows = build_table(columns, len(picked))
    if not with_pristine or has_pristine:
        return rows
    return pa.concat_tables([rows, _pristine_rows(labels, paths, splits)])


def new_rows(
    selection: pa.Table, candidates: Features, settings: UpsampleSettings, paths: ManifestPaths
) -> tuple[pa.Table, list[str]]:
    """Lay out the recipe rows of the selected candidates, without labels.

    Returns:
        The rows and the selected ids, both in candidate order.

    Raises:
        CurateError: Nothing was selected, or a candidate's file is not in its folder.
    """
    chosen = [identifier for identifier, _ in kept_rows(selection)]
    if not chosen:
        raise CurateError(
            "no candidate passed the selection: every one is too close to a reference or too far from all; give more "
            "or other candidates"
        )
    names = dict(zip(candidates.require_ids(), candidates.names or (), strict=True))
    path_of = names if paths.candidate_paths is None else paths.candidate_paths
    lost = [identifier for identifier in chosen if identifier not in path_of]
    if lost:
        reason = explain_mismatch(chosen, path_of, wanted_in="the features", given_in="the folder")
        raise CurateError(
            f"{len(lost)} selected candidates are not in the candidates' folder: {list_ids(lost)}{reason}"
        )
    grid = grid_of(settings, reference_root=CANDIDATES, dataset=paths.candidate_dataset)
    return recipe_rows([Reference(identifier, path_of[identifier]) for identifier in chosen], grid), chosen


def label_new_rows(
    rows: pa.Table,
    chosen: Sequence[str],
    *,
    references: Features,
    candidates: Features,
    labels: Labels,
    settings: UpsampleSettings,
) -> pa.Table:
    """Give the rows of selected candidates their pseudo-labels.

    Args:
        rows: Recipe rows.
        chosen: Ids of their references.
        references: Features of the references whose labels are taken.
        candidates: Features of the candidates.
        labels: The labeled set.
        settings: The labeler and its bound on `label_std`.

    Raises:
        CurateError: Labels that the labeler needs are missing, or no row is certain enough.
    """
    labeling = settings.labeling
    new = features_of_references(candidates, chosen)
    labeled = label_rows(rows, new, references, labels, make_labeler(labeling.labeler, labeling.neighbors))
    return drop_uncertain(labeled, labeling.max_label_std)


def join_rows(originals: pa.Table, new: pa.Table, provenance: Mapping[str, Any], *, only_new: bool) -> pa.Table:
    """Put originals and new rows into one training manifest.

    Raises:
        CurateError: A new reference has the id of a labeled one.
    """
    refuse_shared_ids(originals["reference_id"].to_pylist(), new["reference_id"].to_pylist())
    if only_new:
        return attach(validate(new, training=True), provenance)
    joined = attach(validate(join([attach(originals, {}), attach(new, {})]), training=True), provenance)
    warn_of_unlike_labels(joined, "the training set")
    return joined


def refuse_shared_ids(labeled: Iterable[str], chosen: Iterable[str]) -> None:
    """Refuse new references that have the id of a labeled one; warn of those that nearly have.

    Raises:
        CurateError: Names the ids.
    """
    labeled, chosen = list(labeled), list(chosen)
    shared = set(labeled) & set(chosen)
    if shared:
        raise CurateError(
            f"{len(shared)} candidates have the id of a labeled reference: {list_ids(sorted(shared))} (rename them)"
        )
    alike = look_alikes(chosen, labeled)
    if alike:
        shown = "; ".join(f"{new!a} and {old!a}" for new, old in alike[:_PAIRS_SHOWN])
        warnings.warn(
            f"{len(alike)} candidates have the id of a labeled reference but for upper and lower case or the Unicode "
            f"form of their characters: {shown}. If they are the same picture, a held-out one gets into the training "
            "rows",
            CurateWarning,
            stacklevel=2,
        )


def _reference_path(name: str, paths: ManifestPaths) -> str:
    if paths.reference_paths is None:
        return paths.image_prefix + name
    path = paths.reference_paths.get(stem_id(name))
    if path is None:
        reason = explain_mismatch(
            [stem_id(name)], paths.reference_paths, wanted_in="the label file", given_in="the folder"
        )
        raise CurateError(f"the labeled reference {name!r} is not in the references' folder{reason}")
    return path


def _pristine_rows(labels: Labels, paths: ManifestPaths, splits: Mapping[str, str]) -> pa.Table:
    known = pristine_labels(labels)
    name_of = dict(zip(labels.reference_ids, labels.reference_names, strict=True))
    ids = labels.references()
    lacking = [identifier for identifier in ids if identifier not in known]
    if lacking:
        cells = ", ".join(f"({kind},{level})" for kind, level in IDENTITY_CELLS)
        raise CurateError(
            f"--with-pristine needs a label of an undistorted cell {cells} per reference; {len(lacking)} have none: "
            f"{list_ids(lacking)}"
        )
    files = [_reference_path(name_of[identifier], paths) for identifier in ids]
    columns = {
        "sample_id": [make_sample_id(identifier, PRISTINE, 0) for identifier in ids],
        "image_path": files,
        "image_root": paths.reference_root,
        "reference_id": list(ids),
        "reference_path": files,
        "reference_root": paths.reference_root,
        "distortion_id": pa.array([PRISTINE] * len(ids), pa.int16()),
        "distortion": distortion_name(PRISTINE),
        "level": pa.array([0] * len(ids), pa.int8()),
        "label": pa.array([np.float32(known[identifier]) for identifier in ids], pa.float32()),
        "label_source": labels.source,
        "dataset": paths.dataset,
        "split": split_column(ids, splits),
        "status": "ok",
    }
    return build_table(columns, len(ids))
