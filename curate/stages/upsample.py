"""Stage `upsample`: select, distort and label new references, and join them with the labelled originals (DDCUp)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ...distortions.catalog import PRISTINE
from ..data.features import Features, as_features
from ..data.images import ImageFormat
from ..data.labels import Labels, read_labels
from ..data.manifest import join, validate
from ..data.names import list_ids, make_sample_id, stem_id
from ..data.provenance import attach, digest_array, make_provenance
from ..data.roots import CANDIDATES, RENDERED
from ..data.schema import build_table
from ..data.selection import kept_rows
from ..data.splits import split_column
from ..data.types import parse_levels, parse_types
from ..engine.progress import SILENT, Reporter
from ..engine.recipes import Plan, Reference, distortion_name, recipe_rows
from ..errors import CurateError
from .label import (
    IDENTITY_CELLS,
    LabelerName,
    NeighborSettings,
    find_neighbors,
    label_rows,
    require_same_references,
    with_pristine_labels,
)
from .label_gp import drop_uncertain, label_rows_by_gp
from .select import select

LEVELS = (1, 3, 5)  # SynDR-IQA labels new references at these levels


@dataclass(frozen=True)
class UpsampleSettings:
    """What to add and how to label it.

    Attributes:
        types: Distortion ids, of originals and new rows.
        levels: Levels of the new rows; originals keep all five.
        candidates: Draw that many candidates first; None takes all.
        max_selected: Keep at most that many new references.
        neighbors: How `knn` labels are made.
        labeler: `knn` (Algorithm 2) or `gp`.
        max_label_std: Leave out new rows whose label is less certain.
        with_pristine: Add a pristine row per reference.
        only_new: Leave the originals out.
        image_format: What the pixels of new rows are stored as.
        seed: The run's seed.
    """

    types: tuple[int, ...]
    levels: tuple[int, ...] = LEVELS
    candidates: int | None = None
    max_selected: int | None = None
    neighbors: NeighborSettings = field(default_factory=NeighborSettings)
    labeler: LabelerName = "knn"
    max_label_std: float | None = None
    with_pristine: bool = False
    only_new: bool = False
    image_format: ImageFormat = "png"
    seed: int = 123

    def as_json(self) -> dict[str, Any]:
        """Return the settings as they stand in a manifest's metadata."""
        plain = {**vars(self), "neighbors": vars(self.neighbors)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}


@dataclass(frozen=True)
class Places:
    """How a labelled set and a candidate set name their files.

    Attributes:
        dataset: Name of the labelled set.
        image_root: Root of the labelled images.
        image_prefix: What stands before their file names, e.g. `images/` for KADID-10k.
        reference_root: Root of their references.
        reference_paths: Reference id to path, where a folder was searched; otherwise the label file's names are taken.
        candidate_dataset: Name of the candidate set.
        candidate_paths: Candidate id to path, where a folder was searched; otherwise the feature file's names are
            taken.
    """

    dataset: str
    image_root: str
    image_prefix: str = ""
    reference_root: str = ""
    reference_paths: Mapping[str, str] | None = None
    candidate_dataset: str = CANDIDATES
    candidate_paths: Mapping[str, str] | None = None


def original_rows(
    labels: Labels, types: Sequence[int], places: Places, splits: Mapping[str, str], *, with_pristine: bool = False
) -> pa.Table:
    """Lay out the labelled images of the given types, at every level they have.

    Args:
        labels: The labelled set.
        types: Distortion ids to keep.
        places: How files are named.
        splits: Split of each reference that is not for training.
        with_pristine: Add each reference itself, labelled as its identity cells are.

    Returns:
        Manifest rows with labels, in the label file's order.

    Raises:
        CurateError: No labelled image is of these types.
    """
    has_pristine = PRISTINE in labels.distortion_ids
    wanted = [PRISTINE, *types] if with_pristine and has_pristine else list(types)
    chosen = np.flatnonzero(np.isin(labels.distortion_ids, wanted))
    if not len(chosen):
        raise CurateError(f"no labelled image is of the types {', '.join(map(str, types))}")
    picked = chosen.tolist()
    references = [labels.reference_ids[i] for i in picked]
    names = {kind: distortion_name(kind) for kind in wanted}
    errors = labels.standard_errors[chosen].astype(np.float32)
    columns = {
        "sample_id": [labels.sample_ids[i] for i in picked],
        "image_path": [places.image_prefix + labels.image_names[i] for i in picked],
        "image_root": places.image_root,
        "reference_id": references,
        "reference_path": [_reference_path(labels.reference_names[i], places) for i in picked],
        "reference_root": places.reference_root,
        "distortion_id": pa.array(labels.distortion_ids[chosen]),
        "distortion": [names[int(kind)] for kind in labels.distortion_ids[chosen]],
        "level": pa.array(labels.levels[chosen]),
        "label": pa.array(labels.quality[chosen].astype(np.float32)),
        "label_std": pa.array(errors, from_pandas=True),
        "label_source": labels.source,
        "dataset": places.dataset,
        "split": split_column(references, splits),
        "seed": None if labels.seeds is None else pa.array(labels.seeds[chosen]),
        "status": "ok",
    }
    rows = build_table(columns, len(picked))
    if not with_pristine or has_pristine:
        return rows
    return pa.concat_tables([rows, _pristine_rows(labels, places, splits)])


def new_rows(
    selection: pa.Table, candidates: Features, settings: UpsampleSettings, places: Places
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
            "no candidate passed the selection: every one is too close to a reference or too far from all"
        )
    names = dict(zip(candidates.require_ids(), candidates.names or (), strict=True))
    paths = names if places.candidate_paths is None else places.candidate_paths
    lost = [identifier for identifier in chosen if identifier not in paths]
    if lost:
        raise CurateError(f"{len(lost)} selected candidates are not in the candidates' folder: {list_ids(lost)}")
    types = ((PRISTINE,) if settings.with_pristine else ()) + settings.types
    plan = Plan(
        types,
        settings.levels,
        settings.seed,
        CANDIDATES,
        RENDERED,
        f".{settings.image_format}",
        places.candidate_dataset,
    )
    return recipe_rows([Reference(identifier, paths[identifier]) for identifier in chosen], plan), chosen


def label_new_rows(
    rows: pa.Table,
    chosen: Sequence[str],
    references: Features,
    candidates: Features,
    labels: Labels,
    settings: UpsampleSettings,
) -> pa.Table:
    """Give the rows of selected candidates their pseudo-labels.

    Args:
        rows: Recipe rows.
        chosen: Ids of their references.
        references: Features of the labelled references.
        candidates: Features of the candidates.
        labels: The labelled set.
        settings: The labeller and its bound on `label_std`.
    """
    position = {identifier: row for row, identifier in enumerate(candidates.require_ids())}
    matrix = candidates.matrix[np.array([position[identifier] for identifier in chosen], dtype=np.int64)]
    if settings.labeler == "gp":
        rows = label_rows_by_gp(rows, chosen, matrix, references, labels)
    else:
        found = find_neighbors(matrix, references, settings.neighbors)
        rows = label_rows(rows, dict(zip(chosen, found, strict=True)), labels)
    return drop_uncertain(rows, settings.max_label_std)


def join_rows(originals: pa.Table, new: pa.Table, provenance: Mapping[str, Any], *, only_new: bool) -> pa.Table:
    """Put originals and new rows into one training manifest.

    Raises:
        CurateError: A new reference has the id of a labelled one.
    """
    if only_new:
        return attach(validate(new, training=True), provenance)
    refuse_shared_ids(originals["reference_id"].to_pylist(), new["reference_id"].to_pylist())
    return attach(validate(join([attach(originals, {}), attach(new, {})]), training=True), provenance)


def refuse_shared_ids(labelled: Iterable[str], chosen: Iterable[str]) -> None:
    """Refuse new references that have the id of a labelled one.

    Raises:
        CurateError: Names the ids.
    """
    shared = set(labelled) & set(chosen)
    if shared:
        raise CurateError(
            f"{len(shared)} candidates have the id of a labelled reference: {list_ids(sorted(shared))} (rename them)"
        )


def upsample(
    labels: Labels | Path | str,
    reference_features: Features | Path | str,
    candidate_features: Features | Path | str,
    *,
    types: str | Iterable[int | str] = "all",
    levels: str | Iterable[int | str] = LEVELS,
    candidates: int | None = None,
    max_selected: int | None = None,
    neighbors: NeighborSettings | None = None,
    labeler: LabelerName = "knn",
    max_label_std: float | None = None,
    with_pristine: bool = False,
    only_new: bool = False,
    places: Places | None = None,
    splits: Mapping[str, str] | None = None,
    seed: int = 123,
    reporter: Reporter = SILENT,
) -> pa.Table:
    """Select new references, label them by their neighbours and join them with the originals; no pixels are made.

    Args:
        labels: The labelled set, or a label file with KADID-10k's columns (others: `read_labels`).
        reference_features: Features of its references, with ids; every labelled reference, held out or not, is a
            neighbour.
        candidate_features: Features of the candidates, with ids.
        types: Distortion types of originals and new rows, as `--types` takes them.
        levels: Levels of the new rows.
        candidates: Draw that many candidates first; None takes all.
        max_selected: Keep at most that many new references.
        neighbors: How `knn` labels are made.
        labeler: `knn` (Algorithm 2) or `gp`.
        max_label_std: Leave out new rows whose label is less certain.
        with_pristine: Add a pristine row per reference.
        only_new: Leave the originals out.
        places: How files are named; by default as the files name them.
        splits: Split of each reference that is not for training.
        seed: The run's seed.
        reporter: Shows progress.

    Returns:
        A training manifest; the new rows are recipes.

    Raises:
        CurateError: Inputs that do not fit each other.

    Source: SynDR-IQA, Algorithms 1 and 2 (DDCUp).
    """
    settings = UpsampleSettings(
        types=parse_types(types),
        levels=parse_levels(levels),
        candidates=candidates,
        max_selected=max_selected,
        neighbors=neighbors or NeighborSettings(),
        labeler=labeler,
        max_label_std=max_label_std,
        with_pristine=with_pristine,
        only_new=only_new,
        seed=seed,
    )
    labelled_set = labels if isinstance(labels, Labels) else read_labels(labels)
    references, pool = as_features(reference_features), as_features(candidate_features)
    places = places or Places(dataset="labelled", image_root="labelled", reference_root="labelled")
    require_same_references(references, labelled_set)
    stray = sorted(set(splits or {}) - set(labelled_set.reference_ids))
    if stray:
        raise CurateError(f"splits name {len(stray)} references that the label file does not: {list_ids(stray)}")
    selection = select(references, pool, count=candidates, max_selected=max_selected, seed=seed, reporter=reporter)
    originals = original_rows(labelled_set, settings.types, places, splits or {}, with_pristine=with_pristine)
    rows, chosen = new_rows(selection, pool, settings, places)
    rows = label_new_rows(rows, chosen, references, pool, labelled_set, settings)
    roots = dict.fromkeys((places.image_root, places.reference_root, CANDIDATES, RENDERED))
    inputs = {
        "reference_features": digest_array(references.matrix, references.require_ids()),
        "candidate_features": digest_array(pool.matrix, pool.require_ids()),
    }
    scale = labelled_set.scale.as_json()
    config = settings.as_json()
    provenance = make_provenance("upsample", config, inputs, label_scale=scale, roots=roots, pixels="recipe")
    return join_rows(originals, rows, provenance, only_new=only_new)


def _reference_path(name: str, places: Places) -> str:
    if places.reference_paths is None:
        return places.image_prefix + name
    path = places.reference_paths.get(stem_id(name))
    if path is None:
        raise CurateError(f"the labelled reference {name!r} is not in the references' folder")
    return path


def _pristine_rows(labels: Labels, places: Places, splits: Mapping[str, str]) -> pa.Table:
    lookup = with_pristine_labels(labels.by_condition(), set(labels.reference_ids))
    name_of = dict(zip(labels.reference_ids, labels.reference_names, strict=True))
    ids = labels.references()
    lacking = [identifier for identifier in ids if (identifier, PRISTINE, 0) not in lookup]
    if lacking:
        cells = ", ".join(f"({kind},{level})" for kind, level in IDENTITY_CELLS)
        raise CurateError(
            f"--with-pristine needs a label of an undistorted cell {cells} per reference; {len(lacking)} have none: "
            f"{list_ids(lacking)}"
        )
    paths = [_reference_path(name_of[identifier], places) for identifier in ids]
    columns = {
        "sample_id": [make_sample_id(identifier, PRISTINE, 0) for identifier in ids],
        "image_path": paths,
        "image_root": places.reference_root,
        "reference_id": list(ids),
        "reference_path": paths,
        "reference_root": places.reference_root,
        "distortion_id": pa.array([PRISTINE] * len(ids), pa.int8()),
        "distortion": distortion_name(PRISTINE),
        "level": pa.array([0] * len(ids), pa.int8()),
        "label": pa.array([np.float32(lookup[identifier, PRISTINE, 0]) for identifier in ids], pa.float32()),
        "label_source": labels.source,
        "dataset": places.dataset,
        "split": split_column(ids, splits),
        "status": "ok",
    }
    return build_table(columns, len(ids))
