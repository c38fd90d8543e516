"""Stage `label`: from selected references, or rows of a manifest, to labeled rows."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...distortions.numerics.denoiser import digest_weights
from ..datasets.feature_files import as_features
from ..datasets.features import Features
from ..datasets.labels import Labels, read_labels
from ..datasets.type_lists import parse_levels, parse_types
from ..errors import CurateError
from ..manifest.lost_metadata import refuse_lost_recipes
from ..manifest.manifest import ok_rows, read_manifest, validate
from ..manifest.pixel_facts import recorded_pixel_facts
from ..manifest.provenance import attach, digest_array, digest_table, make_provenance, read_provenance
from ..manifest.recipes import RecipeGrid, Reference, recipe_rows
from ..manifest.roots import CANDIDATES, RENDERED, home_of, with_home
from ..manifest.selection import kept_rows, read_selection
from ..manifest.splits import check_splits, mark_held_out
from ..runs.progress import SILENT, Reporter
from ..similarity import check_rows
from ..whole_numbers import whole_number
from .held_out import without_held_out
from .label_matrix import require_same_references
from .label_rows import drop_uncertain, features_of_references, label_rows
from .make_labeler import make_labeler
from .settings import LABELED_LEVELS, SEED, LabelerName, LabelSettings, NeighborSettings, NeighborsFrom


def label(
    labels: Labels | Path | str,
    reference_features: Features | pa.Table | Path | str,
    candidate_features: Features | pa.Table | Path | str,
    *,
    selection: pa.Table | Path | str | None = None,
    manifest: pa.Table | Path | str | None = None,
    types: str | Iterable[int | str] = "all",
    levels: str | Iterable[int | str] = LABELED_LEVELS,
    neighbors: NeighborSettings | None = None,
    labeler: LabelerName = LabelSettings.labeler,
    max_label_std: float | None = LabelSettings.max_label_std,
    splits: Mapping[str, str] | None = None,
    neighbors_from: NeighborsFrom = LabelSettings.neighbors_from,
    seed: int = SEED,
    reporter: Reporter = SILENT,
) -> pa.Table:
    """Label new references by their neighbors; no pixels are made.

    Args:
        labels: The labeled set, or a label file with KADID-10k's columns (others: `read_labels`).
        reference_features: Features of its references, with ids: a file, `Features`, or a table as `encode` gives it.
        candidate_features: Features of the references to label, likewise.
        selection: What `select` gave, or its file: rows are laid out for types x levels.
        manifest: Rows to label, or their file; exactly one of the two.
        types: For a selection, as `--types` takes them.
        levels: For a selection.
        neighbors: How `knn` labels are made.
        labeler: `knn` (Algorithm 2) or `gp`.
        max_label_std: Leave out rows whose label is less certain, on [0, 10].
        splits: Split of each labeled reference that is not for training; rows of these references get it, too.
        neighbors_from: `train`: held-out references lend no labels; `all`: everyone does.
        seed: Seed of the rows laid out.
        reporter: Told whose labels are not taken.

    Returns:
        A training manifest. Rows of a manifest keep their order, those whose status is not `ok` among them, and their
        roots.

    Raises:
        CurateError: Inputs that do not fit each other, or labels that the labeler needs are missing.

    Source: SynDR-IQA, Algorithm 2 (DDCUp).
    """
    settings = LabelSettings(
        labeler=labeler,
        neighbors=neighbors or NeighborSettings(),
        max_label_std=max_label_std,
        neighbors_from=neighbors_from,
    )
    chosen_types, chosen_levels, seed = parse_types(types), parse_levels(levels), whole_number("seed", seed)
    if selection is not None and manifest is None:
        kept = selection if isinstance(selection, pa.Table) else read_selection(Path(selection))
        rows, name = selected_rows(kept, chosen_types, chosen_levels, seed), "the selection"
    elif manifest is not None and selection is None:
        rows, name = validate(manifest) if isinstance(manifest, pa.Table) else read_manifest(manifest), "the manifest"
    else:
        raise CurateError("give what to label in one way: selection or manifest")
    labeled_set = labels if isinstance(labels, Labels) else read_labels(labels)
    references, candidates = as_features(reference_features), as_features(candidate_features)
    check_splits(splits or {}, set(labeled_set.reference_ids))
    done = label_table(
        rows, name, labeled_set, references, candidates, settings, splits=splits or {}, reporter=reporter
    )
    inputs = {
        "reference_features": digest_array(references.matrix, references.require_ids()),
        "candidate_features": digest_array(candidates.matrix, candidates.require_ids()),
        "rows": digest_table(rows),
    }
    config = label_config(chosen_types, chosen_levels, seed, settings)
    facts = {"label_scale": labeled_set.scale.as_json(), **where_pixels_lie(read_provenance(rows))}
    labeled = attach(done, make_provenance("label", config, inputs, **facts))
    return with_home(validate(labeled, training=True), home_of(rows))


def label_table(
    rows: pa.Table,
    name: str,
    labels: Labels,
    references: Features,
    candidates: Features,
    settings: LabelSettings,
    *,
    splits: Mapping[str, str],
    reporter: Reporter,
) -> pa.Table:
    """Label the ok rows of a table.

    Args:
        rows: Manifest rows of new references.
        name: What they are, for messages.
        labels: The labeled set.
        references: Features of its references, with ids.
        candidates: Features of the references of the rows, with ids.
        settings: How to label, and whose labels to take.
        splits: Split of each labeled reference that is not for training.
        reporter: Told whose labels are not taken.

    Returns:
        The rows in their order, without those whose label is too uncertain. Rows whose status is not `ok` stay as they
        are.

    Raises:
        CurateError: Inputs that do not fit each other, lost metadata, nothing to label, or no label is certain enough.
    """
    refuse_lost_recipes(rows)
    require_same_references(references, labels)
    check_rows(candidates.matrix, candidates.require_ids(), candidates.source)
    usable = ok_rows(rows)
    if not len(usable):
        raise CurateError(f"{name} has no row to label")
    new = features_of_references(candidates, list(dict.fromkeys(usable["reference_id"].to_pylist())))
    lenders = without_held_out(references, splits, settings, reporter)
    done = label_rows(usable, new, lenders, labels, make_labeler(settings.labeler, settings.neighbors))
    return mark_held_out(_in_order_of(rows, drop_uncertain(done, settings.max_label_std)), splits)


def selected_rows(selection: pa.Table, types: tuple[int, ...], levels: tuple[int, ...], seed: int) -> pa.Table:
    """Lay out recipe rows of the candidates that a selection kept: types x levels.

    Args:
        selection: What `select` gave.
        types: Distortion ids.
        levels: Levels of every type.
        seed: Seed of the rows.
    """
    grid = RecipeGrid(
        types=types,
        levels=levels,
        seed=seed,
        reference_root=CANDIDATES,
        image_root=RENDERED,
        suffix=".png",
        dataset=CANDIDATES,
    )
    rows = recipe_rows([Reference(identifier, path) for identifier, path in kept_rows(selection)], grid)
    roots = {CANDIDATES: None, RENDERED: None}
    return attach(rows, {"roots": roots, "pixels": "recipe", "denoiser": digest_weights()})


def label_config(types: tuple[int, ...], levels: tuple[int, ...], seed: int, settings: LabelSettings) -> dict[str, Any]:
    """Return what the provenance says of how rows were labeled."""
    return {"types": list(types), "levels": list(levels), "seed": seed, **settings.as_json()}


def where_pixels_lie(provenance: dict[str, Any]) -> dict[str, Any]:
    """Return what labeled rows take over from the provenance of the rows before: roots, and what decides pixels."""
    return {"roots": provenance.get("roots"), **recorded_pixel_facts(provenance)}


def _in_order_of(rows: pa.Table, labeled: pa.Table) -> pa.Table:
    """Put labeled rows back among those that could not be labeled, in the order of `rows`."""
    rest = rows.filter(pc.not_equal(rows["status"], "ok"))
    joined = pa.concat_tables([labeled, rest]).combine_chunks()
    places = pc.index_in(rows["sample_id"], joined["sample_id"].combine_chunks())
    return joined.take(places.drop_null())
