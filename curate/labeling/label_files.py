"""The command `label`: from files to a manifest of pseudo-labeled rows."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from ..datasets.feature_files import load_features
from ..datasets.feature_parts import digest_features
from ..datasets.labels import LabelFile
from ..errors import CurateError
from ..manifest.manifest import ok_rows, read_manifest, write_manifest
from ..manifest.provenance import attach, digest_file, make_provenance, read_provenance
from ..manifest.roots import rebase
from ..manifest.selection import read_selection
from ..manifest.splits import read_splits
from ..runs.progress import SILENT, Reporter
from ..storage.atomic import refuse_overwriting, require_parquet_name
from .calibrated.calibration import Calibration
from .calibrated.label_table import label_table_by_calibration
from .conditions.shipped import read_conditions
from .label import (
    label_config,
    label_table,
    label_table_by_conditions,
    selected_rows,
    where_pixels_lie,
)
from .settings import SEED, LabelSettings


def run_label(
    label_file: LabelFile | None,
    reference_features: Path | None,
    candidate_features: Path | None,
    out: Path,
    *,
    selection: Path | None = None,
    manifest: Path | None = None,
    fit_on: Path | None = None,
    types: tuple[int, ...],
    levels: tuple[int, ...],
    settings: LabelSettings | None = None,
    split_file: Path | None = None,
    seed: int = SEED,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Label the selected candidates, or the rows of a manifest, and write the result.

    Args:
        label_file: The labeled set; None where the settings name conditions or the labeler calibrated.
        reference_features: Features of its references; None for a labeler that looks at no content.
        candidate_features: Features of the references to label; None as above.
        out: The manifest to write.
        selection: What `select` wrote: rows are laid out for types x levels.
        manifest: Rows to label (e.g. from `distort`); exactly one of the two.
        fit_on: For the labeler calibrated: a manifest of labeled single distortions.
        types: For a selection.
        levels: For a selection.
        settings: How to label; None: the defaults.
        split_file: Held-out references: of the labeled set, or with conditions of the rows; with calibrated of the
            rows and of `fit_on`.
        seed: Seed of the rows laid out.
        reporter: Told whose labels are not taken, and what looks wrong in the label file.

    Returns:
        `references, rows, rows_too_uncertain, rows_not_ok, out`; with the labeler calibrated also
        `fit_rows, mae_unseen_references, mae_unseen_types, mae_unseen_families, mae_mdsi, coverage`.

    Raises:
        CurateError: Inputs that do not fit each other.
    """
    if (selection is None) == (manifest is None):
        raise CurateError("give what to label in one way: --selection FILE or --manifest FILE")
    settings = settings or LabelSettings()
    if (settings.labeler == "calibrated") != (fit_on is not None):
        raise CurateError(
            f"the labeler is {settings.labeler}: --fit-on MANIFEST goes with --labeler calibrated, which needs it"
        )
    if fit_on is not None and manifest is None:
        raise CurateError("--labeler calibrated compares pixels, and a selection has none: give --manifest FILE")
    files = {"reference_features": reference_features, "candidate_features": candidate_features}
    features = {role: path for role, path in files.items() if path is not None}
    label_path = None if label_file is None else label_file.path
    refuse_overwriting(out, selection, manifest, *features.values(), label_path, split_file, fit_on)
    require_parquet_name(out)
    if selection is not None:
        rows, name = selected_rows(read_selection(selection), types, levels, seed), str(selection)
    elif manifest is not None:
        rows, name = rebase(read_manifest(manifest), manifest, out), str(manifest)
    inputs = {role: digest_features(path) for role, path in features.items()}
    inputs["rows"] = digest_file(selection or manifest or out)
    if split_file is not None:
        inputs["splits"] = digest_file(split_file)
    facts = where_pixels_lie(read_provenance(rows))
    more: dict[str, Any] = {}
    misses: dict[str, Any] = {}
    if fit_on is not None:
        labeled, calibration = _label_calibrated(rows, name, out, fit_on, settings, split_file, reporter)
        inputs["fit_on"], scale = digest_file(fit_on), calibration.scale
        more["calibration"], misses = calibration.as_json(), calibration.errors.as_summary()
    elif settings.conditions is not None:
        shipped = read_conditions(settings.conditions)
        reference_of = dict(zip(rows["sample_id"].to_pylist(), rows["reference_id"].to_pylist(), strict=True))
        splits = {} if split_file is None else read_splits(split_file, reference_of)
        labeled = label_table_by_conditions(rows, name, shipped, settings, splits=splits, reporter=reporter)
        inputs["conditions"], scale = shipped.digest, shipped.scale
    elif label_file is None:
        raise CurateError("give the labels: --labels FILE, or --conditions kadid10k")
    else:
        labels = label_file.read(reporter)
        splits = {} if split_file is None else read_splits(split_file, labels.reference_of())
        found = {role: load_features(path) for role, path in features.items()}
        references, candidates = map(found.get, files)
        labeled = label_table(rows, name, labels, references, candidates, settings, splits=splits, reporter=reporter)
        inputs["labels"], scale = digest_file(label_file.path), labels.scale
    grid = (types, levels, seed) if selection is not None else None
    config = {**label_config(settings, grid), **more}
    provenance = make_provenance("label", config, inputs, label_scale=scale.as_json(), **facts)
    write_manifest(attach(labeled, provenance), out, training=True)
    usable = ok_rows(labeled)
    return {
        "references": len(set(usable["reference_id"].to_pylist())),
        "rows": len(labeled),
        "rows_too_uncertain": len(rows) - len(labeled),
        "rows_not_ok": len(labeled) - len(usable),
        "out": str(out),
        **misses,
    }


def _label_calibrated(
    rows: pa.Table,
    name: str,
    out: Path,
    fit_on: Path,
    settings: LabelSettings,
    split_file: Path | None,
    reporter: Reporter,
) -> tuple[pa.Table, Calibration]:
    """Fit a map to a manifest and label rows, whose roots are relative to `out`, by it."""
    fit = read_manifest(fit_on)
    reference_of = {
        sample: reference
        for table in (fit, rows)
        for sample, reference in zip(table["sample_id"].to_pylist(), table["reference_id"].to_pylist(), strict=True)
    }
    splits = {} if split_file is None else read_splits(split_file, reference_of)
    return label_table_by_calibration(
        rows,
        out,
        name,
        fit=fit,
        fit_place=fit_on,
        fit_name=str(fit_on),
        settings=settings,
        splits=splits,
        reporter=reporter,
    )
