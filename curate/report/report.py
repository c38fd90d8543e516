"""The report: one HTML page about what the toolkit did to a set of images."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..manifest.id_mismatch import explain_mismatch
from ..manifest.provenance import library_versions
from ..runs.progress import SILENT, Reporter
from ..storage.atomic import write_bytes
from .clusters import (
    Clusters,
    clusters_from_dropped,
    find_left_out,
    largest_clusters,
    left_out,
    read_clusters,
    size_figures,
    with_left_out,
)
from .coordinates import Layout, coordinates_file, save_layouts
from .maps import REFERENCES, SAMPLES, drawn_rows, features_by_id, lay_out, sample_matrix
from .mixes_and_domains import mix_figures
from .page import WEBGL_FROM, build_page, json_inside_script, plotly_script
from .payload import gallery_entries, provenance_entries, reference_columns, sample_columns
from .pictures import wanted_pictures
from .references import (
    MAX_POINTS,
    ORIGINAL,
    ReferencePoint,
    candidate_points,
    limited,
    neighbor_cards,
    reference_matrix,
    selection_bounds,
)
from .request import Inputs, ReportManifest, ReportRequest, read_inputs
from .rows import (
    CAME,
    HELD_OUT,
    LEFT,
    STAYED,
    UNUSABLE,
    count_cells,
    count_states,
    describe_manifest,
    joined_rows,
    source_names,
    type_names,
)
from .thumbnails import make_thumbnails, picture_budget


@dataclass(frozen=True)
class _Maps:
    """The rows and references that are drawn one by one, and where."""

    rows: pd.DataFrame
    samples: Layout | None
    points: list[ReferencePoint]
    references: Layout | None


def run_report(request: ReportRequest, reporter: Reporter = SILENT) -> dict[str, Any]:
    """Write a report, and the coordinates of its maps beside it.

    Args:
        request: What to show.
        reporter: Shows progress.

    Returns:
        `rows_before, rows_after, rows_left, rows_came, references, candidates, pictures, projection, bytes, missing,
        coordinates, out`.

    Raises:
        CurateError: plotly is not installed, or an input cannot be used; nothing is written then.
    """
    plotly = plotly_script()
    inputs = read_inputs(request)
    payload, layouts = make_payload(inputs, request, reporter)
    content = build_page(payload, plotly=plotly).encode()
    saved = coordinates_file(request.out)
    if layouts:
        save_layouts(layouts, saved)
    write_bytes(request.out, content)
    for note in payload["missing"].values():
        reporter.note(note)
    states = payload["states"]
    return {
        "rows_before": payload["manifests"][0]["rows"],
        "rows_after": payload["manifests"][-1]["rows"],
        "rows_left": states[LEFT],
        "rows_came": states[CAME],
        "points": {layout.name: len(layout.ids) for layout in layouts},
        "projection": {layout.name: layout.method for layout in layouts},
        "pictures": len(payload["pictures"]["data"]),
        "bytes": len(content),
        "missing": list(payload["missing"]),
        "coordinates": str(saved) if layouts else None,
        "out": str(request.out),
    }


def make_payload(
    inputs: Inputs, request: ReportRequest, reporter: Reporter = SILENT
) -> tuple[dict[str, Any], list[Layout]]:
    """Work out everything the page shows.

    Returns:
        JSON values, and the maps' coordinates.

    Raises:
        CurateError: The inputs do not fit each other.
    """
    before, after = inputs.before, inputs.after
    frame = joined_rows(before.table, None if after is None else after.table)
    if after is not None:
        _note_strangers(before, after, reporter)
    sources = source_names(frame)
    clusters = _clusters(inputs, reporter)
    gallery = [] if clusters is None else largest_clusters(clusters, left_out(frame), seed=request.settings.seed)
    maps = _maps(inputs, frame, request, reporter)
    cards, card_total = neighbor_cards(before.table if after is None else _with_pseudo(inputs))
    wanted = wanted_pictures(
        inputs,
        frame,
        maps.rows,
        gallery,
        cards,
        maps.points,
        count=request.settings.pictures,
        seed=request.settings.seed,
    )
    states = count_states(frame)
    payload = {
        "title": _title(inputs),
        "summary": _summary(inputs, states),
        "seed": request.settings.seed,
        "compared": after is not None,
        "manifests": [describe_manifest(s.table, s.name, s.provenance.get("stage")) for s in inputs.chain],
        "states": states,
        "sources": sources,
        "types": {str(kind): name for kind, name in type_names(frame).items()},
        "cells": count_cells(frame, sources),
        "usable": len(frame) - states["unusable"],
        "samples": sample_columns(maps.rows, sources, clusters, _points(maps.samples)),
        "clusters": None if clusters is None else {**size_figures(clusters), "note": clusters.note},
        "gallery": gallery_entries(gallery, frame),
        "references": reference_columns(maps.points, _points(maps.references)),
        "bounds": selection_bounds(inputs.selection),
        "cards": {"shown": cards, "total": card_total},
        "mixes": [mix_figures(manifest.table, manifest.name) for manifest in inputs.mixes],
        "domains": inputs.domains,
        "provenance": provenance_entries(inputs),
        "projection": {layout.name: layout.method for layout in (maps.samples, maps.references) if layout is not None},
        "versions": library_versions(("syndr-curate", "plotly", "umap-learn", "numpy", "pyarrow")),
        "webgl_from": WEBGL_FROM,
        "missing": _missing(inputs, clusters, maps, card_total),
    }
    budget = picture_budget(len(json_inside_script(payload).encode()))
    pictures = make_thumbnails(
        wanted, count=request.settings.pictures, budget=budget, workers=request.workers, reporter=reporter
    )
    payload["pictures"] = {
        "data": dict(pictures.data),
        "missing": dict(pictures.missing),
        "left_out": pictures.left_out,
    }
    return payload, [layout for layout in (maps.samples, maps.references) if layout is not None]


def _note_strangers(before: ReportManifest, after: ReportManifest, reporter: Reporter) -> None:
    """Say so where two manifests have no row in common: then there is nothing to compare."""
    first, last = before.table["sample_id"].to_pylist(), after.table["sample_id"].to_pylist()
    if first and last and set(first).isdisjoint(last):
        reason = explain_mismatch(first, last, wanted_in=before.name, given_in=after.name)
        reporter.note(f"{before.name} and {after.name} have no row in common{reason}")


def _clusters(inputs: Inputs, reporter: Reporter) -> Clusters | None:
    last = inputs.after or inputs.before
    clusters = read_clusters(last.table)
    if clusters is None or inputs.after is None:
        return clusters
    if inputs.dropped is not None:
        return with_left_out(clusters, clusters_from_dropped(inputs.dropped, inputs.before.table))
    if inputs.features is None:
        return clusters
    return find_left_out(clusters, inputs.before.table, inputs.after.table, inputs.features, reporter)


def _maps(inputs: Inputs, frame: pd.DataFrame, request: ReportRequest, reporter: Reporter) -> _Maps:
    saved = coordinates_file(request.out)
    features = features_by_id(inputs)
    rows = drawn_rows(frame, features, request.settings.max_rows, request.settings.seed)
    samples = None
    if features is not None and len(rows):
        matrix = sample_matrix(rows, features)
        ids = rows["sample_id"].tolist()
        samples = lay_out(
            SAMPLES,
            ids,
            matrix,
            method=request.settings.projection,
            seed=request.settings.seed,
            saved=saved,
            reporter=reporter,
        )
    points = _reference_points(inputs, frame, request.settings.seed)
    located, reference_features = reference_matrix(points, inputs.references, inputs.candidates)
    references = None
    if reference_features is not None:
        ids = [point.id for point in located]
        references = lay_out(
            REFERENCES,
            [f"{point.role}:{point.id}" for point in located],
            reference_features,
            method=request.settings.projection,
            seed=request.settings.seed,
            saved=saved,
            reporter=reporter,
        )
        points = located
    return _Maps(rows, samples, points, references)


def _reference_points(inputs: Inputs, frame: pd.DataFrame, seed: int) -> list[ReferencePoint]:
    originals = [] if inputs.references is None else list(inputs.references.require_ids())
    named = {name for name in frame["reference_id"] if isinstance(name, str)}
    candidates = candidate_points(inputs.selection, inputs.candidates, named)
    return limited([*(ReferencePoint(name, ORIGINAL) for name in originals), *candidates], MAX_POINTS, seed)


def _with_pseudo(inputs: Inputs) -> Any:
    """Return the first manifest that has pseudo-labels, the last where none has."""
    for manifest in inputs.chain:
        if "pseudo" in manifest.table["label_source"].cast("string").unique().to_pylist():
            return manifest.table
    return inputs.chain[-1].table


def _points(layout: Layout | None) -> NDArray[np.float32] | None:
    return None if layout is None else layout.points


def _title(inputs: Inputs) -> str:
    names = [manifest.name for manifest in inputs.chain]
    return names[0] if len(names) == 1 else f"{names[0]} → {names[-1]}"


def _summary(inputs: Inputs, states: dict[str, int]) -> str:
    if inputs.after is None:
        return f"{states[STAYED]:,} usable rows of {inputs.before.name}."
    said = {LEFT: "were left out", CAME: "came in", HELD_OUT: "are held out for validation or test"}
    said[UNUSABLE] = "could not be used"
    parts = [f"{states[STAYED]:,} rows stayed"]
    parts += [f"{states[state]:,} {words}" for state, words in said.items() if states[state] or state == LEFT]
    return f"From {inputs.before.name} to {inputs.after.name}: " + ", ".join(parts) + "."


def _missing(inputs: Inputs, clusters: Clusters | None, maps: _Maps, cards: int) -> dict[str, str]:
    """Say plainly what the page cannot show, and what would bring it."""
    notes = {}
    if inputs.after is None and not inputs.mixes:
        notes["after"] = "Only one manifest was given, so nothing is compared: give a second one, after the first."
    if maps.samples is None:
        notes["samples"] = "No map of samples: give --features FILE, the features of the first manifest's rows."
    if maps.references is None:
        notes["references"] = (
            "No map of references: give --reference-features FILE and --candidate-features FILE "
            "(upsample writes both beside its manifest)."
        )
    elif inputs.candidates is None:
        notes["references"] = "No candidates on the map: give --candidate-features FILE."
    if inputs.selection is None:
        notes["selection"] = (
            "Why candidates were dropped is not known: give --selection FILE, from syndr-curate select or upsample."
        )
    if clusters is None:
        notes["clusters"] = "No clusters: give a manifest that syndr-curate downsample wrote as the last one."
    elif inputs.after is not None and not _left_known(clusters, maps.rows):
        reason = clusters.note or "give --features FILE, or --dropped FILE, which downsample --dropped writes"
        notes["left_out"] = f"Which clusters the rows left out were in is not known: {reason}."
    if not cards:
        notes["cards"] = "No row has a pseudo-label: syndr-curate upsample and label make them."
    return notes


def _left_known(clusters: Clusters, rows: pd.DataFrame) -> bool:
    left = rows["sample_id"][rows["state"] == LEFT]
    return not len(left) or bool(left.isin(list(clusters.of_row)).any())
