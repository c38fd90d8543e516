"""The command `label`: from files to a manifest of pseudo-labeled rows."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..datasets.feature_files import load_features
from ..datasets.labels import LabelFile
from ..errors import CurateError
from ..manifest.manifest import ok_rows, read_manifest, write_manifest
from ..manifest.provenance import attach, digest_file, make_provenance, read_provenance
from ..manifest.recipes import RecipeGrid, Reference, recipe_rows
from ..manifest.roots import CANDIDATES, RENDERED, rebase
from ..manifest.selection import kept_rows, read_selection
from ..similarity import check_rows
from ..storage.atomic import refuse_overwriting
from .label_matrix import require_same_references
from .label_rows import drop_uncertain, features_of_references, label_rows
from .make_labeler import make_labeler
from .settings import LabelSettings


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
    seed: int = 123,
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
        seed: Seed of the rows laid out.

    Returns:
        `references, rows, rows_too_uncertain, rows_not_ok, out`.

    Raises:
        CurateError: Inputs that do not fit each other.
    """
    if (selection is None) == (manifest is None):
        raise CurateError("give what to label in one way: --selection FILE or --manifest FILE")
    refuse_overwriting(out, selection, manifest, reference_features, candidate_features, label_file.path)
    settings = settings or LabelSettings()
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
    new = features_of_references(candidates, list(dict.fromkeys(usable["reference_id"].to_pylist())))
    done = label_rows(usable, new, references, labels, make_labeler(settings.labeler, settings.neighbors))
    kept = drop_uncertain(done, settings.max_label_std)
    labeled = _in_order_of(rows, kept)
    config = {"types": list(types), "levels": list(levels), "seed": seed, **settings.as_json()}
    inputs = {
        "labels": digest_file(label_file.path),
        "reference_features": digest_file(reference_features),
        "candidate_features": digest_file(candidate_features),
        "rows": digest_file(selection or manifest or out),
    }
    facts = {key: before.get(key) for key in ("roots", "pixels", "exif_orient")}
    provenance = make_provenance("label", config, inputs, label_scale=labels.scale.as_json(), **facts)
    write_manifest(attach(labeled, provenance), out, training=True)
    references_labeled = len(set(kept["reference_id"].to_pylist()))
    return {
        "references": references_labeled,
        "rows": len(labeled),
        "rows_too_uncertain": len(done) - len(kept),
        "rows_not_ok": len(labeled) - len(kept),
        "out": str(out),
    }


def _selected_rows(path: Path, types: tuple[int, ...], levels: tuple[int, ...], seed: int) -> pa.Table:
    kept = kept_rows(read_selection(path))
    grid = RecipeGrid(
        types=types,
        levels=levels,
        seed=seed,
        reference_root=CANDIDATES,
        image_root=RENDERED,
        suffix=".png",
        dataset=CANDIDATES,
    )
    return recipe_rows([Reference(identifier, name) for identifier, name in kept], grid)


def _in_order_of(rows: pa.Table, labeled: pa.Table) -> pa.Table:
    """Put labeled rows back among those that could not be labeled, in the order of `rows`."""
    rest = rows.filter(pc.not_equal(rows["status"], "ok"))
    joined = pa.concat_tables([labeled, rest]).combine_chunks()
    places = pc.index_in(rows["sample_id"], joined["sample_id"].combine_chunks())
    return joined.take(places.drop_null())
