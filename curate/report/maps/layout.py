"""Where the marks of a report's maps are."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...manifest.provenance import digest_array
from ...runs.progress import SILENT, Reporter
from ..settings import Method
from .coordinates import Layout, load_points
from .models import UNNAMED
from .projection import FEWEST_FOR_UMAP, choose_method, project

SAMPLES, REFERENCES = "samples", "references"


def sample_map_name(model: str) -> str:
    """Return the name of a model's map of samples."""
    return SAMPLES if model == UNNAMED else f"{SAMPLES}:{model}"


def lay_out(
    name: str,
    ids: list[str],
    matrix: NDArray[np.floating[Any]],
    *,
    method: Method,
    seed: int,
    saved: Path,
    reporter: Reporter = SILENT,
) -> Layout:
    """Project features, or take the points of an earlier report on the same ones.

    Args:
        name: `samples`, with a named model `samples:NAME`, or `references`.
        ids: N ids.
        matrix: (N, D) features.
        method: How.
        seed: Seed of the projection.
        saved: Where an earlier report left its coordinates.
        reporter: Told which way it went, and shows progress.
    """
    chosen = choose_method(method, len(ids))
    nothing = np.zeros((0, 2), np.float32)
    wanted = Layout(name, chosen, seed, digest_array(np.ascontiguousarray(matrix), ids), ids, nothing)
    points = load_points(saved, wanted)
    if points is None:
        why = "" if chosen == method else f": {method.upper()} needs {FEWEST_FOR_UMAP} points or more"
        reporter.note(f"map of {name}: {len(ids):,} points by {chosen.upper()}{why}")
        points = project(matrix, chosen, seed, reporter)
    return Layout(name, chosen, seed, wanted.digest, ids, points)


def quantised(points: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Scale points to 16 bits a coordinate, one scale for both axes: finer than any screen.

    Args:
        points: float32 (N, 2).

    Returns:
        uint16 (N, 2); the larger extent fills 0 to 65535.
    """
    if not len(points):
        return np.zeros((0, 2), np.uint16)
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    scale = np.iinfo(np.uint16).max / max(float((high - low).max()), 1e-12)
    scaled: NDArray[np.uint16] = np.round((points.astype(np.float64) - low) * scale).astype(np.uint16)
    return scaled
