"""Algorithm 3 up to the draw: which rows are filtered, and which of them hang together."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..errors import CurateError
from ..runs.executors import Executor
from ..runs.progress import SILENT, Reporter, counting
from ..similarity import FeatureRows, threshold_components

SIMILARITY = 0.9  # Algorithm 3: an edge needs cos > 1 - 0.1 (Table 6)
LABEL_GAP = 1.0  # Algorithm 3: and labels less than this apart
KEEP_MIN = 20  # Algorithm 3: clusters up to this size are left alone (Table 7)
KEEP_FRACTION = 0.5

Scope = Literal["all", "mos"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class Thresholds:
    """Thresholds of Algorithm 3; the defaults are the paper's best.

    Attributes:
        similarity: Two rows are alike when their cosine is above this (strict).
        label_gap: ... and their labels are less than this apart, on [0, 10] (strict).
        keep_min: A cluster keeps at least this many members.
        keep_fraction: Share of a larger cluster that is kept.
        scope: `all`: every row is filtered. `mos`: rows with label_source `pseudo` all stay, as in the released
            training loop.
        seed: The run's seed.
        device: `cpu` or `cuda`.
    """

    similarity: float = SIMILARITY
    label_gap: float = LABEL_GAP
    keep_min: int = KEEP_MIN
    keep_fraction: float = KEEP_FRACTION
    scope: Scope = "all"
    seed: int = 123
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing."""
        ranges = {
            "similarity": (-1.0 <= self.similarity <= 1.0, "a cosine in [-1, 1]"),
            "label_gap": (0 < self.label_gap < float("inf"), "a finite number above 0"),
            "keep_min": (self.keep_min >= 1, "at least 1"),
            "keep_fraction": (0.0 <= self.keep_fraction <= 1.0, "a share in [0, 1]"),
            "scope": (self.scope in SCOPES, " or ".join(SCOPES)),
        }
        for name, (fits, expected) in ranges.items():
            if not fits:
                raise CurateError(f"{name} is {getattr(self, name)!r}; expected {expected}")


def training_rows(rows: pa.Table) -> NDArray[np.int64]:
    """Return the places of the rows with split `train`.

    Raises:
        CurateError: There are none.
    """
    places = np.flatnonzero(_equals(rows, "split", "train")).astype(np.int64)
    if not len(places):
        raise CurateError("the manifest has no row with status ok and split train")
    return places


def filtered_rows(rows: pa.Table, training: NDArray[np.int64], scope: Scope) -> NDArray[np.int64]:
    """Return the places, among the training rows, of those that Algorithm 3 looks at."""
    if scope == "all":
        return training
    return training[~_equals(rows, "label_source", "pseudo")[training]]


def cluster_rows(
    rows: pa.Table,
    features: FeatureRows,
    places: NDArray[np.int64],
    thresholds: Thresholds,
    executor: Executor | None = None,
    reporter: Reporter = SILENT,
) -> NDArray[np.integer[Any]]:
    """Find the clusters among some rows.

    Args:
        rows: N rows with labels.
        features: (N, D), measured, one per row.
        places: The M rows to cluster.
        thresholds: What makes two rows alike.
        executor: Who looks for clusters; by default threads of this process. It never changes what is found.
        reporter: Shows progress.

    Returns:
        (M,) the cluster of each.

    Source: SynDR-IQA, Algorithm 3 (DRCDown), lines 1-8.
    """
    if not len(places):
        return np.zeros(0, np.int32)
    labels = rows["label"].to_numpy()[places]
    with reporter.task("cluster", len(places)) as task:
        return threshold_components(
            features.take(places),
            labels,
            thresholds.similarity,
            thresholds.label_gap,
            device=thresholds.device,
            executor=executor,
            progress=counting(task, len(places)),
        )


def _equals(table: pa.Table, column: str, value: str) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = pc.fill_null(pc.equal(table[column], value), False).to_numpy()
    return mask
