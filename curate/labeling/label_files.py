"""The command `label`: from files to a manifest of pseudo-labeled rows."""

from pathlib import Path
from typing import Any

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
from ..storage.atomic import refuse_overwriting
from .label import label_config, label_table, selected_rows, where_pixels_lie
from .settings import SEED, LabelSettings


def run_label(
    label_file: LabelFile,
    reference_features: Path,
    candidate_features: Path,
    out: Path,
    *,
    selection: Path | None = None,
    manifest: Path | None = None,
    types: tuple[int, ...],
    levels: tuple[int, ...],
    settings: LabelSettings | None = None,
    split_file: Path | None = None,
    seed: int = SEED,
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Label the selected candidates, or the rows of a manifest, and write the result.

    Args:
        label_file: The labeled set.
        reference_features: Features of its references.
        candidate_features: Features of the references to label.
        out: The manifest to write.
        selection: What `select` wrote: rows are laid out for types x levels.
        manifest: Rows to label (e.g. from `distort`); exactly one of the two.
        types: For a selection.
        levels: For a selection.
        settings: How to label; None: the defaults.
        split_file: Held-out references.
        seed: Seed of the rows laid out.
        reporter: Told whose labels are not taken, and what looks wrong in the label file.

    Returns:
        `references, rows, rows_too_uncertain, rows_not_ok, out`.

    Raises:
        CurateError: Inputs that do not fit each other.
    """
    if (selection is None) == (manifest is None):
        raise CurateError("give what to label in one way: --selection FILE or --manifest FILE")
    refuse_overwriting(out, selection, manifest, reference_features, candidate_features, label_file.path, split_file)
    settings = settings or LabelSettings()
    labels = label_file.read(reporter)
    splits = {} if split_file is None else read_splits(split_file, labels.reference_of())
    references, candidates = load_features(reference_features), load_features(candidate_features)
    if selection is not None:
        rows, name = selected_rows(read_selection(selection), types, levels, seed), str(selection)
    elif manifest is not None:
        rows, name = rebase(read_manifest(manifest), manifest, out), str(manifest)
    labeled = label_table(rows, name, labels, references, candidates, settings, splits=splits, reporter=reporter)
    inputs = {
        "labels": digest_file(label_file.path),
        "reference_features": digest_features(reference_features),
        "candidate_features": digest_features(candidate_features),
        "rows": digest_file(selection or manifest or out),
        **({} if split_file is None else {"splits": digest_file(split_file)}),
    }
    config = label_config(types, levels, seed, settings)
    facts = {"label_scale": labels.scale.as_json(), **where_pixels_lie(read_provenance(rows))}
    write_manifest(attach(labeled, make_provenance("label", config, inputs, **facts)), out, training=True)
    usable = ok_rows(labeled)
    return {
        "references": len(set(usable["reference_id"].to_pylist())),
        "rows": len(labeled),
        "rows_too_uncertain": len(rows) - len(labeled),
        "rows_not_ok": len(labeled) - len(usable),
        "out": str(out),
    }
