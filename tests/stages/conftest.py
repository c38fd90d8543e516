"""Small labelled sets and feature matrices that the stages' tests share."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from syndr_curate.curate.data.features import Features
from syndr_curate.curate.data.labels import Labels, LabelScale
from syndr_curate.curate.data.schema import build_table


@pytest.fixture
def features() -> Callable[..., Features]:
    def make(rows: dict[str, Sequence[float]]) -> Features:
        matrix = np.array(list(rows.values()), dtype=np.float32)
        ids = tuple(rows)
        return Features(matrix, ids, tuple(f"{i}.png" for i in ids), "the features", {})

    return make


@pytest.fixture
def at_angles(features: Callable[..., Features]) -> Callable[..., Features]:
    """Unit vectors in the plane, given by their angle in degrees: d(a, b) = 1 - cos(a - b)."""

    def make(**angles: float) -> Features:
        radians = {name: np.radians(angle) for name, angle in angles.items()}
        return features({name: (np.cos(angle), np.sin(angle)) for name, angle in radians.items()})

    return make


@pytest.fixture
def labelled() -> Callable[..., Labels]:
    """A labelled set with one label per (reference, type, level), quality on [0, 10]."""

    def make(cells: dict[tuple[str, int, int], float]) -> Labels:
        ids = tuple(f"{r}_{t:02d}_{level:02d}" for r, t, level in cells)
        return Labels(
            sample_ids=ids,
            image_names=tuple(f"{i}.png" for i in ids),
            reference_ids=tuple(r for r, _, _ in cells),
            reference_names=tuple(f"{r}.png" for r, _, _ in cells),
            distortion_ids=np.array([t for _, t, _ in cells], np.int8),
            levels=np.array([level for _, _, level in cells], np.int8),
            quality=np.array(list(cells.values()), np.float64),
            standard_errors=np.full(len(cells), np.nan),
            scale=LabelScale(0.0, 10.0),
        )

    return make


@pytest.fixture
def training_table() -> Callable[..., pa.Table]:
    """A training manifest without files: ids and labels, and any further columns."""

    def make(ids: Sequence[str], labels: Sequence[float] | NDArray[np.floating], **columns: object) -> pa.Table:
        defaults: dict[str, object] = {
            "sample_id": list(ids),
            "image_path": [f"{i}.png" for i in ids],
            "image_root": "images",
            "label": pa.array(np.asarray(labels, np.float32)),
            "label_source": "mos",
            "split": "train",
            "status": "ok",
        }
        return build_table({**defaults, **columns}, len(ids))

    return make
