"""Stage `label`: from selected references, or rows of a manifest, to labeled rows."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...distortions.numerics.denoising.weights import newest_digest
from ..datasets.feature_files import as_features
from ..datasets.features import Features, alike
from ..datasets.labels import Labels, read_labels
from ..datasets.type_lists import parse_levels, parse_types
from ..errors import CurateError
from ..manifest.manifest import read_manifest, validate
from ..manifest.pixel_facts import USER_TYPES, recorded_pixel_facts
from ..manifest.provenance import attach, digest_array, digest_table, make_provenance, read_provenance
from ..manifest.recipes import RecipeGrid, Reference, recipe_rows
from ..manifest.renderers.user_types import record_user_types
from ..manifest.roots import CANDIDATES, RENDERED, home_of, with_home
from ..manifest.selection import kept_rows, read_selection
from ..manifest.splits import check_splits, held_out_of, mark_held_out
from ..runs.progress import SILENT, Reporter
from ..similarity import check_rows
from ..whole_numbers import whole_number
from .calibrated.label_table import label_table_by_calibration
from .conditions.shipped import ShippedConditions, label_by_conditions, read_conditions
from .held_out import without_held_out
from .label_matrix import require_same_references
from .label_rows import drop_uncertain, features_of_references, label_rows
from .make_labeler import make_labeler
from .rows_to_label import in_order_of, rows_to_label
from .settings import LABELED_LEVELS, SEED, ConditionsName, LabelerName, LabelSettings, NeighborSettings, NeighborsFrom


def label(
    labels: Labels | Path | str | None = None,
    reference_features: Features | pa.Table | Path | str | None = None,
    candidate_features: Features | pa.Table | Path | str | None = None,
    *,
    conditions: ConditionsName | None = LabelSettings.conditions,
    selection: pa.Table | Path | str | None = None,
    manifest: pa.Table | Path | str | None = None,
    fit_on: pa.Table | Path | str | None = None,
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
    """Label new references by their neighbors, by the human mean of each type and level, or by a calibrated map.

    No pixels are looked at or made, but for the labeler `calibrated`.

    Args:
        labels: The labeled set, or a label file with KADID-10k's columns (others: `read_labels`).
        reference_features: Features of its references, with ids: a file, `Features`, or a table as `encode` gives it.
            The labeler `condition` looks at none: there they may be left out.
        candidate_features: Features of the references to label, likewise.
        conditions: `kadid10k`: in place of the three, the mean human label of each type and level, which ships with the
            package.
        selection: What `select` gave, or its file: rows are laid out for types x levels.
        manifest: Rows to label, or their file; exactly one of the two.
        fit_on: For the labeler `calibrated`: a manifest of single distortions with labels from people or by condition,
            or its file. `labels` and features are left out then; `label_scale` is that of this manifest.
        types: For a selection, as `--types` takes them; rows of a manifest have theirs.
        levels: For a selection, likewise.
        neighbors: How `knn` labels are made.
        labeler: `knn` (Algorithm 2), `gp`, `condition`: the mean of each type and level over the labeled references, or
            `calibrated`: a map from full-reference measures, which labels chains and the camera family, too.
        max_label_std: Leave out rows whose label is less certain, on [0, 10].
        splits: Split of each labeled reference that is not for training; rows of these references get it, too. With
            `conditions`: of each reference of the rows; with `calibrated`: of those of `fit_on`, too.
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
        conditions=conditions,
    )
    chosen_types, chosen_levels, seed = parse_types(types), parse_levels(levels), whole_number("seed", seed)
    if selection is not None and manifest is None:
        kept = selection if isinstance(selection, pa.Table) else read_selection(Path(selection))
        rows, name = selected_rows(kept, chosen_types, chosen_levels, seed), "the selection"
    elif manifest is not None and selection is None:
        rows, name = validate(manifest) if isinstance(manifest, pa.Table) else read_manifest(manifest), "the manifest"
    else:
        raise CurateError("give what to label in one way: selection or manifest")
    given = {"reference_features": reference_features, "candidate_features": candidate_features}
    features = {role: as_features(found) for role, found in given.items() if found is not None}
    inputs = {role: digest_array(found.matrix, found.require_ids()) for role, found in features.items()}
    inputs["rows"] = digest_table(rows)
    more: dict[str, Any] = {}
    if (settings.labeler == "calibrated") != (fit_on is not None):
        raise CurateError(f"labeler is {settings.labeler!r}: fit_on goes with calibrated, which needs it")
    if fit_on is not None:
        if labels is not None or features or manifest is None:
            raise CurateError("calibrated labels rows with pixels: give manifest and fit_on, no labels and no features")
        fit = validate(fit_on) if isinstance(fit_on, pa.Table) else read_manifest(fit_on)
        check_splits(splits or {}, {*rows["reference_id"].to_pylist(), *fit["reference_id"].to_pylist()})
        inputs["fit_on"] = digest_table(fit)
        done, calibration = label_table_by_calibration(
            rows,
            _place_of(rows),
            name,
            fit=fit,
            fit_place=_place_of(fit),
            fit_name="fit_on",
            settings=settings,
            splits=splits or {},
            reporter=reporter,
        )
        scale = calibration.scale
        more["calibration"] = calibration.as_json()
    elif settings.conditions is not None:
        if labels is not None or features:
            raise CurateError("conditions are labels without a labeled set: leave out the labels and all features")
        check_splits(splits or {}, set(rows["reference_id"].to_pylist()))
        shipped = read_conditions(settings.conditions)
        inputs["conditions"], scale = shipped.digest, shipped.scale
        done = label_table_by_conditions(rows, name, shipped, settings, splits=splits or {}, reporter=reporter)
    elif labels is None:
        raise CurateError("give the labels: a labeled set, a label file, or conditions='kadid10k'")
    else:
        labeled_set = labels if isinstance(labels, Labels) else read_labels(labels)
        check_splits(splits or {}, set(labeled_set.reference_ids))
        scale, (references, candidates) = labeled_set.scale, map(features.get, given)
        done = label_table(
            rows, name, labeled_set, references, candidates, settings, splits=splits or {}, reporter=reporter
        )
    grid = (chosen_types, chosen_levels, seed) if selection is not None else None
    config = {**label_config(settings, grid), **more}
    facts = {"label_scale": scale.as_json(), **where_pixels_lie(read_provenance(rows))}
    labeled = attach(done, make_provenance("label", config, inputs, **facts))
    return with_home(validate(labeled, training=True), home_of(rows))


def label_table(
    rows: pa.Table,
    name: str,
    labels: Labels,
    references: Features | None,
    candidates: Features | None,
    settings: LabelSettings,
    *,
    splits: Mapping[str, str],
    reporter: Reporter,
) -> pa.Table:
    """Label the ok rows of a table from a labeled set.

    Args:
        rows: Manifest rows of new references.
        name: What they are, for messages.
        labels: The labeled set.
        references: Features of its references, with ids; None for a labeler that looks at no content.
        candidates: Features of the references of the rows, with ids; None as above.
        settings: How to label, and whose labels to take.
        splits: Split of each labeled reference that is not for training.
        reporter: Told whose labels are not taken.

    Returns:
        The rows in their order, without those whose label is too uncertain. Rows whose status is not `ok`, and those
        with a label from people, stay as they are.

    Raises:
        CurateError: Inputs that do not fit each other, features that the labeler needs are missing, lost metadata,
            nothing to label, or no label is certain enough.
    """
    usable = rows_to_label(rows, name, labels.scale, reporter)
    if references is None:
        references = _without_content(labels.references(), "the labels", settings)
    require_same_references(references, labels)
    wanted = list(dict.fromkeys(usable["reference_id"].to_pylist()))
    if candidates is None:
        candidates = _without_content(wanted, name, settings)
    check_rows(candidates.matrix, candidates.require_ids(), candidates.source)
    new = features_of_references(candidates, wanted)
    label_references = without_held_out(references, {**held_out_of(rows), **splits}, settings, reporter)
    done = label_rows(usable, new, label_references, labels, make_labeler(settings.labeler, settings.neighbors))
    return mark_held_out(in_order_of(rows, drop_uncertain(done, settings.max_label_std)), splits)


def label_table_by_conditions(
    rows: pa.Table,
    name: str,
    shipped: ShippedConditions,
    settings: LabelSettings,
    *,
    splits: Mapping[str, str],
    reporter: Reporter,
) -> pa.Table:
    """Label the ok rows of a table by the mean of their type and level.

    Args:
        rows: Manifest rows.
        name: What they are, for messages.
        shipped: The means.
        settings: The bound on `label_std`.
        splits: Split of each reference of the rows that is not for training.
        reporter: Told which rows keep their labels.

    Returns:
        See `label_table`.

    Raises:
        CurateError: Lost metadata, nothing to label, a type or level without a mean, or no label is certain enough.
    """
    done = label_by_conditions(rows_to_label(rows, name, shipped.scale, reporter), shipped)
    return mark_held_out(in_order_of(rows, drop_uncertain(done, settings.max_label_std)), splits)


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
    registered = record_user_types(types)
    facts = {} if registered is None else {USER_TYPES: registered}
    return attach(rows, {"roots": roots, "pixels": "recipe", "denoiser": newest_digest(), **facts})


def label_config(settings: LabelSettings, grid: tuple[tuple[int, ...], tuple[int, ...], int] | None) -> dict[str, Any]:
    """Return the entry in the provenance for how rows were labeled.

    Args:
        settings: How they were.
        grid: Types, levels and seed of rows laid out for a selection; None for rows of a manifest, which had theirs.
    """
    laid_out: dict[str, Any] = {}
    if grid is not None:
        types, levels, seed = grid
        laid_out = {"types": list(types), "levels": list(levels), "seed": seed}
    return {**laid_out, **settings.as_json()}


def where_pixels_lie(provenance: dict[str, Any]) -> dict[str, Any]:
    """Return what labeled rows take over from the provenance of the rows before: roots, and what decides pixels."""
    return {"roots": provenance.get("roots"), **recorded_pixel_facts(provenance)}


def _place_of(table: pa.Table) -> Path:
    return (home_of(table) or Path()) / "manifest.parquet"


def _without_content(ids: Sequence[str], source: str, settings: LabelSettings) -> Features:
    if settings.needs_features:
        raise CurateError(
            f"the labeler {settings.labeler} compares contents: give the features of the labeled references and of "
            "those to label (condition takes none)"
        )
    return alike(ids, source)
