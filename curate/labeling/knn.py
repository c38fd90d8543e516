"""Stage `label`: labels of new references from their nearest labelled ones (Algorithm 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...distortions.catalog import PRISTINE
from ..datasets.features import Features
from ..datasets.labels import Labels
from ..errors import CurateError
from ..manifest.ids import list_ids, make_sample_id
from ..manifest.schema import LABEL_MAXIMUM, NEIGHBORS, SCHEMA
from ..similarity import check_rows, nearest

NEIGHBOR_COUNT = 5  # Algorithm 2, k
NEIGHBOR_MARGIN = 0.05  # Algorithm 2, line 4: relative to the nearest distance
TEMPERATURE = 0.05
# Cells in which the generator returns its input unchanged: their labels are labels of the pristine picture.
IDENTITY_CELLS = ((1, 1), (3, 1), (18, 3))

Weighting = Literal["published", "similarity"]
WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)
LabelerName = Literal["knn", "gp"]


@dataclass(frozen=True)
class NeighborSettings:
    """How many neighbours label a reference, and how they are weighted.

    Attributes:
        count: k nearest labelled references.
        margin: Of these, keep those with d - d_min below this.
        weighting: `published`: softmax(d), as the released code does; `similarity`: softmax(-d / temperature).
        temperature: For `similarity`.
    """

    count: int = NEIGHBOR_COUNT
    margin: float = NEIGHBOR_MARGIN
    weighting: Weighting = "published"
    temperature: float = TEMPERATURE

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing."""
        if self.count < 1:
            raise CurateError(f"neighbors is {self.count}; expected at least 1")
        if not self.margin > 0:
            raise CurateError(f"margin is {self.margin:g}; expected a number above 0")
        if not self.temperature > 0:
            raise CurateError(f"temperature is {self.temperature:g}; expected a number above 0")
        if self.weighting not in WEIGHTINGS:
            raise CurateError(f"weighting is {self.weighting!r}; expected {' or '.join(WEIGHTINGS)}")


@dataclass(frozen=True)
class Neighbor:
    """One labelled reference that takes part in a label: id, d = 1 - cos, weight."""

    id: str
    distance: float
    weight: float


def find_neighbors(
    matrix: NDArray[np.floating[Any]], references: Features, settings: NeighborSettings
) -> list[list[Neighbor]]:
    """Find the labelled references that speak for each new one.

    Args:
        matrix: (m, D) features of the new references.
        references: (n, D) features of the labelled references, with ids.
        settings: k, margin and weighting.

    Returns:
        For each new reference its neighbours, nearest first; weights sum to 1.

    Source: SynDR-IQA, Algorithm 2, lines 2-5.
    """
    ids = references.require_ids()
    distances, indices = nearest(matrix, references.matrix, min(settings.count, len(ids)))
    found = []
    for row, places in zip(distances, indices, strict=True):
        inside = row - row[0] < settings.margin
        weights = _weights(row[inside], settings)
        found.append(
            [
                Neighbor(ids[int(place)], float(distance), float(weight))
                for place, distance, weight in zip(places[inside], row[inside], weights, strict=True)
            ]
        )
    return found


def label_rows(rows: pa.Table, neighbors: dict[str, list[Neighbor]], labels: Labels) -> pa.Table:
    """Give recipe rows of new references their pseudo-labels.

    The label of (r, type, level) is the weighted mean of the neighbours' labels for the same type and level, its
    `label_std` their weighted standard deviation (null with one neighbour). A pristine row takes the mean over the
    cells in which the generator changes nothing.

    Args:
        rows: Manifest rows with reference_id, distortion_id and level.
        neighbors: Neighbours of each reference.
        labels: The labelled set.

    Returns:
        The rows with `label`, `label_std`, `label_source` and `neighbors` filled in.

    Raises:
        CurateError: A neighbour has no label for a type and level that is asked for; the message names them.

    Source: SynDR-IQA, Algorithm 2, lines 6-9.
    """
    references = rows["reference_id"].to_pylist()
    conditions = list(zip(rows["distortion_id"].to_pylist(), rows["level"].to_pylist(), strict=True))
    lookup = with_pristine_labels(labels.by_condition(), set(labels.reference_ids))
    _require_labels(references, conditions, neighbors, lookup)
    means = np.empty(len(rows))
    spreads = np.full(len(rows), np.nan)
    for row, (reference, (kind, level)) in enumerate(zip(references, conditions, strict=True)):
        voices = neighbors[reference]
        values = [lookup[voice.id, kind, level] for voice in voices]
        mean = sum(voice.weight * value for voice, value in zip(voices, values, strict=True))
        means[row] = mean
        if len(voices) > 1:
            squares = (voice.weight * (value - mean) ** 2 for voice, value in zip(voices, values, strict=True))
            spreads[row] = np.sqrt(sum(squares))
    # The mean of labels on [0, 10] can leave the interval by a rounding error.
    means = np.clip(means, 0.0, LABEL_MAXIMUM)
    columns = {
        "label": pa.array(means.astype(np.float32)),
        "label_std": pa.array(spreads.astype(np.float32), from_pandas=True),
        "label_source": pa.array(["pseudo"] * len(rows), pa.string()).dictionary_encode(),
        "neighbors": _neighbor_column(references, neighbors),
    }
    for name, values in columns.items():
        rows = rows.set_column(rows.schema.get_field_index(name), SCHEMA.field(name), values)
    return rows


def require_same_references(references: Features, labels: Labels) -> None:
    """Refuse feature and label files that speak of different references.

    Raises:
        CurateError: Names the references that only one of them has, or feature rows without a direction.
    """
    ids = references.require_ids()
    labelled = set(labels.reference_ids)
    without_features = [identifier for identifier in labels.references() if identifier not in set(ids)]
    without_labels = [identifier for identifier in ids if identifier not in labelled]
    if without_features:
        raise CurateError(
            f"{references.source} has no features for {len(without_features)} labelled references: "
            f"{list_ids(without_features)}"
        )
    if without_labels:
        raise CurateError(
            f"{references.source} has {len(without_labels)} references without any label: {list_ids(without_labels)}"
        )
    check_rows(references.matrix, ids, references.source)


def with_pristine_labels(
    lookup: dict[tuple[str, int, int], float], references: set[str]
) -> dict[tuple[str, int, int], float]:
    """Add the label of each pristine picture: the mean over its identity cells, where it has any.

    Args:
        lookup: Quality by (reference id, distortion id, level).
        references: Ids of the references.
    """
    full = dict(lookup)
    for reference in references:
        cells = [lookup[reference, kind, level] for kind, level in IDENTITY_CELLS if (reference, kind, level) in lookup]
        if cells:
            full[reference, PRISTINE, 0] = sum(cells) / len(cells)
    return full


def _weights(distances: NDArray[np.float64], settings: NeighborSettings) -> NDArray[np.float64]:
    scores = distances if settings.weighting == "published" else -distances / settings.temperature
    powers = np.exp(scores - scores.max())
    result: NDArray[np.float64] = powers / powers.sum()
    return result


def _require_labels(
    references: Sequence[str],
    conditions: Sequence[tuple[int, int]],
    neighbors: dict[str, list[Neighbor]],
    lookup: dict[tuple[str, int, int], float],
) -> None:
    wanted = {
        (voice.id, kind, level)
        for reference, (kind, level) in zip(references, conditions, strict=True)
        for voice in neighbors[reference]
    }
    missing = sorted(wanted - lookup.keys())
    if missing:
        cells = [make_sample_id(*cell) for cell in missing]
        raise CurateError(
            f"{len(missing)} labels are needed and not in the label file: {list_ids(cells)} "
            "(choose --types and --levels that every reference has labels for)"
        )


def _neighbor_column(references: Sequence[str], neighbors: dict[str, list[Neighbor]]) -> pa.Array:
    as_rows = {
        reference: [{"reference_id": v.id, "distance": v.distance, "weight": v.weight} for v in voices]
        for reference, voices in neighbors.items()
    }
    return pa.array([as_rows[reference] for reference in references], NEIGHBORS)
