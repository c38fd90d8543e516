"""Stage `upsample`: select, distort and label new references, and join them with the labeled originals (DDCUp)."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa

from ...distortions.numerics.denoising.weights import newest_digest
from ..datasets.feature_files import as_features
from ..datasets.features import Features
from ..datasets.labels import Labels, read_labels
from ..datasets.type_lists import parse_levels, parse_types
from ..labeling.held_out import without_held_out
from ..labeling.label_matrix import require_same_references
from ..labeling.settings import LabelerName, LabelSettings, NeighborSettings, NeighborsFrom
from ..manifest.provenance import digest_array, make_provenance
from ..manifest.renderers.user_types import record_user_types
from ..manifest.roots import CANDIDATES, RENDERED
from ..manifest.splits import check_splits
from ..runs.progress import SILENT, Reporter
from .manifest_paths import ManifestPaths
from .rows import join_rows, label_new_rows, new_rows, original_rows
from .select import select
from .settings import UpsampleSettings


def upsample(
    labels: Labels | Path | str,
    reference_features: Features | pa.Table | Path | str,
    candidate_features: Features | pa.Table | Path | str,
    *,
    types: str | Iterable[int | str] = "all",
    levels: str | Iterable[int | str] = UpsampleSettings.levels,
    candidates: int | None = UpsampleSettings.candidates,
    max_selected: int | None = UpsampleSettings.max_selected,
    neighbors: NeighborSettings | None = None,
    labeler: LabelerName = LabelSettings.labeler,
    max_label_std: float | None = LabelSettings.max_label_std,
    with_pristine: bool = UpsampleSettings.with_pristine,
    only_new: bool = UpsampleSettings.only_new,
    paths: ManifestPaths | None = None,
    splits: Mapping[str, str] | None = None,
    neighbors_from: NeighborsFrom = LabelSettings.neighbors_from,
    seed: int = UpsampleSettings.seed,
    reporter: Reporter = SILENT,
) -> pa.Table:
    """Select new references, label them by their neighbors and join them with the originals; no pixels are made.

    Args:
        labels: The labeled set, or a label file with KADID-10k's columns (others: `read_labels`).
        reference_features: Features of its references, with ids: a file, `Features`, or a table as `encode` gives
            it. Candidates are measured against every labeled reference, held out or not.
        candidate_features: Features of the candidates, likewise.
        types: Distortion types of originals and new rows, as `--types` takes them.
        levels: Levels of the new rows.
        candidates: Draw that many candidates first; None takes all.
        max_selected: Keep at most that many new references.
        neighbors: How `knn` labels are made.
        labeler: `knn` (Algorithm 2), `gp`, or `condition`: the mean of each type and level.
        max_label_std: Leave out new rows whose label is less certain.
        with_pristine: Add a pristine row per reference.
        only_new: Leave the originals out.
        paths: How files are named; by default as the files name them.
        splits: Split of each reference that is not for training.
        neighbors_from: `train`: held-out references lend no labels to new rows; `all`: everyone does.
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
        labeling=LabelSettings(
            labeler=labeler,
            neighbors=neighbors or NeighborSettings(),
            max_label_std=max_label_std,
            neighbors_from=neighbors_from,
        ),
        with_pristine=with_pristine,
        only_new=only_new,
        seed=seed,
    )
    labeled_set = labels if isinstance(labels, Labels) else read_labels(labels)
    references, pool = as_features(reference_features), as_features(candidate_features)
    paths = paths or ManifestPaths(dataset="labelled", image_root="labelled", reference_root="labelled")
    require_same_references(references, labeled_set)
    check_splits(splits or {}, labeled_set.references())
    selection = select(references, pool, count=candidates, max_selected=max_selected, seed=seed, reporter=reporter)
    originals = original_rows(labeled_set, settings.types, paths, splits or {}, with_pristine=with_pristine)
    rows, chosen = new_rows(selection, pool, settings, paths)
    label_references = without_held_out(references, splits or {}, settings.labeling, reporter)
    rows = label_new_rows(
        rows, chosen, references=label_references, candidates=pool, labels=labeled_set, settings=settings
    )
    roots = dict.fromkeys((paths.image_root, paths.reference_root, CANDIDATES, RENDERED))
    inputs = {
        "reference_features": digest_array(references.matrix, references.require_ids()),
        "candidate_features": digest_array(pool.matrix, pool.require_ids()),
    }
    scale = labeled_set.scale.as_json()
    config = settings.as_json()
    provenance = make_provenance(
        "upsample",
        config,
        inputs,
        label_scale=scale,
        roots=roots,
        pixels="recipe",
        denoiser=newest_digest(),
        user_types=record_user_types(settings.types),
    )
    return join_rows(originals, rows, provenance, only_new=only_new)
