"""What a report shows: everything is worked out here, before the page is put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..datasets.predictions import Predictions
from ..manifest.id_mismatch import explain_mismatch
from ..manifest.ids import list_ids
from ..manifest.provenance import library_versions
from ..runs.progress import SILENT, Reporter
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
from .drawn_maps import Maps, make_maps
from .mixes_and_domains import mix_figures
from .page import WEBGL_FROM, json_inside_script
from .payload import gallery_entries, prediction_entries, provenance_entries, reference_columns, sample_columns
from .pictures import wanted_pictures
from .predictions import PredictionGallery, prediction_gallery
from .references import (
    neighbor_cards,
    selection_bounds,
)
from .request import Inputs, ReportManifest, ReportRequest
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
class Contents:
    """What a report shows.

    Attributes:
        payload: JSON values: everything the page knows.
        maps: The maps.
        types: Names of the distortion types that occur, by id.
    """

    payload: dict[str, Any]
    maps: Maps
    types: Mapping[int, str]


def make_contents(inputs: Inputs, request: ReportRequest, reporter: Reporter = SILENT) -> Contents:
    """Work out everything that a report shows.

    Args:
        inputs: The files of the request, read.
        request: What to show.
        reporter: Shows progress.

    Raises:
        CurateError: The inputs do not fit each other.
    """
    before, after = inputs.before, inputs.after
    frame = joined_rows(before.table, None if after is None else after.table)
    if after is not None:
        _note_strangers(before, after, reporter)
    sources = source_names(frame)
    types = type_names(frame)
    predicted = _predicted(inputs.predictions, frame, request, reporter)
    clusters = _clusters(inputs, reporter)
    gallery = [] if clusters is None else largest_clusters(clusters, left_out(frame), seed=request.settings.seed)
    maps = make_maps(inputs, frame, request, reporter)
    cards, card_total = neighbor_cards(before.table if after is None else _with_pseudo(inputs))
    wanted = wanted_pictures(
        inputs,
        frame,
        maps.rows,
        gallery,
        cards,
        maps.points,
        [] if predicted is None else predicted.ids,
        count=request.settings.pictures,
        seed=request.settings.seed,
    )
    states = count_states(frame)
    places = {name: layout.points for name, layout in maps.samples.items()}
    payload = {
        "title": _title(inputs),
        "summary": _summary(inputs, states),
        "seed": request.settings.seed,
        "compared": after is not None,
        "manifests": [describe_manifest(s.table, s.name, s.provenance.get("stage")) for s in inputs.chain],
        "states": states,
        "sources": sources,
        "types": {str(kind): name for kind, name in types.items()},
        "cells": count_cells(frame, sources),
        "usable": len(frame) - states["unusable"],
        "samples": sample_columns(maps.rows, sources, clusters, places),
        "clusters": None if clusters is None else {**size_figures(clusters), "note": clusters.note},
        "gallery": gallery_entries(gallery, frame),
        "references": reference_columns(maps.points, None if maps.references is None else maps.references.points),
        "bounds": selection_bounds(inputs.selection),
        "cards": {"shown": cards, "total": card_total},
        "mixes": [mix_figures(manifest.table, manifest.name) for manifest in inputs.mixes],
        "domains": inputs.domains,
        "provenance": provenance_entries(inputs),
        "projection": maps.methods,
        "versions": library_versions(("syndr-curate", "plotly", "umap-learn", "numpy", "pyarrow")),
        "webgl_from": WEBGL_FROM,
        "missing": _missing(inputs, clusters, maps, card_total),
    }
    if predicted is not None and inputs.predictions is not None:
        payload["predictions"] = prediction_entries(predicted, Path(inputs.predictions.source).name, frame)
    budget = picture_budget(len(json_inside_script(payload).encode()))
    pictures = make_thumbnails(
        wanted, count=request.settings.pictures, budget=budget, workers=request.workers, reporter=reporter
    )
    payload["pictures"] = {
        "data": dict(pictures.data),
        "missing": dict(pictures.missing),
        "left_out": pictures.left_out,
    }
    return Contents(payload, maps, types)


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
    found = [
        find_left_out(clusters, inputs.before.table, inputs.after.table, features, reporter)
        for features in inputs.features.values()
    ]
    # Of several models, one is the model that the epoch was thinned by; the others have a note that they are not.
    return next((each for each in found if each.note is None), found[0] if found else clusters)


def _predicted(
    predictions: Predictions | None, frame: pd.DataFrame, request: ReportRequest, reporter: Reporter
) -> PredictionGallery | None:
    if predictions is None:
        return None
    found = prediction_gallery(frame, predictions, request.settings.gallery)
    if found.unused:
        reporter.note(f"{found.unused} predictions are for images without a label or not in the manifest: not used")
    return found


def _with_pseudo(inputs: Inputs) -> Any:
    """Return the first manifest that has pseudo-labels, the last where none has."""
    for manifest in inputs.chain:
        if "pseudo" in manifest.table["label_source"].cast("string").unique().to_pylist():
            return manifest.table
    return inputs.chain[-1].table


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


def _missing(inputs: Inputs, clusters: Clusters | None, maps: Maps, cards: int) -> dict[str, str]:
    """Say plainly what the page cannot show, and what would bring it."""
    notes = {}
    if inputs.after is None and not inputs.mixes:
        notes["after"] = "Only one manifest was given, so nothing is compared: give a second one, after the first."
    if not maps.samples:
        notes["samples"] = "No map of samples: give --features FILE, the features of the first manifest's rows."
    for name, ids in maps.lacking.items():
        rows = "row" if len(ids) == 1 else "rows"
        notes[f"features of {name}"] = (
            f"{name} has no features of {len(ids)} {rows} that another model has some of: {list_ids(ids)}. "
            f"On the maps {'it is' if len(ids) == 1 else 'they are'} left out."
        )
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
