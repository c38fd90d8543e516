"""What a report's page knows: JSON values, with long columns packed as base64."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..manifest.ids import make_sample_id
from ..manifest.provenance import digest_table
from .clusters import Clusters, GalleryCluster
from .maps.layout import quantised
from .maps.models import UNNAMED
from .predictions import PredictedPicture, PredictionGallery
from .references import ORIGINAL, ReferencePoint
from .request import Inputs, ReportManifest
from .rows import STATES, UNKNOWN

_NO_LABEL = np.iinfo(np.uint16).max


def pack(values: NDArray[Any] | Sequence[int], kind: str) -> str:
    """Pack numbers as base64 of their little-endian bytes.

    Args:
        values: N numbers.
        kind: `u1`, `i1`, `u2` or `i4`, as the page's `unpack` reads it.
    """
    return base64.b64encode(np.asarray(values).astype(f"<{kind}").tobytes()).decode()


def sample_columns(
    rows: pd.DataFrame, sources: Sequence[str], clusters: Clusters | None, points: Mapping[str, NDArray[np.float32]]
) -> dict[str, Any]:
    """Lay out the rows that the page draws one by one.

    Args:
        rows: N drawn rows.
        sources: Names of the sources.
        clusters: Where rows belong, if known.
        points: Name of each model to (N, 2) coordinates; empty without a map.

    Returns:
        Packed columns; `references` (ids) with `reference` (places in it), and `ids`: the sample ids that are not
        `<reference>_<type>_<level>`, by row; `steps` of chains, by row. The coordinates are `x, y`; with named models
        `models`: `name, x, y` of each.
    """
    references = sorted({name for name in rows["reference_id"] if isinstance(name, str)})
    place = {name: index for index, name in enumerate(references)}
    kinds, levels = rows["distortion_id"].tolist(), rows["level"].tolist()
    odd = {
        str(row): identifier
        for row, (identifier, name, kind, level) in enumerate(
            zip(rows["sample_id"], rows["reference_id"], kinds, levels, strict=True)
        )
        if not isinstance(name, str) or identifier != make_sample_id(name, kind, level)
    }
    labels = rows["label"].to_numpy(np.float64)
    hundredths = np.where(np.isnan(labels), _NO_LABEL, np.round(np.nan_to_num(labels) * 100))
    of_row: Mapping[str, int] = {} if clusters is None else clusters.of_row
    columns: dict[str, Any] = {
        "count": len(rows),
        "references": references,
        "reference": pack([place.get(name, UNKNOWN) for name in rows["reference_id"]], "i4"),
        "ids": odd,
        "steps": {str(row): steps for row, steps in enumerate(rows["steps"]) if steps is not None},
        "type": pack(kinds, "i1"),
        "level": pack(levels, "i1"),
        "label": pack(hundredths, "u2"),
        "state": pack([STATES.index(state) for state in rows["state"]], "u1"),
        "source": pack([sources.index(source) for source in rows["source"]], "u1"),
        "cluster": pack([of_row.get(identifier, UNKNOWN) for identifier in rows["sample_id"]], "i4"),
    }
    if UNNAMED in points:
        columns |= _packed_points(points[UNNAMED])
    elif points:
        columns["models"] = [{"name": name, **_packed_points(found)} for name, found in points.items()]
    return columns


def gallery_entries(gallery: Sequence[GalleryCluster], frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Lay out the gallery: every cluster with the facts about the members it shows."""
    shown = {identifier for cluster in gallery for identifier in cluster.shown_kept + cluster.shown_left}
    facts = {row.pop("sample_id"): row for row in _facts(frame[frame["sample_id"].isin(shown)])}
    return [
        {
            "cluster": cluster.cluster,
            "size": cluster.size,
            "kept": cluster.kept,
            "members": [
                {"id": identifier, **facts[identifier]}
                for identifier in cluster.shown_kept + cluster.shown_left
                if identifier in facts
            ],
        }
        for cluster in gallery
    ]


def reference_columns(points: Sequence[ReferencePoint], coordinates: NDArray[np.float32] | None) -> dict[str, Any]:
    """Lay out originals and candidates, with coordinates where there are some."""
    roles = sorted({point.role for point in points}, key=lambda role: (role != ORIGINAL, role))
    scaled = None if coordinates is None else quantised(coordinates)
    return {
        "roles": roles,
        "ids": [point.id for point in points],
        "role": [roles.index(point.role) for point in points],
        "nearest": [point.nearest for point in points],
        "nearest_distance": [point.nearest_distance for point in points],
        "farthest_distance": [point.farthest_distance for point in points],
        "x": None if scaled is None else scaled[:, 0].tolist(),
        "y": None if scaled is None else scaled[:, 1].tolist(),
    }


def prediction_entries(gallery: PredictionGallery, name: str, frame: pd.DataFrame) -> dict[str, Any]:
    """Lay out the best and the worst predicted pictures, with the facts about each.

    Args:
        gallery: The pictures.
        name: What to call the predictions.
        frame: All rows.
    """
    facts = {row.pop("sample_id"): row for row in _facts(frame[frame["sample_id"].isin(set(gallery.ids))])}

    def entry(picture: PredictedPicture) -> dict[str, Any]:
        numbers = {"label": picture.label, "prediction": picture.prediction, "error": picture.error}
        rounded = {key: round(value, 2) for key, value in numbers.items()}
        return {"id": picture.id, **facts[picture.id], **rounded, "score": float(f"{picture.score:.6g}")}

    return {
        "name": name,
        "rows": gallery.rows,
        "unused": gallery.unused,
        "best": [entry(picture) for picture in gallery.best],
        "worst": [entry(picture) for picture in gallery.worst],
    }


def provenance_entries(inputs: Inputs) -> list[dict[str, Any]]:
    """Lay out how every manifest was made, and whether the last was made from the first."""
    mixes = [manifest for manifest in inputs.mixes if manifest not in inputs.chain]
    shown = [*inputs.chain, *mixes]
    entries = [{"name": manifest.name, "facts": manifest.provenance, "note": None} for manifest in shown]
    if inputs.after is not None:
        entries[len(inputs.chain) - 1]["note"] = _descent(inputs.before, inputs.after)
    return entries


def _packed_points(points: NDArray[np.float32]) -> dict[str, str]:
    scaled = quantised(points)
    return {"x": pack(scaled[:, 0], "u2"), "y": pack(scaled[:, 1], "u2")}


def _descent(before: ReportManifest, after: ReportManifest) -> str | None:
    recorded = (after.provenance.get("inputs") or {}).get("manifest")
    if recorded is None:
        return None
    same = recorded == digest_table(before.table)
    return (
        f"Made from {before.name}: its digest is the one recorded here."
        if same
        else f"Not made from {before.name} as it is now: another digest is recorded here."
    )


def _facts(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = ("sample_id", "reference_id", "distortion_id", "level", "steps", "label", "state", "source")
    return [
        {
            "sample_id": sample_id,
            "reference": reference if isinstance(reference, str) else None,
            "type": kind,
            "level": level,
            "steps": steps,
            "label": None if np.isnan(label) else round(label, 2),
            "state": STATES.index(state),
            "source": source,
        }
        for sample_id, reference, kind, level, steps, label, state, source in zip(
            *(frame[name].tolist() for name in names), strict=True
        )
    ]
