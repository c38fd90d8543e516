"""The command `label`: from files to a manifest of pseudo-labelled rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..datasets.feature_files import load_features
from ..datasets.features import Features
from ..datasets.labels import LabelFile
from ..errors import CurateError
from ..manifest.ids import list_ids
from ..manifest.manifest import ok_rows, read_manifest, write_manifest
from ..manifest.provenance import attach, digest_file, make_provenance, read_provenance
from ..manifest.recipes import Plan, Reference, recipe_rows
from ..manifest.roots import CANDIDATES, RENDERED, rebase
from ..manifest.selection import kept_rows, read_selection
from ..similarity import check_rows
from ..storage.atomic import refuse_overwriting
from .gp_rows import drop_uncertain, label_rows_by_gp
from .knn import LabelerName, NeighborSettings, find_neighbors, label_rows, require_same_references


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
    settings: NeighborSettings | None = None,
    labeler: LabelerName = "knn",
    max_label_std: float | None = None,
    seed: int = 123,
) -> dict[str, Any]:
    """Label the selected candidates, or the rows of a manifest, and write the result.

    Args:
        label_file: The labelled set.
        reference_features: Features of its references.
        candidate_features: Features of the references to label.
        out: The manifest to write.
        selection: What `select` wrote: rows are laid out for types x levels.
        manifest: Rows to label (e.g. from `distort`); exactly one of the two.
        types: For a selection.
        levels: For a selection.
        settings: Neighbours and weights, for `knn`.
        labeler: `knn` (Algorithm 2) or `gp`.
        max_label_std: Leave out rows whose label is less certain.
        seed: Seed of the rows laid out.

    Returns:
        `references, rows, rows_too_uncertain, rows_not_ok, out`.

    Raises:
        CurateError: Inputs that do not fit each other.
    """
    if (selection is None) == (manifest is None):
        raise CurateError("give what to label in one way: --selection FILE or --manifest FILE")
    refuse_overwriting(out, selection, manifest, reference_features, candidate_features, label_file.path)
    settings = settings or NeighborSettings()
    labels = label_file.read()
    references, candidates = load_features(reference_features), load_features(candidate_features)
    require_same_references(references, labels)
    check_rows(candidates.matrix, candidates.require_ids(), candidates.source)
    before: dict[str, Any] = {"roots": {CANDIDATES: None, RENDERED: None}, "pixels": "recipe"}
    if selection is not None:
        rows = _selected_rows(selection, types, levels, seed)
    elif manifest is not None:
        table = read_manifest(manifest)
        before = read_provenance(rebase(table, manifest, out))
        rows = table
    usable = ok_rows(rows)
    if not len(usable):
        raise CurateError(f"{manifest or selection} has no row to label")
    ids, matrix = _features_of(usable, candidates)
    if labeler == "gp":
        done = label_rows_by_gp(usable, ids, matrix, references, labels)
    else:
        found = find_neighbors(matrix, references, settings)
        done = label_rows(usable, dict(zip(ids, found, strict=True)), labels)
    kept = drop_uncertain(done, max_label_std)
    labelled = _in_order_of(rows, kept)
    config = {
        "types": list(types),
        "levels": list(levels),
        "seed": seed,
        "labeler": labeler,
        "neighbors": vars(settings),
        "max_label_std": max_label_std,
    }
    inputs = {
        "labels": digest_file(label_file.path),
        "reference_features": digest_file(reference_features),
        "candidate_features": digest_file(candidate_features),
        "rows": digest_file(selection or manifest or out),
    }
    facts = {key: before.get(key) for key in ("roots", "pixels", "exif_orient")}
    provenance = make_provenance("label", config, inputs, label_scale=labels.scale.as_json(), **facts)
    write_manifest(attach(labelled, provenance), out, training=True)
    references_labelled = len(set(kept["reference_id"].to_pylist()))
    return {
        "references": references_labelled,
        "rows": len(labelled),
        "rows_too_uncertain": len(done) - len(kept),
        "rows_not_ok": len(labelled) - len(kept),
        "out": str(out),
    }


def _selected_rows(path: Path, types: tuple[int, ...], levels: tuple[int, ...], seed: int) -> pa.Table:
    kept = kept_rows(read_selection(path))
    plan = Plan(types, levels, seed, CANDIDATES, RENDERED, ".png", CANDIDATES)
    return recipe_rows([Reference(identifier, name) for identifier, name in kept], plan)


def _in_order_of(rows: pa.Table, labelled: pa.Table) -> pa.Table:
    """Put labelled rows back among those that could not be labelled, in the order of `rows`."""
    rest = rows.filter(pc.not_equal(rows["status"], "ok"))
    joined = pa.concat_tables([labelled, rest]).combine_chunks()
    places = pc.index_in(rows["sample_id"], joined["sample_id"].combine_chunks())
    return joined.take(places.drop_null())


def _features_of(rows: pa.Table, candidates: Features) -> tuple[list[str], NDArray[np.floating[Any]]]:
    wanted: list[str] = list(dict.fromkeys(rows["reference_id"].to_pylist()))
    position = {identifier: row for row, identifier in enumerate(candidates.require_ids())}
    missing = [identifier for identifier in wanted if identifier not in position]
    if missing:
        raise CurateError(f"{candidates.source} has no features for {len(missing)} references: {list_ids(missing)}")
    return wanted, candidates.matrix[np.array([position[identifier] for identifier in wanted], dtype=np.int64)]
