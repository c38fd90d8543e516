"""The coordinates of a report's maps, kept beside it with their seed: a second report need not work them out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ...errors import CurateError
from ...manifest.provenance import attach, make_provenance, read_provenance
from ...storage.atomic import atomic_path
from .projection import LEARNED_FROM, umap_version

STAGE = "report"


@dataclass(frozen=True)
class Layout:
    """One map.

    Attributes:
        name: `samples`, with a named model `samples:NAME`, or `references`.
        method: `umap` or `pca`.
        seed: Seed of the projection.
        digest: Digest of the features and ids behind it.
        ids: N ids.
        points: float32 (N, 2).
    """

    name: str
    method: str
    seed: int
    digest: str
    ids: list[str]
    points: NDArray[np.float32]

    def facts(self) -> dict[str, Any]:
        """Return what must be equal for the points to be used again."""
        version = umap_version() if self.method == "umap" else None
        return {
            "method": self.method,
            "seed": self.seed,
            "features": self.digest,
            "umap-learn": version,
            "learned from": LEARNED_FROM,
        }


def coordinates_file(out: Path) -> Path:
    """Return where the coordinates of a report lie."""
    return out.with_name(f"{out.stem}.coordinates.parquet")


def save_layouts(layouts: list[Layout], path: Path) -> None:
    """Write maps as Parquet `map, id, x, y`, with method, seed and digests in the provenance.

    Raises:
        CurateError: The file cannot be written.
    """
    points = np.concatenate([layout.points for layout in layouts])
    table = pa.table(
        {
            "map": pa.array([layout.name for layout in layouts for _ in layout.ids], pa.string()).dictionary_encode(),
            "id": pa.array([identifier for layout in layouts for identifier in layout.ids], pa.string()),
            "x": pa.array(points[:, 0], pa.float32()),
            "y": pa.array(points[:, 1], pa.float32()),
        }
    )
    config = {layout.name: layout.facts() for layout in layouts}
    inputs = {layout.name: layout.digest for layout in layouts}
    with atomic_path(path) as temporary:
        pq.write_table(attach(table, make_provenance(STAGE, config, inputs)), temporary, compression="zstd")


def load_points(path: Path, wanted: Layout) -> NDArray[np.float32] | None:
    """Return the points of a map that was worked out before from the same features in the same way, None if not."""
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path, partitioning=None)
        provenance = read_provenance(table)
        if provenance.get("stage") != STAGE or provenance["config"].get(wanted.name) != wanted.facts():
            return None
        rows = table.filter(pc.equal(table["map"].cast(pa.string()), wanted.name))
        if rows["id"].to_pylist() != wanted.ids:
            return None
        return np.column_stack([rows["x"].to_numpy(), rows["y"].to_numpy()]).astype(np.float32)
    except (OSError, KeyError, pa.ArrowException, CurateError):
        return None
