"""The command `upsample`: from files and folders to a manifest and its pixels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...distortions.catalog import LEVELS
from ...distortions.numerics.denoising.weights import newest_digest
from ..datasets.image_notes import note_images
from ..datasets.labels import LabelScale
from ..labeling.conditions.shipped import ShippedConditions, label_by_conditions, read_conditions
from ..labeling.label_rows import drop_uncertain
from ..manifest.manifest import ok_rows, read_manifest, write_manifest
from ..manifest.pixel_facts import facts_of_decoding
from ..manifest.provenance import digest_table, make_provenance, read_provenance
from ..manifest.renderers.user_types import record_user_types
from ..manifest.roots import CANDIDATES, Roots
from ..manifest.schema import build_table
from ..manifest.selection import count_statuses, write_selection
from ..manifest.splits import mark_held_out
from ..rendering.mdsi import METRIC
from ..runs.options import run_folder
from ..runs.plan import RunPlan
from ..runs.progress import SILENT, Reporter
from ..runs.shards import carry_out
from ..storage.images import PNG_ENCODING
from ..storage.owned_folder import claim_folder
from ..storage.pixel_store import clean_leftovers
from .forecast import forecast_rendering
from .grids import reference_rows
from .input_folders import InputFolders, open_folders
from .inputs import Contents, UpsampleInputs, read_inputs
from .labeled_set import LabeledSet, measure_references, originals_of, remove_measuring_run
from .manifest_paths import ManifestPaths, manifest_paths, manifest_roots
from .proxy_labels import PROXY_SCALE
from .render_rows import RowsToRender, rows_to_render
from .request import UpsampleRequest, completed
from .rows import join_rows, label_new_rows, new_rows, refuse_shared_ids
from .select import select


def run_upsample(request: UpsampleRequest, reporter: Reporter = SILENT) -> dict[str, Any]:
    """Carry out `upsample` and write its manifest.

    Args:
        request: What to do.
        reporter: Shows progress.

    Returns:
        `references_selected, rows_original, rows_new, rows_total, out` and further figures.

    Raises:
        CurateError: Inputs that are missing or do not fit each other; nothing has been written then but, after the
            check, feature files and pixels.
    """
    request = completed(request)
    folders = open_folders(request)
    skipped = folders.note_skipped(reporter)
    inputs = read_inputs(request, folders, reporter)
    paths = manifest_paths(request, folders, inputs.labels)
    roots = manifest_roots(request, folders, paths)
    new = _new_references(request, inputs.contents, paths, reporter)
    ours = None if inputs.labels is not None else reference_rows(folders.references, request.settings)
    forecast = _forecast(request, new.rows, ours, roots, reporter)
    summary = {**new.summary, **skipped}
    if request.dry_run:
        made = {} if ours is None or request.settings.only_new else {"rows_original": len(ours)}
        return {**summary, **made, "rows_new": len(new.rows), **forecast, "dry_run": True, "out": str(request.out)}
    claim_folder(request.images_folder, request.out, write=not request.recipe_only)
    if request.selection is not None and new.selection is not None:
        write_selection(new.selection, request.selection)
        summary = {**summary, "selection": str(request.selection)}
    planned = new.rows
    if request.conditions is not None and ours is not None:
        refuse_shared_ids(ours["reference_id"].to_pylist(), new.ids)
        planned = new.rows if request.settings.only_new else pa.concat_tables([ours, new.rows])
        labeled = _label_by_conditions(request, read_conditions(request.conditions), planned, inputs.splits)
    elif inputs.labels is not None:
        labeled = _label_by_neighbors(request, inputs, LabeledSet(inputs.labels), new, paths, roots, reporter)
    elif _is_complete(request, _provenance(request, inputs, PROXY_SCALE, roots)):
        reporter.note(f"{request.out} is complete; nothing to do")
        remove_measuring_run(request)
        return {**summary, **_counts(request, planned=planned)}
    else:
        measured = measure_references(request, folders.references, roots, reporter)
        labeled = _label_by_neighbors(request, inputs, measured, new, paths, roots, reporter)
    wanted = rows_to_render(
        labeled.rows, roots, request, layout=request.stored_layout, first_archive=labeled.first_archive
    )
    _render_and_join(request, wanted, labeled.originals, _provenance(request, inputs, labeled.scale, roots), reporter)
    files = _files_read(request, folders, wanted)
    noted = note_images(files, icc=request.decoding.icc, workers=request.workers, reporter=reporter)
    return {**summary, **_counts(request, planned=planned), **noted}


@dataclass(frozen=True)
class _NewReferences:
    """What was selected: ids in candidate order, their rows without labels, and what to say of it."""

    ids: list[str]
    rows: pa.Table
    selection: pa.Table | None
    summary: dict[str, Any]


@dataclass(frozen=True)
class _LabeledRows:
    """The rows of the manifest: originals as they are, rows still to be rendered, and the scale of their labels."""

    originals: pa.Table
    rows: pa.Table
    scale: LabelScale
    first_archive: int = 0


def _new_references(
    request: UpsampleRequest, contents: Contents | None, paths: ManifestPaths, reporter: Reporter
) -> _NewReferences:
    settings = request.settings
    if contents is None:
        nothing = {"references_selected": 0, "candidates": {}, "candidates_unusable": 0}
        return _NewReferences([], build_table({}, 0), None, nothing)
    selection = select(
        contents.references,
        contents.candidates,
        count=settings.candidates,
        max_selected=settings.max_selected,
        seed=settings.seed,
        reporter=reporter,
    )
    rows, chosen = new_rows(selection, contents.candidates, settings, paths)
    counts = count_statuses(selection)
    dropped = ", ".join(f"{number} {status}" for status, number in counts.items() if status != "kept")
    reporter.note(f"{len(chosen)} new references selected ({dropped or 'none dropped'}): {len(rows)} new rows")
    summary = {
        "references_selected": len(chosen),
        "candidates": counts,
        "candidates_unusable": contents.unusable_candidates,
    }
    return _NewReferences(chosen, rows, selection, summary)


def _label_by_conditions(
    request: UpsampleRequest, shipped: ShippedConditions, rows: pa.Table, splits: Mapping[str, str]
) -> _LabeledRows:
    """Label references and new rows alike: a mean needs no neighbors, so all rows are rendered in one run."""
    labeled = drop_uncertain(label_by_conditions(rows, shipped), request.settings.labeling.max_label_std)
    return _LabeledRows(rows.slice(0, 0), mark_held_out(labeled, splits), shipped.scale)


def _label_by_neighbors(
    request: UpsampleRequest,
    inputs: UpsampleInputs,
    labeled: LabeledSet,
    new: _NewReferences,
    paths: ManifestPaths,
    roots: Roots,
    reporter: Reporter,
) -> _LabeledRows:
    rows = new.rows
    if inputs.contents is not None:
        refuse_shared_ids(labeled.labels.reference_ids, new.ids)
        rows = label_new_rows(
            rows,
            new.ids,
            references=inputs.contents.label_references,
            candidates=inputs.contents.candidates,
            labels=labeled.labels,
            settings=request.settings,
        )
    originals = originals_of(request, labeled, paths, splits=inputs.splits, roots=roots, reporter=reporter)
    return _LabeledRows(originals, rows, labeled.labels.scale, labeled.archives)


def _files_read(request: UpsampleRequest, folders: InputFolders, rows: RowsToRender) -> list[Path]:
    """List the images that were encoded, measured or rendered from."""
    encoded = [
        folders.references if request.reference_features is None or request.labels is None else None,
        folders.candidates if request.candidate_features is None else None,
    ]
    files = [source.folder / entry.path for source in encoded if source is not None for entry in source.entries]
    pairs = zip(rows.table["reference_root"].to_pylist(), rows.table["reference_path"].to_pylist(), strict=True)
    return files + [rows.roots.resolve(root, path) for root, path in set(pairs) if rows.roots.has_folder(root)]


def _forecast(
    request: UpsampleRequest, rows: pa.Table, ours: pa.Table | None, roots: Roots, reporter: Reporter
) -> dict[str, int]:
    if request.recipe_only:
        return {}
    # A metric looks at the references' pixels even where `--only-new` leaves their rows out.
    if ours is not None and (request.proxy_labels or not request.settings.only_new):
        rows = pa.concat_tables([rows, ours])
    return forecast_rendering(request, rows, roots, reporter)


def _is_complete(request: UpsampleRequest, provenance: Mapping[str, Any]) -> bool:
    """Return whether the result is there as this run would make it; asked where the labels would be made first."""
    out, mode = request.out, request.run.mode
    if not out.exists() or run_folder(out).exists() or mode.overwrite:
        return False
    table = read_manifest(out)
    if mode.retry_failed and len(ok_rows(table)) < len(table):
        return False
    found = read_provenance(pq.read_schema(out))  # as it was written: an older version's rows are other rows
    found["inputs"].pop("rows", None)
    return found == provenance


def _counts(request: UpsampleRequest, *, planned: pa.Table) -> dict[str, Any]:
    """Count the rows of the result.

    Args:
        request: What was done.
        planned: The rows that were to be labeled.
    """
    table = read_manifest(request.out)
    new = pc.sum(pc.equal(table["reference_root"].cast(pa.string()), CANDIDATES)).as_py() or 0
    labeled = pc.sum(pc.is_in(table["sample_id"], planned["sample_id"].combine_chunks())).as_py() or 0
    return {
        "rows_original": len(table) - new,
        "rows_new": new,
        "rows_too_uncertain": len(planned) - labeled,
        "rows_total": len(table),
        "rows_not_ok": len(table) - len(ok_rows(table)),
        "out": str(request.out),
    }


def _render_and_join(
    request: UpsampleRequest,
    rows: RowsToRender,
    originals: pa.Table,
    provenance: Mapping[str, Any],
    reporter: Reporter,
) -> None:
    """Render what still has no pixels, and write the training manifest when all of it is done."""
    out, only_new = request.out, request.settings.only_new
    facts = {key: provenance[key] for key in ("roots", "pixels")}
    # The rows' own digest: labels and missing files are not to be seen in the settings.
    rows_digest = digest_table(pa.concat_tables([originals, rows.table]))
    identity = {key: value for key, value in provenance.items() if key not in facts}
    identity["inputs"] = {**provenance["inputs"], "rows": rows_digest}

    def join(plan: RunPlan, tables: Iterable[pa.Table]) -> None:
        new = pa.concat_tables([rows.table.slice(0, 0), *tables])
        write_manifest(join_rows(originals, new, plan.provenance(), only_new=only_new), out, training=True)
        clean_leftovers(request.images_folder)

    if not len(rows.table):  # measured references without candidates: there is nothing left to render
        write_manifest(join_rows(originals, rows.table, {**identity, **facts}, only_new=only_new), out, training=True)
        clean_leftovers(request.images_folder)
        remove_measuring_run(request)
        return
    run = request.run
    mode = replace(run.mode, replace_finished=True, replace_unfinished=run.mode.retry_failed)
    carry_out(
        rows.request("render new rows", out, run_folder(out), identity, facts),
        join,
        mode,
        executor=run.executor_for(len(rows.table)),
        reporter=reporter,
    )
    remove_measuring_run(request)


def _provenance(request: UpsampleRequest, inputs: UpsampleInputs, scale: LabelScale, roots: Roots) -> dict[str, Any]:
    config = {**request.settings.as_json(), "recipe_only": request.recipe_only, "ids": request.ids}
    config |= {"layout": request.layout, "max_pixels": request.decoding.max_pixels}
    if not request.recipe_only:
        config["png"] = PNG_ENCODING
    if not request.has_candidates:  # the levels of the settings are those of new rows
        config["levels"] = list(LEVELS)
    if request.proxy_labels:
        config["proxy_metric"] = METRIC
    return make_provenance(
        "upsample",
        config,
        inputs.digests,
        label_scale=scale.as_json(),
        roots=roots.as_json(request.out),
        encoder=inputs.encoders or None,
        pixels="recipe" if request.recipe_only else "stored",
        **facts_of_decoding(request.decoding),
        denoiser=request.decoding.denoiser or newest_digest(),
        user_types=record_user_types(request.settings.types),
    )
