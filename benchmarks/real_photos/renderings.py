"""Rendered pictures as the toolkit's stages have them: manifests, features, and measures beside the reference.

A pool is a manifest of recipe rows; no picture is stored. Its rows are encoded and measured in parts of a few
references, each of which leaves a file: what a run that is cut short takes up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from syndr_curate import CurateError, load_features, read_manifest, write_manifest
from syndr_curate.curate.encoding.encode import run_encode
from syndr_curate.curate.labeling.calibrated.measured_rows import measure_rows, rows_to_measure
from syndr_curate.curate.manifest.chains.settings import ChainSettings
from syndr_curate.curate.manifest.ids import list_ids
from syndr_curate.curate.rendering.distort import run_distort
from syndr_curate.curate.storage.atomic import atomic_path
from syndr_curate.distortions import CAMERA

from ..shared.networks import one_thread
from ..shared.work import Task
from .pictures import CANDIDATES, LABELED, frames_folder
from .settings import SEED, TYPES, Run

CHAINS, CAMERA_POOL = "chains", "camera"
POOLS = (LABELED, CANDIDATES, CHAINS, CAMERA_POOL)
_REFERENCES_PER_PART = 3
_CHAIN_LENGTH = (2, 3)
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Rendered:
    """The rows of a pool.

    Attributes:
        manifest: N rows.
        features: float32 (N, D).
        measures: (N, M), as `calibrated.measures.MEASURES` names them.
    """

    manifest: pa.Table
    features: NDArray[np.float32]
    measures: Matrix


def lay_out(run: Run) -> None:
    """Write the manifests of all pools, and of their parts."""
    levels, others = run.size.levels, run.size.other_levels
    camera = tuple(entry.id for entry in CAMERA)
    _distort(run, LABELED, LABELED, types=TYPES, levels=levels)
    _distort(run, CANDIDATES, CANDIDATES, types=TYPES, levels=others)
    chains = ChainSettings(drawn=run.size.chains, length=_CHAIN_LENGTH, types=TYPES)
    _distort(run, CHAINS, LABELED, types=None, levels=levels, chains=chains)
    _distort(run, CAMERA_POOL, LABELED, types=camera, levels=others)
    for pool in POOLS:
        table = read_manifest(manifest_path(run, pool))
        for number, (first, length) in enumerate(_cuts(table)):
            path = _part_path(run, "parts", pool, number, ".parquet")
            if not path.is_file():
                write_manifest(table.slice(first, length), path)


def tasks(run: Run) -> list[Task]:
    """Return what is left to encode and to measure."""
    parts = [(pool, number) for pool in POOLS for number in range(len(_cuts(read_manifest(manifest_path(run, pool)))))]
    made = ((_encode_part, "features", ".parquet"), (_measure_part, "measures", ".npy"))
    return [
        (function, (run, pool, number), {})
        for pool, number in parts
        for function, folder, suffix in made
        if not _part_path(run, folder, pool, number, suffix).is_file()
    ]


def read_pool(run: Run, pool: str) -> Rendered:
    """Return a pool whose parts are all done, in the order of its manifest.

    Raises:
        CurateError: A row could not be rendered.
    """
    table = read_manifest(manifest_path(run, pool))
    ids = table["sample_id"].to_pylist()
    count = len(_cuts(table))
    found = [load_features(_part_path(run, "features", pool, k, ".parquet")) for k in range(count)]
    known = [identifier for features in found for identifier in features.require_ids()]
    if known != ids:
        lost = sorted(set(ids) - set(known))
        raise CurateError(f"{len(lost)} rows of {manifest_path(run, pool)} could not be encoded: {list_ids(lost)}")
    measures = np.concatenate([np.load(_part_path(run, "measures", pool, k, ".npy")) for k in range(count)])
    return Rendered(table, np.concatenate([features.matrix for features in found]), measures)


def encode_to(images: Path, out: Path, encoder: str, pool: tuple[str, ...] | None) -> None:
    """Encode a manifest or a folder on one thread of torch; nothing if that is done."""
    if out.is_file():
        return
    with one_thread():
        run_encode(images, out, encoder=encoder, pool=pool, device="cpu", batch_size=8, workers=1)


def manifest_path(run: Run, pool: str) -> Path:
    """Return the manifest of a pool."""
    return run.path("manifests", pool, "manifest.parquet")


def _distort(
    run: Run,
    pool: str,
    role: str,
    *,
    types: tuple[int, ...] | None,
    levels: tuple[int, ...],
    chains: ChainSettings | None = None,
) -> None:
    if not manifest_path(run, pool).is_file():
        run_distort(
            frames_folder(run, role),
            run.path("manifests", pool),
            types=types,
            levels=levels,
            chains=chains,
            seed=SEED,
            recipe_only=True,
        )


def _cuts(table: pa.Table) -> list[tuple[int, int]]:
    """Return first row and length of each part; rows of one reference stand together."""
    references = table["reference_id"].to_pylist()
    starts = [k for k, name in enumerate(references) if k == 0 or name != references[k - 1]]
    bounds = [*starts[::_REFERENCES_PER_PART], len(references)]
    return [(first, last - first) for first, last in pairwise(bounds)]


def _part_path(run: Run, folder: str, pool: str, number: int, suffix: str) -> Path:
    return run.path(folder, f"{pool}-{number:03d}{suffix}")


def _encode_part(run: Run, pool: str, number: int) -> None:
    manifest = _part_path(run, "parts", pool, number, ".parquet")
    encode_to(manifest, _part_path(run, "features", pool, number, ".parquet"), run.size.encoder, run.size.pool)


def _measure_part(run: Run, pool: str, number: int) -> None:
    manifest = _part_path(run, "parts", pool, number, ".parquet")
    found = measure_rows(rows_to_measure(read_manifest(manifest), manifest, str(manifest)), workers=1)
    failed = [outcome.error for outcome in found.outcomes if outcome.status != "ok"]
    if failed:
        raise CurateError(f"{len(failed)} rows of {manifest} cannot be measured; the first because: {failed[0]}")
    path = _part_path(run, "measures", pool, number, ".npy")
    with atomic_path(path, durable=False) as temporary, temporary.open("wb") as file:
        np.save(file, found.measures)
